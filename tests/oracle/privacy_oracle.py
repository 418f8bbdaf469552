"""Holds both privacy accountants to dp-accounting.

usage: privacy_oracle.py PROGRAM   (PROGRAM is built from privacy_oracle.cc)
"""

import itertools
import logging
import random
import subprocess
import sys
import unittest

import dp_accounting
from dp_accounting.pld import privacy_loss_distribution
from dp_accounting.rdp import rdp_privacy_accountant

PROGRAM = sys.argv[1]
logging.disable(logging.WARNING)  # fractional orders that dp-accounting gives up on

# Orders for which both have a formula without a series.
WHOLE_ORDERS = [*range(2, 64), 64, 128, 256, 512, 1024]


def ask(lines):
    """Our answers, a list of numbers a line."""
    done = subprocess.run([PROGRAM], input="\n".join(lines), capture_output=True, text=True, timeout=500, check=True)
    return [[float(word) for word in line.split()] for line in done.stdout.splitlines()]


def settings():
    """A hundred, drawn from a grid: from one step to a thousand, from no sampling to one in 250."""
    grid = list(itertools.product([1.0, 0.5, 0.1, 0.02, 0.004], [0.6, 0.8, 1.0, 1.5, 3.0, 8.0], [1, 30, 300, 1000],
                                  [1e-3, 1e-5, 1e-6]))
    return random.Random(1).sample(grid, 100)


def tight(rate, noise, steps, delta, interval=1e-4):
    loss = privacy_loss_distribution.from_gaussian_mechanism(noise, sampling_prob=rate, use_connect_dots=True,
                                                             value_discretization_interval=interval)
    return loss.self_compose(steps).get_epsilon_for_delta(delta)


def renyi(rate, noise, steps, delta, orders):
    accountant = rdp_privacy_accountant.RdpAccountant(orders)
    event = dp_accounting.PoissonSampledDpEvent(rate, dp_accounting.GaussianDpEvent(noise))
    return accountant.compose(event, steps).get_epsilon(delta)


class Accountants(unittest.TestCase):
    def test_agree_over_a_hundred_settings(self):
        ours = ask("%g %g %d %g" % setting for setting in settings())
        for setting, (our_renyi, our_tight) in zip(settings(), ours):
            with self.subTest(setting):
                theirs = tight(*setting, interval=1e-4 if our_tight < 2 else 1e-3)
                self.assertLess(abs(our_tight - theirs), 0.01 * theirs + 1e-4)
                # Ours has fractional orders too, so it is at most theirs of whole ones, and no bound is below the
                # tight one.
                self.assertLess(our_renyi, 1.001 * renyi(*setting, WHOLE_ORDERS) + 1e-9)
                self.assertGreater(our_renyi, 0.999 * theirs)

    def test_renyi_agrees_where_dp_accounting_has_all_orders(self):
        for setting in [(1.0, 3.0, 10, 1e-5), (0.02, 1.0, 300, 1e-5), (0.004, 0.8, 1000, 1e-6), (0.02, 3.0, 1000, 1e-3)]:
            with self.subTest(setting):
                orders = [1 + x / 10 for x in range(1, 100)] + list(range(11, 64)) + [64, 128, 256, 512, 1024]
                ((ours, _),) = ask(["%g %g %d %g" % setting])
                self.assertAlmostEqual(ours / renyi(*setting, orders), 1, delta=0.01)

    def test_noise_for_a_budget_is_the_least(self):
        for epsilon, delta, rate, steps in [(8, 1e-5, 0.05, 600), (1, 1e-5, 0.01, 500), (2, 1e-6, 1.0, 10)]:
            with self.subTest(epsilon=epsilon):
                ((noise,),) = ask([f"noise {epsilon} {delta} {rate} {steps}"])
                self.assertLess(tight(rate, noise, steps, delta), 1.005 * epsilon)
                self.assertGreater(tight(rate, 0.99 * noise, steps, delta), epsilon)

    def test_a_training_spends_what_it_says(self):
        for rows, epsilon, delta, batch, steps in [(4000, 8, 2.5e-5, 1000, 60), (1380, 1, 1e-5, 345, 60),
                                                   (200, 4, 5e-4, 200, 100)]:
            with self.subTest(epsilon=epsilon):
                ((rate, noise, taken, ours),) = ask([f"plan {rows} {epsilon} {delta} {batch} {steps}"])
                self.assertEqual((rate, taken), (batch / rows, steps))
                theirs = tight(rate, noise, steps, delta)
                self.assertLess(abs(ours - theirs), 0.005 * epsilon)
                self.assertLess(theirs, 1.005 * epsilon)
                self.assertGreater(theirs, 0.98 * epsilon)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])

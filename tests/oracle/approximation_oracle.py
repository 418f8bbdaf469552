"""Our polynomials of least error against linear programming, which knows nothing of Remez: SciPy's HiGHS finds the
least largest error on many points, which no polynomial can have less of on the whole interval.

usage: approximation_oracle.py PROGRAM   (PROGRAM is built from approximation_oracle.cc)
"""

import subprocess
import sys
import unittest

import numpy as np
from scipy.optimize import linprog
from scipy.special import expit, ndtr

PROGRAM = sys.argv[1]
FUNCTIONS = {
    "relu": lambda u: np.maximum(u, 0),
    "sigmoid": expit,
    "tanh": np.tanh,
    "gelu": lambda u: u * ndtr(u),
}
INTERVALS = [(-1, 1), (-4, 4), (-3.7, 2.1), (-6.3, 2.1), (-8, 8.5), (0.5, 3)]
POINTS = 600
# A degree that makes the error less than a tenth smaller is left out.
WORTHWHILE = 1.1


def least_error(function, low, high, degree):
    """The least largest error on the points."""
    t = -np.cos(np.pi * np.arange(POINTS + 1) / POINTS)
    u = (low + high) / 2 + t * (high - low) / 2
    if low < 0 < high:  # where relu bends
        u = np.append(u, 0)
        t = np.append(t, -(low + high) / (high - low))
    basis = np.polynomial.chebyshev.chebvander(t, degree)
    ones = np.ones((len(t), 1))
    values = function(u)
    # Minimise e under -e <= f - p <= e.
    done = linprog(np.append(np.zeros(degree + 1), 1), np.block([[-basis, -ones], [basis, -ones]]),
                   np.concatenate([-values, values]), bounds=(None, None), method="highs",
                   options={"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10})
    assert done.success, done.message
    return done.fun


class Approximations(unittest.TestCase):
    def test_no_polynomial_does_better(self):
        cases = [(name, low, high, degree) for name in FUNCTIONS for low, high in INTERVALS for degree in range(1, 8)]
        lines = "".join(f"{name} {low} {high} {degree}\n" for name, low, high, degree in cases)
        done = subprocess.run([PROGRAM], input=lines, capture_output=True, text=True, timeout=300)
        self.assertEqual(done.returncode, 0, done.stderr)
        worst = 1.0
        for case, line in zip(cases, done.stdout.splitlines(), strict=True):
            name, low, high, degree = case
            error, *coefficients = map(float, line.split())
            used = max((i for i, c in enumerate(coefficients) if c != 0), default=0)
            with self.subTest(case=case, degree=used):
                self.assertLessEqual(used, degree)
                # Of the stated polynomial the stated error is the largest, on points of this side's choice.
                u = np.linspace(low, high, 100001)
                measured = np.abs(FUNCTIONS[name](u) - np.polynomial.polynomial.polyval(u, coefficients)).max()
                self.assertLessEqual(measured, error * (1 + 1e-12) + 1e-14)
                self.assertGreaterEqual(measured, error * (1 - 1e-3) - 1e-14)
                # Of its own degree no other does better, and the degree asked for not by much.
                least = least_error(FUNCTIONS[name], low, high, used)
                self.assertGreaterEqual(error, least * (1 - 1e-6) - 1e-9)
                self.assertLessEqual(error, least * (1 + 1e-3) + 1e-9)
                asked = least if used == degree else least_error(FUNCTIONS[name], low, high, degree)
                self.assertLessEqual(error, asked * WORTHWHILE ** (degree - used) * (1 + 1e-3) + 1e-9)
                if least > 1e-6:
                    worst = max(worst, error / least)
        print(f"{len(cases)} polynomials, at most {worst - 1:.1e} above the least error on {POINTS} points")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])

"""Weights that NumPy wrote, read here, give NumPy's own answers; what it should not hold is refused.

usage: npz_oracle.py PROGRAM   (PROGRAM is built from npz_oracle.cc)
"""

import pathlib
import subprocess
import sys
import tempfile
import unittest

import numpy as np

PROGRAM = sys.argv[1]
SHARED = pathlib.Path(__file__).parent / ".." / ".." / ".." / "shared" / "data"
CUBIC = [0.49383, 0.59259, 0.092593, -0.0061728]


def answers(arrays, rows):
    """The features and the scores, as the definition says, in double precision."""
    weights = {name: np.asarray(array, dtype=np.float64) for name, array in arrays.items()}
    x = rows.astype(np.float64)
    if "mn" in weights:
        width = weights["mx"] - weights["mn"]
        x = (x - weights["mn"]) / np.where(width == 0, 1, width)
    if "conv" in weights:
        taps = len(weights["conv"])
        padded = np.pad(x, ((0, 0), ((taps - 1) // 2, taps // 2)))
        x = sum(tap * padded[:, i:i + x.shape[1]] for i, tap in enumerate(weights["conv"]))
    u = x @ weights["w1"].T + weights["b1"]
    p = np.polynomial.polynomial.polyval(u, weights.get("activation", np.array(CUBIC)))
    pooled = weights["w2"].shape[1]
    pool = p.shape[1] - pooled + 1
    means = sum(p[:, i:i + pooled] for i in range(pool)) / pool
    features = means @ weights["w2"].T + weights["b2"]
    if "out_w" not in weights:
        return features, None
    return features, features @ np.atleast_2d(weights["out_w"]).T + weights["out_b"]


def random_arrays(seed, kind=np.float32):
    random = np.random.default_rng(seed)
    inputs, hidden, features = random.integers(1, 40, 3)
    pool = random.integers(1, hidden + 1)
    draw = lambda *shape: random.normal(size=shape).astype(kind)
    arrays = {"w1": draw(hidden, inputs), "b1": draw(hidden), "w2": draw(features, hidden - pool + 1), "b2": draw(features)}
    if seed % 2:
        arrays["conv"] = draw(random.integers(1, 2 * inputs + 3))
    if seed % 3:
        arrays["activation"] = draw(random.integers(3, 9))
    if seed % 5 == 1:
        arrays |= {"out_w": draw(features), "out_b": draw()}
    if seed % 5 == 2:
        arrays |= {"out_w": draw(4, features), "out_b": draw(4)}
    if seed % 7:
        arrays |= {"mn": draw(inputs) - 9, "mx": draw(inputs) + 9}
    return arrays


class Weights(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def run_program(self, weights, rows):
        np.save(self.folder / "rows.npy", rows)
        paths = [weights, *(self.folder / name for name in ("rows.npy", "features.npy", "scores.npy"))]
        return subprocess.run([PROGRAM, *map(str, paths)], capture_output=True, text=True, timeout=300)

    def check(self, weights, arrays, rows):
        done = self.run_program(weights, rows)
        self.assertEqual(done.returncode, 0, done.stderr)
        for name, wanted in zip(("features", "scores"), answers(arrays, rows)):
            if wanted is None:
                continue
            got = np.load(self.folder / f"{name}.npy")
            self.assertEqual(got.shape, wanted.shape)
            self.assertLess(np.abs(got - wanted).max() / max(1.0, np.abs(wanted).max()), 1e-12)

    def test_numpys_own_archives(self):
        path = self.folder / "weights.npz"
        for seed in range(60):
            arrays = random_arrays(seed, (np.float32, np.float64, np.float16)[seed % 3])
            (np.savez, np.savez_compressed)[seed % 2](path, **arrays)
            rows = np.random.default_rng(seed).uniform(size=(6, arrays["w1"].shape[1]))
            with self.subTest(seed=seed, arrays=list(arrays)):
                self.check(path, arrays, rows)

    def test_the_shared_weights_on_every_shared_set(self):
        path = SHARED / "lower_rt_polarity_cubic_seed0.npz"
        if not path.exists():
            self.skipTest("the shared weights are not beside this checkout")
        with np.load(path) as archive:
            arrays = dict(archive)
        for features in sorted(SHARED.glob("*.f16.npy")):
            with self.subTest(features=features.name):
                self.check(path, arrays, np.load(features)[:300])

    def refused(self, *words, **changes):
        path = self.folder / "weights.npz"
        np.savez(path, **(random_arrays(1) | changes))
        done = self.run_program(path, np.zeros((1, 1)))
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
        for word in words:
            self.assertIn(word, done.stderr)

    def test_arrays_that_are_refused(self):
        self.refused("weights.npz/b1.npy", "Python objects", b1=np.array([1, None]))
        self.refused("weights.npz/w1.npy", "Fortran order", w1=np.asfortranarray(np.ones((3, 2))))
        self.refused("weights.npz/b1.npy", "type <i8", b1=np.arange(3))
        self.refused("weights.npz/b1.npy", "type <c16", b1=np.ones(3, dtype=complex))
        self.refused("weights.npz/b1.npy", "big-endian", b1=np.ones(3, dtype=">f8"))
        self.refused("weights.npz/w1.npy", "4097", w1=np.ones((1, 4097)))
        self.refused("'w3.npy'", w3=np.ones(3))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])

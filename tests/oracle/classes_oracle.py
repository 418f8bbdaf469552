"""Ten classes end to end: scikit-learn's digits through the programs, every number redone by ONNX Runtime.

usage: classes_oracle.py PROGRAM   (PROGRAM is cryptotl)
"""

import csv
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

import numpy as np
import onnxruntime
from sklearn.datasets import load_digits

PROGRAM = sys.argv[1]
TRAIN, NEW = 200, 40


def write_csv(path, rows, labels=None):
    with open(path, "w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        for number, row in enumerate(rows):
            out.writerow([*(f"{value:g}" for value in row), *([] if labels is None else [f"digit {labels[number]}"])])


def run_onnx(path, rows):
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return session.run(None, {"x": rows.astype(np.float64)})[0]


class Digits(unittest.TestCase):
    SHAPE = []
    FEATURES = 62
    KINDS = [("linear", 0.8), ("combined", 0.85), ("paper", 0.7), ("auto", 0.8)]  # with the least accuracy

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        design, labels = load_digits(return_X_y=True)
        source, target = slice(0, 1000), slice(1000, 1000 + TRAIN)
        new = slice(1000 + TRAIN, 1000 + TRAIN + NEW)
        cls.new, cls.new_labels = design[new], labels[new]
        write_csv(cls.folder / "source.csv", design[source], labels[source])
        write_csv(cls.folder / "train.csv", design[target], labels[target])
        write_csv(cls.folder / "new.csv", cls.new)
        cls.pretrained = cls.client("pretrain", "--data", "source.csv", "--model", "model", *cls.SHAPE)
        cls.server = subprocess.Popen([PROGRAM, "serve", "--model", "model", "--listen", "127.0.0.1:0"], cwd=cls.folder,
                                      stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        cls.addClassCleanup(cls.stop)
        cls.at = ["--server", cls.server.stdout.readline().strip(), "--keys", "keys"]
        cls.client("keygen", *cls.at)

    @classmethod
    def stop(cls):
        cls.server.terminate()
        cls.server.wait(timeout=20)
        cls.server.stdout.close()

    @classmethod
    def client(cls, *arguments):
        done = subprocess.run([PROGRAM, *arguments, "--json", "--quiet"], cwd=cls.folder, capture_output=True,
                              text=True, timeout=500, check=False)
        assert done.returncode == 0, f"{arguments}: {done.stderr}"
        return json.loads(done.stdout)

    def plain_features(self):
        with open(self.folder / "model" / "manifest.json", encoding="utf-8") as file:
            self.manifest = json.load(file)
        scaler = self.manifest["scaler"]
        low, high = np.array(scaler["minimum"]), np.array(scaler["maximum"])
        width = np.where(high > low, high - low, 1)
        scaled = np.clip((self.new - low) / width, *self.pretrained["input_range"])
        return run_onnx(self.folder / "model" / "lower.onnx", scaled)

    def test_the_provider_publishes_a_layer_of_ten_outputs_that_tells_digits(self):
        features = self.plain_features()
        layer = self.manifest["output_layer"]
        self.assertEqual((layer["outputs"], layer["inputs"]), (10, features.shape[1]))
        self.assertEqual(features.shape[1], self.FEATURES)
        weight = np.reshape(layer["weight"], (10, -1))
        called = (features @ weight.T + layer["bias"]).argmax(axis=1)
        self.assertGreater((called == self.new_labels).mean(), 0.85)
        self.assertEqual(self.manifest["labels"], [f"digit {i}" for i in range(10)])
        self.assertGreater(self.pretrained["validation_accuracy"], 0.9)

    def test_every_kind_of_head_through_encryption_scores_as_onnx_runtime_does_in_plain(self):
        features = self.plain_features()
        for kind, floor in self.KINDS:
            with self.subTest(kind=kind):
                fitted = self.client("fit", *self.at, "--data", "train.csv", "--head", f"{kind}.onnx", "--kind", kind)
                self.assertEqual(len(fitted["labels"]), 10)
                scored = self.client("predict", *self.at, "--data", "new.csv", "--head", f"{kind}.onnx", "--out",
                                     f"{kind}.csv")
                with open(self.folder / f"{kind}.csv", newline="", encoding="utf-8") as file:
                    header, *lines = list(csv.reader(file))
                self.assertEqual(header, ["row", "label", *(f"score:digit {i}" for i in range(10))])
                encrypted = np.array([line[2:] for line in lines], dtype=float)
                labels = [line[1] for line in lines]
                np.testing.assert_allclose(encrypted.sum(axis=1), 1, atol=1e-9)
                self.assertEqual(labels, [f"digit {i}" for i in encrypted.argmax(axis=1)])
                parts = {"linear": [features], "paper": [features], "combined": [self.new, features],
                         "local": [self.new]}[fitted["kind"]]
                plain = run_onnx(self.folder / f"{kind}.onnx", np.hstack(parts))
                self.assertLess(np.abs(encrypted - plain).max(), scored["score_bound"] + 1e-6)
                self.assertGreater((encrypted.argmax(axis=1) == self.new_labels).mean(), floor)


class TwoHiddenLayersOfReplacedGelu(Digits):
    SHAPE = ["--hidden", "48,40", "--features", "24", "--kernel", "4", "--pool", "2", "--activation", "gelu", "--degree",
             "4", "--train-activation"]
    FEATURES = 24
    KINDS = [("linear", 0.75), ("combined", 0.8)]

    def test_both_layers_became_polynomials(self):
        activations = self.pretrained["replacement"]["activations"]
        self.assertEqual([one["function"] for one in activations], ["Gelu", "Gelu"])
        self.assertEqual([len(one) - 1 for one in self.pretrained["activations"]],
                         [one["degree"] for one in activations])


class OneWideLayerOfTheQuadratic(Digits):
    SHAPE = ["--hidden", "1500", "--kernel", "0", "--pool", "0", "--features", "100", "--activation", "quadratic"]
    FEATURES = 100
    KINDS = [("linear", 0.8)]


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])

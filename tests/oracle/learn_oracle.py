"""Holds metrics and logistic regression of several classes to scikit-learn.

usage: learn_oracle.py PROGRAM   (PROGRAM is built from learn_oracle.cc)
"""

import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

import numpy as np
from sklearn import metrics
from sklearn.datasets import load_digits, load_wine
from sklearn.linear_model import LogisticRegression

PROGRAM = sys.argv[1]


def run_program(*arguments, **arrays):
    """Our answer; every array goes into a file that stands where its name does among the arguments."""
    with tempfile.TemporaryDirectory() as name:
        paths = {key: str(pathlib.Path(name) / key) for key in arrays}
        for key, values in arrays.items():
            np.asarray(values, dtype="<f8").tofile(paths[key])
        done = subprocess.run([PROGRAM, *(paths.get(str(a), str(a)) for a in arguments)], capture_output=True,
                              text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def random_case(random, classes, rows, ties):
    """Softmax scores that know something of the labels; with `ties`, rounded to tenths."""
    labels = random.integers(classes, size=rows)
    logits = random.normal(size=(rows, classes)) + 1.5 * np.eye(classes)[labels]
    scores = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    if ties:
        scores = np.round(scores, 1)
    return scores, labels


def expected_metrics(scores, labels):
    """The same of scikit-learn, over the classes that occur."""
    occurring = np.unique(labels)
    called = scores.argmax(axis=1)
    average = dict(labels=occurring, average="macro", zero_division=0)
    own = np.clip(scores[np.arange(len(labels)), labels], 1e-15, 1 - 1e-15)
    return {
        "loss": -np.log(own).mean(),
        "accuracy": metrics.accuracy_score(labels, called),
        "balanced_accuracy": metrics.recall_score(labels, called, **average),
        "f1": metrics.f1_score(labels, called, **average),
        "precision": metrics.precision_score(labels, called, **average),
        "recall": metrics.recall_score(labels, called, **average),
        "kappa": metrics.cohen_kappa_score(labels, called),
        "roc_auc": np.mean([metrics.roc_auc_score(labels == c, scores[:, c]) for c in occurring]),
        "pr_auc": np.mean([metrics.average_precision_score(labels == c, scores[:, c]) for c in occurring]),
    }


class Measures(unittest.TestCase):
    def check(self, scores, labels):
        classes = scores.shape[1]
        ours = run_program("measure", classes, "scores", "labels", scores=scores, labels=labels)
        for name, expected in expected_metrics(scores, labels).items():
            self.assertAlmostEqual(ours[name], expected, delta=1e-12, msg=name)
        confusion = metrics.confusion_matrix(labels, scores.argmax(axis=1), labels=np.arange(classes))
        np.testing.assert_array_equal(np.reshape(ours["confusion"], (classes, classes)), confusion)
        return ours

    def test_metrics_of_several_classes(self):
        random = np.random.default_rng(1)
        for case in range(30):
            classes = int(random.integers(3, 12))
            with self.subTest(case=case, classes=classes):
                self.check(*random_case(random, classes, int(random.integers(30, 400)), ties=case % 2 == 1))

    def test_a_class_that_does_not_occur(self):
        scores, labels = random_case(np.random.default_rng(2), 5, 60, ties=False)
        kept = labels != 3
        self.check(scores[kept], labels[kept])

    def test_metrics_of_two_classes(self):
        random = np.random.default_rng(3)
        labels = random.integers(2, size=80)
        scores = np.round(np.clip(0.5 + 0.2 * (labels - 0.5) + 0.2 * random.normal(size=80), 0, 1), 2)
        ours = run_program("measure", 2, "scores", "labels", scores=scores, labels=labels)
        called = scores >= 0.5
        self.assertAlmostEqual(ours["f1"], metrics.f1_score(labels, called), delta=1e-12)
        self.assertAlmostEqual(ours["kappa"], metrics.cohen_kappa_score(labels, called), delta=1e-12)
        self.assertAlmostEqual(ours["roc_auc"], metrics.roc_auc_score(labels, scores), delta=1e-12)
        self.assertAlmostEqual(ours["pr_auc"], metrics.average_precision_score(labels, scores), delta=1e-12)

    def test_the_mean_curves_are_the_means_of_the_classes_curves(self):
        scores, labels = random_case(np.random.default_rng(4), 4, 300, ties=False)
        ours = self.check(scores, labels)
        roc = np.array(ours["roc"])
        self.assertEqual(ours["roc"][0], [0, 0])
        self.assertEqual(ours["roc"][-1], [1, 1])
        expected = np.zeros(len(roc) - 1)
        for c in range(4):
            false_rate, true_rate, _ = metrics.roc_curve(labels == c, scores[:, c], drop_intermediate=False)
            # A vertical step counts with its upper end; steps are made narrow instead of vertical for interp().
            expected += np.interp(roc[1:, 0] + 1e-9, false_rate + 1e-12 * np.arange(len(false_rate)), true_rate) / 4
        # Where a grid point falls onto a step within rounding, either end is right.
        self.assertGreater((np.abs(roc[1:, 1] - expected) < 1e-6).mean(), 0.9)
        self.assertLess(abs(np.trapz(roc[:, 1], roc[:, 0]) - ours["roc_auc"]), 0.01)
        recall_precision = np.array(ours["precision_recall"])
        self.assertAlmostEqual(recall_precision[0, 1], 1, delta=1e-12)
        self.assertLess(abs(recall_precision[:, 1].mean() - ours["pr_auc"]), 0.02)


class Logistic(unittest.TestCase):
    def check(self, design, labels, penalty):
        classes = len(np.unique(labels))
        ours = run_program("logistic", classes, penalty, design.shape[1], "design", "labels", design=design,
                           labels=labels)
        theirs = LogisticRegression(C=penalty, tol=1e-10, max_iter=100_000).fit(design, labels)
        weight = np.reshape(ours["weight"], (classes, -1))
        scale = np.abs(theirs.coef_).max()
        self.assertLess(np.abs(weight - theirs.coef_).max() / scale, 2e-3)
        # A softmax does not feel a common shift of its biases.
        shift = np.array(ours["bias"]) - theirs.intercept_
        self.assertLess(np.abs(shift - shift.mean()).max() / scale, 2e-3)

    def test_more_rows_than_columns(self):
        design, labels = load_wine(return_X_y=True)
        design = (design - design.mean(axis=0)) / design.std(axis=0)
        for penalty in (0.1, 1, 30):
            with self.subTest(C=penalty):
                self.check(design, labels, penalty)

    def test_fewer_rows_than_columns_of_ten_classes(self):
        design, labels = load_digits(return_X_y=True)
        design, labels = design[:50] / 16, labels[:50]
        for penalty in (1, 100):
            with self.subTest(C=penalty):
                self.check(design, labels, penalty)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])

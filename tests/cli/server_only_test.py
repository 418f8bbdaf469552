"""Scores of the provider's own output layer: serve --offer, keygen and predict --server-only."""

import csv
import json
import math
import os
import shutil
import subprocess
import tempfile
import unittest

from programs import CLIENT, FAILED, MALFORMED, USAGE, ProgramTest, Server, csv_of, rows_of, write

LABELS = ("ham", "offer", "spam")


def three_classes(count, seed):
    """Rows of the classes 0, 1 and 2 in turn."""
    return [[value + 4 * (number % 3 == column % 3) for column, value in enumerate(row)]
            for number, row in enumerate(rows_of(count, seed))]


class OfferTest(ProgramTest):
    """One model of two labels and one of three, both served with what an offer says."""

    @classmethod
    def setUpClass(cls):
        cls.shared = tempfile.mkdtemp(prefix="cryptotl-test-")
        cls.addClassCleanup(shutil.rmtree, cls.shared, ignore_errors=True)
        cls.models = {}
        for count, rows, labels in ((2, rows_of(60, 1), ("ham", "spam")), (3, three_classes(240, 1), LABELS)):
            source = os.path.join(cls.shared, f"source{count}.csv")
            write(source, csv_of(rows, labels))
            cls.models[count] = os.path.join(cls.shared, f"model{count}")
            subprocess.run([CLIENT, "pretrain", "--data", source, "--model", cls.models[count], "--epochs", "100"],
                           check=True, capture_output=True, timeout=300)

    def serve(self, count, *arguments):
        server = Server(self.models[count], self.path("store"), *arguments)
        self.addCleanup(server.stop)
        return server

    def server_only(self, server, keys="keys", out="scores.csv", **changes):
        command = ["predict", "--server-only", "--server", server.url, "--keys", keys, "--data", "new.csv", "--out", out]
        return command + [word for option, value in changes.items() for word in (f"--{option}", value)]

    def table(self, name):
        with open(self.path(name), encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    def test_scores_of_two_labels_without_a_head(self):
        self.put("new.csv", csv_of(rows_of(10, 3), labels=None))
        server = self.serve(2, "--offer", "scores")
        # Nothing else is offered there, so that keygen need not be told.
        keys = self.prints_json("keygen", "--server", server.url, "--keys", "keys")
        self.assertEqual((keys["answers"], keys["model"]), ("scores", "cryptotl-scores"))
        scored = self.prints_json(*self.server_only(server))
        self.assertEqual((scored["rows"], scored["flagged_rows"], scored["server_only"]), (10, 0, True))
        self.assertEqual(sum(scored["labels"].values()), 10)
        rows = self.table("scores.csv")
        self.assertEqual(list(rows[0]), ["row", "label", "score"])
        for row in rows:
            self.assertEqual(row["label"], "spam" if float(row["score"]) >= 0.5 else "ham")
        # The same rows again come from the cache, with the same scores.
        again = self.prints_json(*self.server_only(server, out="again.csv"))
        self.assertEqual(again["cached"], 10)
        self.assertEqual(self.table("again.csv"), rows)

    def test_scores_of_three_labels_beside_features(self):
        self.put("train.csv", csv_of(three_classes(60, 2), LABELS))
        self.put("new.csv", csv_of(three_classes(30, 3), labels=None))
        server = self.serve(3)
        self.succeeds("keygen", "--server", server.url, "--keys", "keys", "--server-only")
        self.assertEqual(self.prints_json("keygen", "--server", server.url, "--keys", "other")["answers"], "features")
        self.succeeds(*self.server_only(server))
        rows = self.table("scores.csv")
        columns = [f"score:{label}" for label in LABELS]
        self.assertEqual(list(rows[0]), ["row", "label", *columns])
        right = 0
        for number, row in enumerate(rows):
            scores = [float(row[column]) for column in columns]
            self.assertTrue(math.isclose(sum(scores), 1, abs_tol=1e-9))
            self.assertEqual(row["label"], LABELS[scores.index(max(scores))])
            right += row["label"] == LABELS[number % 3]
        self.assertGreater(right, 20)
        self.succeeds("fit", "--server", server.url, "--keys", "other", "--data", "train.csv", "--head", "h.onnx",
                      "--kind", "linear")

    def test_what_is_not_offered_and_keys_for_the_other_are_refused(self):
        self.put("new.csv", csv_of(rows_of(4, 3), labels=None))
        self.put("train.csv", csv_of(rows_of(20, 3)))
        both = self.serve(2)
        self.succeeds("keygen", "--server", both.url, "--keys", "features")
        self.succeeds("keygen", "--server", both.url, "--keys", "scores", "--server-only")
        self.refuses(MALFORMED, *self.server_only(both, keys="features"), says="keygen --server-only")
        fit = ["fit", "--data", "train.csv", "--head", "head.onnx", "--keys"]
        self.refuses(MALFORMED, *fit, "scores", "--server", both.url, says="for scores, not for features")
        alone = self.serve(2, "--offer", "scores")
        self.refuses(FAILED, *fit, "features", "--server", alone.url, says="scores only")
        features = self.serve(2, "--offer", "features")
        self.refuses(FAILED, *self.server_only(features, keys="scores"), says="no scores")
        self.refuses(FAILED, "keygen", "--server", features.url, "--keys", "new", "--server-only", says="no scores")

    def test_wrong_command_lines(self):
        self.put("new.csv", csv_of(rows_of(4, 3), labels=None))
        predict = ["predict", "--data", "new.csv", "--out", "scores.csv"]
        self.refuses(USAGE, *predict, says=["--head", "--server-only"])
        self.refuses(USAGE, *predict, "--server-only", says=["--server", "--keys"])
        both = self.run_client(*predict, "--server-only", "--head", "h.onnx")
        self.assertEqual(both.returncode, USAGE)
        wrong = self.run_client("serve", "--model", self.models[2], "--offer", "weights")
        self.assertEqual(wrong.returncode, USAGE)

    def test_the_server_says_what_it_offers_and_what_that_takes(self):
        command = [CLIENT, "serve", "--model", self.models[2], "--listen", "127.0.0.1:0", "--store", self.path("store"),
                   "--json"]
        server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            offers = json.loads(server.stdout.readline())["offers"]
        finally:
            server.terminate()
            _, said = server.communicate(timeout=20)
        self.assertEqual([offer["answers"] for offer in offers], ["features", "scores"])
        for offer in offers:
            self.assertGreater(offer["program_bytes"], 1e6)
            self.assertIn(f"offers {offer['answers']} as {offer['model']}", said)
        self.assertIn("in all", said)

    def test_a_model_without_an_output_layer_offers_features_alone(self):
        with open(os.path.join(self.models[2], "manifest.json"), encoding="utf-8") as file:
            self.assertIn("score_calibration", json.load(file))
        source = os.path.join(self.shared, "source2.csv")
        self.succeeds("pretrain", "--data", source, "--model", "private", "--epochs", "1", "--private-output-layer")
        result = self.run_client("serve", "--model", "private", "--listen", "127.0.0.1:0", "--offer", "scores")
        self.assertEqual(result.returncode, USAGE)
        self.assertIn("no output layer", result.stderr)


if __name__ == "__main__":
    unittest.main()

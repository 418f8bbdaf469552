"""Answers that hide the network behind their outputs: serve --circuit-privacy, from pretraining to predictions."""

import math
import re
import subprocess
import unittest

from programs import SERVER, USAGE, ServedTest, Server

BITS = 40
PRECISION = 2.0 ** -8


class CircuitPrivacyTest(ServedTest):
    """A client of a server that hides its network, and one of a server that does not, of the same model."""

    def refuses_to_serve(self, *arguments):
        """What the server says, in one line."""
        result = subprocess.run([SERVER, "--model", self.model, "--store", self.path("store"), "--listen",
                                 "127.0.0.1:0", *arguments], capture_output=True, text=True, timeout=60, check=False)
        self.assertNotEqual(result.returncode, 0)
        self.assertEqual(result.stdout, "")
        return result.returncode, result.stderr

    def test_options_that_contradict_each_other_or_ask_for_what_cannot_be(self):
        for *arguments, last, value in (("--trusting", "--circuit-privacy", "40"), ("--private-answers", "10"),
                                        ("--circuit-privacy", "0.5"), ("--circuit-privacy", "65"),
                                        ("--circuit-privacy", "40", "--private-answers", "0"),
                                        ("--feature-noise", "-1")):
            code, says = self.refuses_to_serve(*arguments, last, value)
            self.assertEqual(code, USAGE, says)
            self.assertIn(last, says)

    def test_a_precision_that_no_ring_reaches_beside_the_noise(self):
        # A preset is a precision that was asked for, too.
        for asked in (("--precision", "1e-11"), ("--preset", "accurate")):
            _, says = self.refuses_to_serve("--circuit-privacy", "64", "--private-answers", "1e9", *asked)
            self.assertEqual(len(says.strip().splitlines()), 1, says)
            self.assertIn("reach an error of", says)

    def test_keys_fit_and_predictions_with_the_bound_that_was_asked_for(self):
        server = Server(self.model, self.path("store"), "--circuit-privacy", str(BITS), "--private-answers", "100",
                        precision=None)
        self.addCleanup(server.stop)
        self.prints_json("keygen", "--server", server.url, "--keys", "keys")
        inspected = self.prints_json("inspect", "keys/plan.json")
        self.assertLessEqual(inspected["predicted_error"], PRECISION)
        plan = inspected["plan"]
        bound = re.search(r"statistical distance at most 2\^-([0-9.]+)", plan)
        self.assertIsNotNone(bound, plan)
        # The words are for 1,024 answers, 100 of which were asked for: sqrt(10.24) times the distance, rounded.
        self.assertGreaterEqual(float(bound.group(1)), BITS - math.log2(10.24) / 2 - 0.1)
        self.assertNotIn("partial sums stand", plan)
        fitted = self.prints_json("fit", "--server", server.url, "--keys", "keys", "--data", self.train, "--head",
                                  "head.onnx", "--kind", "linear")
        self.assertEqual((fitted["rows"], fitted["flagged_rows"]), (40, 0))
        self.assertEqual(fitted["mode"], "latency")
        scored = self.prints_json("predict", "--server", server.url, "--keys", "keys", "--data", self.new, "--head",
                                  "head.onnx", "--out", "scores.csv")
        self.assertEqual((scored["rows"], scored["flagged_rows"]), (10, 0))

    def test_noise_in_features_counts_for_no_answer_beyond_the_safe_range(self):
        # As much as can be asked for: the largest |y|, half of the limit; the error is predicted at 8 deviations.
        limit = self.prints_json("inspect", self.model)["output_limit"]
        server = Server(self.model, self.path("store"), "--feature-noise", str(0.49 * limit))
        self.addCleanup(server.stop)
        self.prints_json("keygen", "--server", server.url, "--keys", "keys")
        fitted = self.prints_json("fit", "--server", server.url, "--keys", "keys", "--data", self.train, "--head",
                                  "head.onnx", "--kind", "linear")
        self.assertEqual((fitted["rows"], fitted["flagged_rows"]), (40, 0))
        self.assertGreaterEqual(fitted["predicted_error"], 8 * 0.49 * limit)


if __name__ == "__main__":
    unittest.main()

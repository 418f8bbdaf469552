"""Networks that were trained elsewhere: made models, refusals, nothing half-written."""

import os
import unittest

from programs import MALFORMED, USAGE, ProgramTest, csv_of, rows_of

EXPORTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "network", "exports")


def export(name):
    return os.path.join(EXPORTS, name)


class ImportTest(ProgramTest):
    def arguments(self, weights, *more):
        return ["import", "--weights", weights, "--calibration-data", "rows.csv", "--model", "model", *more]

    def setUp(self):
        super().setUp()
        self.put("rows.csv", csv_of(rows_of(40, 1, 12)))

    def test_a_network_with_a_head_is_made_and_read_back(self):
        made = self.prints_json(*self.arguments(export("keras_paper_with_head_export.onnx")))
        self.assertEqual((made["columns"], made["features"]), (12, 10))
        self.assertEqual(made["labels"], ["ham", "spam"])
        self.assertEqual(made["output_layer"], "published")
        self.assertEqual(made["accuracy"], made["replaced_accuracy"])
        self.assertEqual(self.prints_json("inspect", "model")["kind"], "model")

    def test_activations_are_replaced_and_named(self):
        made = self.prints_json(*self.arguments(export("torch_relu_tanh_gelu_dynamo.onnx"), "--degree", "4"))
        self.assertEqual([a["function"] for a in made["replaced_activations"]], ["Relu", "Tanh", "Gelu", "Sigmoid"])
        self.assertTrue(all(a["degree"] <= 4 for a in made["replaced_activations"]))
        self.assertGreater(made["feature_change"], 0)

    def test_what_cannot_be_imported_is_refused_and_leaves_nothing(self):
        before = self.files()
        for option, value in (("--degree", "8"), ("--degree", "0"), ("--margin", "-1"), ("--cut", "all")):
            result = self.run_client(*self.arguments(export("torch_paper_dynamo.onnx"), option, value))
            self.assertEqual(result.returncode, USAGE)
            self.assertIn(option, result.stderr)
        self.put("broken.npz", b"PK\x03\x04 and no more")
        self.refuses(MALFORMED, *self.arguments("broken.npz"), says=["broken.npz", "damaged"])
        self.refuses(MALFORMED, *self.arguments("rows.csv"), says=["rows.csv", "not an ONNX file"])
        os.remove(self.path("broken.npz"))
        self.assertEqual(self.files(), before)


if __name__ == "__main__":
    unittest.main()

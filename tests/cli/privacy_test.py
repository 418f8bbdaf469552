"""Private training and its budget at the command line."""

import json
import math
import os
import stat
import unittest

from programs import FAILED, INSECURE, MALFORMED, USAGE, ProgramTest, ServedTest, csv_of, read, rows_of


def unit(rows):
    return [[value / math.sqrt(sum(x * x for x in row)) for value in row] for row in rows]


class PrivacyTest(ProgramTest):
    def setUp(self):
        super().setUp()
        self.data = self.put("source.csv", csv_of(unit(rows_of(120, 1))))
        self.dp = ["pretrain", "--data", self.data, "--model", "model", "--dp", "--dp-steps", "10"]

    def test_refuses_what_is_no_budget(self):
        # Each number's own limits are learn's tests.
        for words, arguments in [("needs a target", []), ("epsilon", ["--epsilon", "0"]),
                                 ("1 / rows", ["--epsilon", "1", "--delta", "1"]),
                                 ("no noise up to 1000", ["--epsilon", "1e-9", "--delta", "1e-9"]),
                                 ("noise-multiplier", ["--noise-multiplier", "0"])]:
            with self.subTest(arguments):
                self.refuses(USAGE, *self.dp, *arguments, says=words)

    def test_refuses_a_seed_that_would_undo_the_noise(self):
        self.refuses(USAGE, *self.dp, "--epsilon", "8", "--seed", "1", says=["--seed with --dp", "noise"])
        self.refuses(USAGE, *self.dp, "--epsilon", "8", "--insecure-seed", "1", "--budget", "b", says="--insecure-seed")

    def test_refuses_rows_that_are_no_embeddings_without_their_range(self):
        data = self.put("wide.csv", csv_of(rows_of(60, 1)))
        arguments = ["pretrain", "--data", data, "--model", "model", "--dp", "--epsilon", "8", "--dp-steps", "5"]
        self.refuses(MALFORMED, *arguments, says=["row 1 ", "--range"])
        self.refuses(USAGE, *arguments, "--range", "3,-3", says="--range 3,-3")
        self.succeeds(*arguments, "--range", "-3,3")

    def test_options_of_private_training_go_with_it_alone(self):
        for option in (["--epsilon", "8"], ["--budget", "b"], ["--range", "0,1"]):
            result = self.run_client("pretrain", "--data", self.data, "--model", "model", *option)
            self.assertEqual(result.returncode, USAGE)
        self.assertEqual(self.run_client(*self.dp, "--epsilon", "8", "--epochs", "3").returncode, USAGE)

    def test_a_head_of_a_kind_that_looks_at_labels_is_refused(self):
        for kind in ("auto", "paper"):
            self.refuses(USAGE, "fit", "--data", self.data, "--head", "head", "--kind", kind, "--server", "http://x",
                         "--keys", "k", "--dp", "--epsilon", "8", says="local, linear or combined")

    def test_model_and_head_say_what_they_spent(self):
        answer = self.prints_json(*self.dp, "--epsilon", "8")
        self.assertTrue(answer["privacy"]["private"])
        self.assertLessEqual(answer["privacy"]["epsilon"], 8)
        self.assertAlmostEqual(answer["privacy"]["delta"], 1 / 1200)
        said = self.succeeds("inspect", "model").stdout
        self.assertIn("privacy.in_words: epsilon 7.9", said)
        self.succeeds("fit", "--data", self.data, "--head", "head", "--kind", "local", "--dp", "--epsilon", "4")
        head = self.prints_json("inspect", "head")
        self.assertLessEqual(head["privacy"]["epsilon"], 4)
        self.assertIn("more or less", head["privacy"]["in_words"])
        self.succeeds("fit", "--data", self.data, "--head", "plain", "--kind", "local")
        self.assertIn("without differential privacy", self.prints_json("inspect", "plain")["privacy"])

    def test_noise_is_fresh_but_in_experiments(self):
        heads = {}
        for name, seed in (("one", []), ("two", []), ("three", ["--insecure-seed", "5"]),
                           ("four", ["--insecure-seed", "5"])):
            self.succeeds("fit", "--data", self.data, "--head", name, "--kind", "local", "--dp", "--noise-multiplier", "1",
                          *seed)
            heads[name] = read(self.path(name))
        self.assertNotEqual(heads["one"], heads["two"])
        self.assertEqual(heads["three"], heads["four"])
        self.assertNotEqual(heads["one"], heads["three"])
        self.assertFalse(self.prints_json("inspect", "three")["privacy"]["private"])

    def test_a_budget_is_spent_and_never_overspent(self):
        self.succeeds("budget", "rows.budget", "--create", "--epsilon", "8", "--delta", "1e-4")
        self.assertEqual(stat.S_IMODE(os.stat(self.path("rows.budget")).st_mode), 0o600)
        self.succeeds(*self.dp, "--epsilon", "5", "--delta", "1e-4", "--budget", "rows.budget")
        budget = self.prints_json("budget", "rows.budget")
        self.assertEqual([release["what"] for release in budget["releases"]], ["pretrain model"])
        self.assertGreater(budget["spent"], 4.9)
        again = [*self.dp, "--force", "--epsilon", "7", "--delta", "1e-4", "--budget", "rows.budget"]
        self.refuses(INSECURE, *again, says=["rows.budget", "would spend epsilon", "of 8"])
        # Two releases of 5 spend less than 10, but more than 8; of 5 and 3 less than 8.
        fit = ["fit", "--data", self.data, "--head", "head", "--kind", "local", "--dp", "--delta", "1e-4", "--budget",
               "rows.budget"]
        self.refuses(INSECURE, *fit, "--epsilon", "7", says="would spend")
        self.succeeds(*fit, "--epsilon", "3")
        budget = self.prints_json("budget", "rows.budget")
        self.assertEqual(len(budget["releases"]), 2)
        self.assertLess(budget["spent"], sum(release["epsilon_alone"] for release in budget["releases"]))

    def test_a_budget_that_is_missing_damaged_or_there_already_is_refused(self):
        self.refuses(FAILED, *self.dp, "--epsilon", "1", "--budget", "none", says="none")
        create = ["budget", "b", "--create", "--epsilon", "8", "--delta", "1e-5"]
        self.succeeds(*create)
        self.refuses(USAGE, *create, says="there already")
        self.refuses(USAGE, "budget", "c", "--create", "--epsilon", "0", "--delta", "1e-5", says="epsilon")
        self.refuses(USAGE, "budget", "c", "--create", "--epsilon", "8", "--delta", "1", says="delta")
        whole = json.loads(read(self.path("b")))
        whole["epsilon"] = 80
        self.put("b", json.dumps(whole, indent=1) + "\n")
        self.refuses(MALFORMED, *self.dp, "--epsilon", "1", "--budget", "b", says="corrupted")
        self.refuses(MALFORMED, "budget", "b", says="corrupted")


class PrivateHeadThroughEncryptionTest(ServedTest):
    def test_heads_on_features_are_private_too(self):
        for kind in ("linear", "combined"):
            self.succeeds(*self.fit(kind=kind, head=f"{kind}.onnx", mode="latency"), "--dp", "--epsilon", "8")
            head = self.prints_json("inspect", f"{kind}.onnx")
            self.assertEqual(head["head"], kind)
            self.assertTrue(head["privacy"]["private"])
            self.assertAlmostEqual(head["privacy"]["delta"], 1 / 400)
            self.succeeds(*self.predict(head=f"{kind}.onnx", out=f"{kind}.csv", mode="latency"))
            self.assertEqual(len(read(self.path(f"{kind}.csv")).splitlines()), 11)


if __name__ == "__main__":
    unittest.main()

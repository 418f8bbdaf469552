"""The JSON of evaluate and bench, as the contract states it, on small data."""

import math
import os
import random
import struct
import subprocess
import unittest

from programs import CLIENT, FAILED, MALFORMED, ProgramTest, USAGE, csv_of, npy_of, read, rows_of

METRICS = ["loss", "accuracy", "balanced_accuracy", "f1", "precision", "recall", "kappa", "roc_auc", "pr_auc"]
SETTINGS = ["plain", "plain_polynomial", "transfer_plain", "transfer_encrypted"]
HEADS = {"local", "linear", "combined", "auto", "random_lower", "provider"}


class EvaluateTest(ProgramTest):
    def test_prints_what_the_contract_states(self):
        self.put("source.csv", csv_of(rows_of(60, 1)))
        self.put("target.csv", csv_of(rows_of(60, 2)))
        out = self.prints_json("evaluate", "--source", "source.csv", "--target", "target.csv", "--folds", "3",
                               "--shots", "8,12", "--draws", "3", "--epochs", "5", "--report", "report.html",
                               "--seed", "1")
        self.assertEqual([row["setting"] for row in out["rows"]], SETTINGS)
        for row in out["rows"]:
            for metric in METRICS:
                self.assertGreaterEqual(row[f"{metric}_std"], 0)
                self.assertIsInstance(row[f"{metric}_mean"], float)
        self.assertEqual({row["head"] for row in out["shots"]}, HEADS)
        self.assertEqual({row["n"] for row in out["shots"]}, {0, 8, 12})
        for row in out["shots"]:
            for field in ("balanced_accuracy_mean", "difference_to_local_mean", "difference_to_local_low",
                          "difference_to_local_high"):
                self.assertIsInstance(row[field], float)
        self.assertEqual((out["folds"], out["draws"], out["flagged_rows"]), (3, 3, 0))
        self.assertEqual(out["source"],
                         {"name": "source.csv", "rows": 60, "columns": 16, "labels": {"ham": 30, "spam": 30}})
        self.assertEqual(out["target"]["rows"], 60)
        self.assertGreater(out["max_feature_error"], 0)
        self.assertLessEqual(out["max_feature_error"], out["predicted_error"])
        agreement = out["agreement"]
        self.assertEqual(agreement["rows"], 60)
        self.assertEqual(agreement["labels_equal_beyond_margin"], agreement["rows_beyond_margin"])
        self.assertGreater(agreement["rows_beyond_margin"], 30)
        self.assertGreater(agreement["max_score_difference"], 0)
        self.assertLessEqual(agreement["max_score_difference"], agreement["score_bound"])
        for field in ("ms_per_pass", "round_trip_ms", "client_encrypt_ms", "client_decrypt_ms"):
            self.assertGreater(out[field], 0)
        self.assertEqual(len(out["latency_ms"]), 60)
        self.assertEqual(out["confusion"]["labels"], ["ham", "spam"])
        self.assertEqual([sum(row) for row in out["confusion"]["counts"]], [30, 30])
        for setting in SETTINGS:
            self.assertEqual(out["curves"][setting]["roc"][0], [0, 0])
            self.assertEqual(out["curves"][setting]["roc"][-1], [1, 1])
            self.assertGreater(len(out["learning"][setting]), 0)
        self.assertLessEqual(out["request_bytes"], 200_000)
        self.assertLessEqual(out["response_bytes"], 70_000)
        self.assertIn(out["heads"]["chosen"], HEADS)
        self.assertIn("<svg", read(self.path("report.html")).decode())

    def test_arrays_with_labels_in_files_of_their_own_and_more_than_two_classes(self):
        labels = "red\ngreen\nblue\n" * 20
        for part, seed in (("source", 1), ("target", 2)):
            self.put(f"{part}.npy", npy_of(rows_of(60, seed)))
            self.put(f"{part}.txt", labels)
        out = self.prints_json("evaluate", "--source", "source.npy", "--source-labels", "source.txt", "--target",
                               "target.npy", "--target-labels", "target.txt", "--folds", "2", "--epochs", "2")
        self.assertEqual(out["confusion"]["labels"], ["blue", "green", "red"])
        self.assertEqual(out["shots"], [])
        for setting in SETTINGS:
            self.assertEqual(out["curves"][setting]["roc"][-1], [1, 1])
            self.assertGreater(len(out["curves"][setting]["precision_recall"]), 50)

    def test_parts_alone_and_what_is_left_out_is_not_in_the_answer(self):
        for part, seed in (("source", 1), ("target", 2)):
            self.put(f"{part}.csv", csv_of(rows_of(40, seed)))
        both = ["evaluate", "--source", "source.csv", "--target", "target.csv", "--folds", "2", "--epochs", "2"]
        whole = self.prints_json(*both)
        # Which parts are measured changes nothing about them.
        out = self.prints_json(*both, "--only", "plain_polynomial,transfer_plain")
        self.assertEqual(out["rows"], [row for row in whole["rows"]
                                       if row["setting"] in ("plain_polynomial", "transfer_plain")])
        self.assertEqual(set(whole) - set(out), {"agreement", "heads", "confusion"})
        self.assertIn("agreement", self.prints_json(*both, "--only", "heads"))
        passes = self.prints_json(*both, "--only", "none")
        self.assertEqual((passes["rows"], len(passes["latency_ms"])), ([], 40))
        self.assertIn("a pass:", self.succeeds(*both, "--only", "none", "--mode", "latency").stdout)
        self.assertIn("its share of a batch", self.succeeds(*both, "--only", "none", "--mode", "batch").stdout)
        text = self.succeeds(*both, "--only", "plain").stdout
        self.assertNotIn("encrypted  ", text)
        self.assertNotIn("head:", text)
        for wrong, says in ((["transfer"], "transfer_plain"), (["plain", "--report", "report.html"], "--report")):
            refused = self.run_client(*both, "--only", *wrong)
            self.assertEqual((refused.returncode, refused.stdout), (USAGE, ""))
            first = refused.stderr.splitlines()[0]
            self.assertIn("--only", first)
            self.assertIn(says, first)
        self.assertNotIn("report.html", self.files())

    def test_a_label_too_rare_for_the_folds_is_named(self):
        self.put("source.csv", csv_of(rows_of(60, 1)))
        self.put("target.csv", csv_of(rows_of(30, 2)) + csv_of(rows_of(3, 3), labels=("rare",)))
        self.refuses(3, "evaluate", "--source", "source.csv", "--target", "target.csv", "--folds", "2",
                     says=["target.csv", "'rare' has 3 rows", "2 folds"])

    def test_sets_that_do_not_fit_are_refused(self):
        self.put("source.csv", csv_of(rows_of(60, 1)))
        self.put("wide.csv", csv_of(rows_of(60, 1, columns=17)))
        self.refuses(3, "evaluate", "--source", "source.csv", "--target", "wide.csv", says="17")
        self.put("report.html", "mine")
        self.refuses(USAGE, "evaluate", "--source", "source.csv", "--target", "source.csv", "--report", "report.html",
                     says="--force")

    def test_the_table_fits_a_terminal(self):
        self.put("source.csv", csv_of(rows_of(40, 1)))
        out = self.succeeds("evaluate", "--source", "source.csv", "--target", "source.csv", "--folds", "2",
                            "--epochs", "2")
        table = out.stdout.split("\n\n")[1]
        for line in table.splitlines():
            self.assertLessEqual(len(line), 88)


class BenchTest(ProgramTest):
    def bench(self, *arguments):
        return self.prints_json("bench", "forward", "--inputs", "3", *arguments)

    def test_measures_the_papers_pass_with_every_instruction_set_of_this_machine(self):
        errors = set()
        for isa in ("scalar", "avx2", "avx512"):
            probe = subprocess.run([CLIENT, "bench", "forward", "--inputs", "1", "--isa", isa], capture_output=True,
                                   text=True, timeout=300, check=False)
            if probe.returncode == USAGE:
                self.assertIn(isa, probe.stderr)  # the machine lacks it, and the message says which it has
                continue
            out = self.bench("--isa", isa, "--threads", "2")
            self.assertEqual((out["isa"], out["threads"]), (isa, 2))
            errors.add(out["isa"])
        self.assertIn("scalar", errors)

    def test_holds_the_promised_figures(self):
        out = self.bench()
        self.assertLessEqual(out["max_abs_error"], 5e-5)
        self.assertLessEqual(out["max_abs_error"], out["predicted_error"])
        self.assertLessEqual(out["predicted_error"], 8 * out["max_abs_error"])
        self.assertLess(out["rms_error"], out["max_abs_error"])
        self.assertLessEqual(out["evaluation_key_bytes"], 25_000_000)
        self.assertLessEqual(out["request_bytes"], 200_000)
        self.assertLessEqual(out["response_bytes"], 70_000)
        self.assertLessEqual(out["peak_rss_bytes"], 400_000_000)
        self.assertEqual((out["ring_degree"], out["security_bits"]), (8192, 128))
        self.assertLessEqual(out["log_qp"], 214)
        self.assertLessEqual(out["server_ms_min"], out["server_ms_median"])
        self.assertLess(out["server_ms_median"], out["round_trip_ms"])
        for field in ("server_ms_min", "prepared_ms_min", "client_encrypt_ms", "client_decrypt_ms"):
            self.assertGreater(out[field], 0)

    def test_every_input_is_measured_cold_and_prepared(self):
        out = self.bench()
        for series in ("server_ms", "prepared_ms"):
            self.assertEqual(len(out[series]), 3)
            self.assertEqual(out[f"{series}_min"], min(out[series]))
            self.assertEqual(out[f"{series}_median"], sorted(out[series])[1])
        self.assertLess(out["ticket_bytes"], 650_000)


class NetworkBenchTest(ProgramTest):
    """bench forward with a network that is given."""

    SHAPES = {"w1": (12, 8), "b1": (12,), "w2": (5, 12), "b2": (5,), "inputs": (6, 8), "calibration": (50, 8)}

    def setUp(self):
        super().setUp()
        os.mkdir(self.path("net"))
        for seed, (name, shape) in enumerate(self.SHAPES.items()):
            self.write(name, shape, seed)

    def write(self, name, shape, seed=1):
        """Numbers from 0 to 1 as float64."""
        source = random.Random(seed)
        header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}"
        header += " " * (-(len(header) + 11) % 64) + "\n"
        values = b"".join(struct.pack("<d", source.random()) for _ in range(math.prod(shape)))
        self.put(f"net/{name}.npy", b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + values)

    def bench(self, *arguments):
        return ["bench", "forward", "--network", "net", *arguments]

    def test_files_that_are_missing_or_do_not_fit_are_named(self):
        self.refuses(FAILED, "bench", "forward", "--network", "nowhere", says="nowhere")
        for name, shape in self.SHAPES.items():
            os.rename(self.path(f"net/{name}.npy"), self.path("kept"))
            self.refuses(FAILED, *self.bench(), says=f"{name}.npy")
            self.write(name, (*shape[:-1], shape[-1] + 1))
            self.refuses(MALFORMED, *self.bench(), says=".npy")
            os.rename(self.path("kept"), self.path(f"net/{name}.npy"))

    def test_a_network_that_is_given_has_a_shape_of_its_own(self):
        self.refuses_usage(*self.bench("--widths", "8,12,5"))
        self.refuses_usage(*self.bench("--quadratic"))

    def refuses_usage(self, *arguments):
        result = self.run_client(*arguments)
        self.assertEqual(result.returncode, USAGE, result.stderr)

    def test_its_rows_are_measured_as_many_as_are_wanted(self):
        out = self.prints_json(*self.bench())
        self.assertEqual((out["widths"], out["inputs"], len(out["prepared_ms"])), ([8, 12, 5], 6, 6))
        self.assertLessEqual(out["max_abs_error"], out["predicted_error"])
        self.assertEqual(self.prints_json(*self.bench("--inputs", "2"))["inputs"], 2)


if __name__ == "__main__":
    unittest.main()

"""tools/reproduction: a tiny run on the mail example, its checks, its interruptions and its refusals."""

import json
import os
import subprocess
import sys
import unittest
import xml.etree.ElementTree

from programs import FAILED, MALFORMED, PROGRAMS, USAGE, ProgramTest, read, write

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TINY = ["--rows", "40", "--folds", "2", "--epochs", "1", "--time-rows", "20"]


class ReproductionTest(ProgramTest):
    def reproduce(self, *arguments):
        command = [sys.executable, "-B", os.path.join(ROOT, "tools", "reproduction"), "--programs", PROGRAMS, "--work",
                   "work", "--out", "out.md", *arguments]
        return subprocess.run(command, cwd=self.folder, capture_output=True, text=True, timeout=300, check=False)

    def refused(self, code, *arguments, says):
        before = self.files()
        result = self.reproduce(*arguments)
        self.assertEqual(result.returncode, code, result.stderr)
        lines = [line for line in result.stderr.splitlines() if line.startswith("reproduction: ")]
        self.assertEqual(len(lines), 1, result.stderr)
        self.assertNotIn("Traceback", result.stderr)
        for word in says:
            self.assertIn(word, lines[0])
        kept = {path: digest for path, digest in self.files().items() if path.startswith("out")}
        self.assertEqual(kept, {path: digest for path, digest in before.items() if path.startswith("out")})

    def doctor(self, change):
        """Changes the finished run with the fast preset, as if the program had given other figures."""
        path = self.path("work/pairs-mail-from-older-mail-fast.json")
        run = json.loads(read(path))
        change(run["result"])
        write(path, json.dumps(run))

    def test_a_tiny_run_its_document_and_what_the_checks_find(self):
        first = self.reproduce(*TINY)
        self.assertEqual(first.returncode, 0, first.stderr)
        self.assertEqual(first.stdout.count("holds: "), 5)  # features and folds, fast and accurate; the repetition
        document = read(self.path("out.md")).decode()
        for words in ("**Holds**: features", "**Holds**: metrics", "transfer through encryption, accurate",
                      "Only 40 rows", "the authors' code, SEAL with HEXL", "load average"):
            self.assertIn(words, document)
        for plot in ("accuracy", "errors", "times"):
            self.assertIn(f"out-{plot}.svg", document)
            self.assertTrue(xml.etree.ElementTree.parse(self.path(f"out-{plot}.svg")).getroot().tag.endswith("svg"))
        self.assertNotIn(self.folder, document + read(self.path("out.json")).decode())
        figures = json.loads(read(self.path("out.json")))
        runs = figures["pairs"]["mail from older mail"]
        self.assertLessEqual(runs["accurate"]["predicted_error"], 1e-10)
        self.assertEqual([row["setting"] for row in runs["fast"]["rows"]],
                         ["plain", "plain_polynomial", "transfer_plain", "transfer_encrypted"])
        self.assertEqual([row["setting"] for row in runs["accurate"]["rows"]], ["transfer_encrypted"])

        # Times alone: all else stays, to the last digit.
        self.assertEqual(self.reproduce("--only-times", "--time-rows", "21").returncode, 0)
        again = json.loads(read(self.path("out.json")))
        self.assertEqual(again["pairs"], figures["pairs"])
        self.assertEqual((figures["bench"]["fast"]["inputs"], again["bench"]["fast"]["inputs"]), (20, 21))

        # Runs that are done are not done again; what they gave is checked again.
        self.doctor(lambda run: run.update(max_feature_error=2 * run["predicted_error"]))
        wrong = self.reproduce(*TINY, "--no-times")
        self.assertEqual(wrong.returncode, FAILED)
        self.assertEqual(wrong.stderr.count("(done before)"), 3)
        self.assertIn("FAILS: mail from older mail, fast: features of all 40 rows", wrong.stdout)
        self.assertIn("**Fails**: features", read(self.path("out.md")).decode())

        self.doctor(lambda run: run.update(max_feature_error=run["predicted_error"] / 2))
        for metric in ("loss", "kappa"):
            def other_folds(run, key=metric + "_mean"):
                run["rows"][-1] = {**run["rows"][-2], "setting": run["rows"][-1]["setting"]}
                run["rows"][-1][key] += 0.0011
            self.doctor(other_folds)
            wrong = self.reproduce(*TINY, "--no-times", "--json")
            self.assertEqual(wrong.returncode, FAILED)
            failed = [line["text"] for line in json.loads(wrong.stdout)["checks"] if not line["holds"]]
            self.assertEqual(len(failed), 1)
            self.assertIn(f"0.110 points ({metric})", failed[0])
            document = read(self.path("out.md")).decode()
            self.assertIn("**Fails**: metrics of the folds through encryption equal those of plain transfer within 0.1 "
                          "points, fast preset (0 of 1 runs)", document)
            self.assertIn("### Metrics that move", document)
            self.assertIn("Why: the gradient", document)

        self.doctor(lambda run: run["rows"][-2].update(loss_mean=run["rows"][-2]["loss_mean"] * 1.0000001))
        wrong = self.reproduce(*TINY, "--no-times")
        self.assertIn("FAILS: mail from older mail: trained again", wrong.stdout)

        self.doctor(lambda run: run.update(flagged_rows=1))
        self.assertEqual(self.reproduce(*TINY, "--no-times").returncode, FAILED)

    def test_refusals(self):
        self.refused(MALFORMED, "--data", "nowhere", says=["nowhere", ".csv", "--data"])
        self.refused(USAGE, "--sets", "mail,yelp", says=["yelp", "targets are mail"])
        self.refused(USAGE, "--programs", "nowhere", says=["nowhere", "make build"])
        self.refused(MALFORMED, "--only-times", says=["out.json", "--only-times"])
        self.put("out.json", "{")
        self.refused(MALFORMED, "--only-times", says=["out.json", "JSON"])

    def test_a_run_that_fails_leaves_no_document(self):
        os.mkdir(self.path("data"))
        for name in ("rt_polarity", "yelp_sent", "amazon_sent", "imdb_sent", "youtube_spam", "sms_spam"):
            self.put(f"data/{name}.csv", '"text","label"\n"a, ""quoted"" one","1"\n')
            self.put(f"data/{name}.f16.npy", b"\x93NUMPY\x01\x00 and no array")
        result = self.reproduce("--data", "data", "--sets", "imdb_sent")
        self.assertEqual(result.returncode, MALFORMED)
        self.assertIn("rt_polarity.f16.npy", result.stderr)  # the program's own line
        self.assertIn("imdb_sent from rt_polarity, fast: cryptotl ended with code 3", result.stderr)
        self.refused(MALFORMED, "--data", "data", "--sets", "imdb_sent", "--rows", "20", says=["rt_polarity", "NPY"])
        self.assertEqual([path for path in self.files() if path.startswith("out")], [])


if __name__ == "__main__":
    unittest.main()

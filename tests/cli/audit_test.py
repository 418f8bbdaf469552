"""Attacks at the command line."""

import unittest

from programs import FAILED, MALFORMED, USAGE, ProgramTest, csv_of, rows_of


class AuditTest(ProgramTest):
    def setUp(self):
        super().setUp()
        self.data = self.put("source.csv", csv_of(rows_of(160, 1)))

    def test_refuses_options_that_are_none(self):
        for arguments in (["--only", "luck"], ["--epsilon", "0"], ["--runs", "0"], ["--models", "7"],
                          ["--labels", "x"]):
            with self.subTest(arguments):
                self.assertEqual(self.run_client("audit", *arguments).returncode, USAGE)
        self.refuses(USAGE, "audit", "--data", self.data, "--delta", "0.1", "--only", "membership",
                     says="1 / rows")

    def test_refuses_data_that_no_attack_can_work_on(self):
        few = self.put("few.csv", csv_of(rows_of(99, 1)))
        self.refuses(MALFORMED, "audit", "--data", few, says=["99 rows", "at least 100"])
        three = self.put("three.csv", csv_of(rows_of(120, 1), labels=("a", "b", "c")))
        self.refuses(MALFORMED, "audit", "--data", three, says=["3 labels", "rows of two"])
        self.refuses(FAILED, "audit", "--data", self.data, "--model", "nowhere", says="nowhere")

    def test_reports_nothing_where_the_control_fails(self):
        # Seven different rows, each with both labels: no network can learn one of them by heart.
        same = self.put("same.csv", csv_of([[(row + column) % 7 for column in range(3)] for row in range(120)]))
        self.refuses(FAILED, "audit", "--data", same, "--only", "membership", "--models", "8",
                     "--quiet", says=["would prove nothing", "nothing is reported"])

    def test_says_what_attacks_reach(self):
        made = self.prints_json("audit", "--data", self.data, "--only", "canaries,keys", "--runs", "1", "--seed", "3")
        for kind in ("head", "network"):
            canaries = made["canaries"][kind]
            self.assertGreater(canaries["control"]["empirical_epsilon"], 3)
            self.assertIsNone(canaries["control"]["claimed_epsilon"])
            self.assertLess(canaries["runs"][0]["empirical_epsilon"], canaries["runs"][0]["claimed_epsilon"])
        self.assertEqual([part["keys_from_released"] for part in made["keys"]], [0, 0])
        self.assertTrue(all(part["keys_from_raw"] > 0 for part in made["keys"]))
        for absent in ("membership", "server", "extraction"):
            self.assertNotIn(absent, made)


if __name__ == "__main__":
    unittest.main()

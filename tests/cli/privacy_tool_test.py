"""tools/privacy: the committed page follows from the committed figures, and its refusals."""

import json
import os
import subprocess
import sys
import unittest

from programs import FAILED, USAGE, ProgramTest, read, write

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
RESULTS = os.path.join(ROOT, "docs", "privacy-results")


class PrivacyToolTest(ProgramTest):
    def measure(self, *arguments):
        command = [sys.executable, "-B", os.path.join(ROOT, "tools", "privacy"), "--out", "privacy-results.md", *arguments]
        return subprocess.run(command, cwd=self.folder, capture_output=True, text=True, timeout=60, check=False)

    def refused(self, code, *arguments, says):
        before = self.files()
        result = self.measure(*arguments)
        self.assertEqual(result.returncode, code, result.stderr)
        self.assertEqual(len(result.stderr.splitlines()), 1, result.stderr)
        self.assertIn(says, result.stderr)
        self.assertEqual(self.files(), before)

    def test_refuses_what_is_missing_in_one_line(self):
        self.refused(USAGE, "--opacus", says="--data")
        self.refused(FAILED, "--again", says="privacy-results.json")
        self.refused(FAILED, "--programs", "nowhere", says="nowhere")

    def test_the_page_and_its_plot_follow_from_the_figures(self):
        write(self.path("privacy-results.json"), read(RESULTS + ".json"))
        self.assertEqual(self.measure("--again").returncode, 0)
        for ending in (".md", ".svg", ".json"):
            self.assertEqual(read(self.path("privacy-results" + ending)), read(RESULTS + ending), ending)

    def test_another_figure_gives_another_page(self):
        figures = json.loads(read(RESULTS + ".json"))
        figures["pairs"][0]["runs"][1]["heads"]["combined 20"]["mean"] = 0.5
        write(self.path("privacy-results.json"), json.dumps(figures))
        self.assertEqual(self.measure("--again").returncode, 0)
        self.assertIn("| 50.0 ", read(self.path("privacy-results.md")).decode())


if __name__ == "__main__":
    unittest.main()

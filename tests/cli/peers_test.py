"""tools/peers with programs in the libraries' places that print recorded figures: rounds, ratios, missing peers."""

import json
import os
import re
import subprocess
import sys
import unittest
import xml.etree.ElementTree

from programs import DONE, FAILED, USAGE, ProgramTest, read, write

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SHELL = "#!/bin/sh\n"
# Passes of one round after the other. Each program notes its turn.
OURS = [[10.0, 12.0, 11.0], [20.0, 22.0, 24.0], [10.0, 10.0, 40.0]]
PREPARED = [[4.0, 5.0, 6.0], [8.0, 8.0, 8.0], [4.0, 4.0, 4.0]]
LATTIGO = [[110.0, 110.0, 120.0], [330.0, 110.0, 220.0], [50.0, 50.0, 50.0]]
PACKED = [[88.0], [88.0], [100.0]]
TENSEAL = [[22000.0], [22000.0], [22000.0]]


def driver(times, error=1e-4):
    return [{"version": "7.1", "parameters": "N = 8192", "server_ms": passes, "encrypt_ms": [3.0, 5.0, 4.0],
             "decrypt_ms": [1.0], "key_bytes": 70000000, "request_bytes": 500000, "response_bytes": 130000,
             "peak_rss_bytes": 200000000, "max_abs_error": [error / 2, error, error / 4][i]}
            for i, passes in enumerate(times)]


def bench(prepared):
    lines = [{"ring_degree": 8192, "log_qp": 179.99, "server_ms": passes, "server_ms_median": 1,
              "client_encrypt_ms": 0.9, "client_decrypt_ms": 0.6, "evaluation_key_bytes": 18678788,
              "request_bytes": 153748, "response_bytes": 122996, "peak_rss_bytes": 177139712,
              "max_abs_error": 2e-5, "predicted_error": 4e-5, "cpu": "A Processor", "isa": "avx2"} for passes in OURS]
    for line, passes in zip(lines, PREPARED):
        if prepared:
            line.update(prepared_ms=passes, ticket_bytes=300000)
    return lines


class PeersTest(ProgramTest):
    def setUp(self):
        super().setUp()
        for folder in ("bin", "build", "turns"):
            os.mkdir(self.path(folder))
        for name in ("sh", "cat", "mkdir", "cp", "chmod"):
            os.symlink(f"/bin/{name}", self.path(f"bin/{name}"))

    def program(self, path, body):
        write(self.path(path), SHELL + body)
        os.chmod(self.path(path), 0o755)

    def printing(self, name, lines):
        """A program's body that prints one of these lines a turn, and notes its turn."""
        for number, line in enumerate(lines):
            self.put(f"turns/{name}.{number}", json.dumps(line) + "\n")
        turns = self.path("turns")
        return f"""turn=0; while [ -e {turns}/{name}.$turn.done ]; do turn=$((turn + 1)); done
echo "{name} $*" >>{turns}/order; : >{turns}/{name}.$turn.done; exec cat {turns}/{name}.$turn
"""

    def put_cryptotl(self, prepared=True):
        self.program("build/cryptotl", self.printing("ours", bench(prepared)))

    def put_go(self, lines, packed=()):
        self.program("lattigo-built", f"""case "$*" in *"--packing complex"*) {self.printing("packed", packed)};; esac
{self.printing("lattigo", lines)}""")
        self.program("bin/go", f'[ "$1" = version ] && echo "go version go1.99 linux/amd64" && exit\n'
                               f"echo \"build $*\" >>{self.path('turns')}/builds; cp {self.path('lattigo-built')} $3\n")

    def put_python(self, version, library, lines):
        """An interpreter that can make an environment, install into it and run the driver."""
        body = f"""case "$1" in
  -c) echo {version};;
  -m) [ "$2" = venv ] && mkdir -p $3/bin && cp $0 $3/bin/python; exit 0;;
  *) {self.printing(library, lines)};;
esac
"""
        self.program(f"bin/python{version}", body)

    def measure(self, *arguments):
        command = [sys.executable, "-B", os.path.join(ROOT, "tools", "peers"), "--programs", self.path("build"),
                   "--work", self.path("work"), "--out", self.path("docs/peers.md"), *arguments]
        return subprocess.run(command, cwd=self.folder, capture_output=True, text=True, timeout=100, check=False,
                              env={"PATH": self.path("bin"), "HOME": self.folder})

    def refused(self, code, *arguments, says):
        before = self.files()
        result = self.measure(*arguments)
        self.assertEqual(result.returncode, code, result.stderr)
        self.assertEqual(len(result.stderr.splitlines()), 1, result.stderr)
        for word in says:
            self.assertIn(word, result.stderr)
        self.assertEqual(self.files(), before)

    def test_what_cannot_be_measured_is_refused_in_one_line(self):
        self.refused(USAGE, says=["cryptotl", "make build"])
        self.put_cryptotl()
        self.refused(USAGE, "--pace", "3", says=["--pace", "--help"])
        self.refused(USAGE, "--rounds", "0", says=["--rounds", "0 is less than 1"])
        self.refused(USAGE, "--only", "lattigo,seal", says=["seal", "lattigo-packed"])
        self.refused(USAGE, "--core", "4711", says=["4711"])
        self.refused(FAILED, "--again", says=["peers.json", "--again"])
        self.put("file", "")
        self.refused(FAILED, "--out", "file/peers.md", says=["file"])
        self.refused(FAILED, "--work", "file/work", says=["file"])

    def test_a_run_with_three_libraries_one_of_them_missing(self):
        self.put_cryptotl()
        self.put_go(driver(LATTIGO), driver(PACKED))
        self.put_python("3.12", "tenseal", driver(TENSEAL))
        result = self.measure("--only", "lattigo,openfhe,tenseal,lattigo-packed", "--passes", "3")
        self.assertEqual(result.returncode, DONE, result.stderr)

        figures = json.loads(read(self.path("docs/peers.json")))
        names = [system["key"] for system in figures["systems"]]
        self.assertEqual(names, ["cryptotl-cold", "cryptotl-prepared", "lattigo", "tenseal", "lattigo-packed"])
        cold, prepared, lattigo, tenseal, packed = figures["systems"]
        self.assertEqual((cold["median_ms"], cold["least_ms"], cold["passes"]), (12.0, 10.0, 9))
        self.assertEqual(cold["round_medians_ms"], [11.0, 22.0, 10.0])
        self.assertEqual(cold["ratio_cold"], {"rounds": [1, 1, 1], "median": 1})
        self.assertEqual(lattigo["median_ms"], 110.0)
        # By the round: 110 to 11, 220 to 22, 50 to 10.
        self.assertEqual(lattigo["ratio_cold"], {"rounds": [10, 10, 5], "median": 10})
        self.assertEqual(lattigo["ratio_prepared"], {"rounds": [22, 27.5, 12.5], "median": 22})
        self.assertEqual((lattigo["encrypt_ms"], lattigo["max_abs_error"]), (4.0, 1e-4))
        self.assertEqual((lattigo["packing"], tenseal["packing"], packed["packing"]),
                         ("documented", "documented", "cryptotl"))
        self.assertEqual(packed["ratio_cold"], {"rounds": [8, 4, 10], "median": 8})
        self.assertEqual((lattigo["version"], lattigo["runs_on"]), ("7.1", "Go 1.99"))
        self.assertEqual((prepared["ticket_bytes"], tenseal["runs_on"]), (300000, "CPython 3.12"))
        self.assertEqual(figures["missing"], [{"key": "openfhe", "name": "OpenFHE", "reason":
                                               "its wheel needs CPython 3.10, which is not there"}])

        # The order rotates, and everything reads the same network.
        order = read(self.path("turns/order")).decode().splitlines()
        self.assertEqual([line.split()[0] for line in order],
                         ["ours", "lattigo", "tenseal", "packed", "lattigo", "tenseal", "packed", "ours", "tenseal",
                          "packed", "ours", "lattigo"])
        self.assertEqual({re.search(r"--network (\S+)", line)[1] for line in order}, {self.path("work/network")})
        self.assertEqual(len(read(self.path("work/network/w2.npy"))), 128 + 8 * 766 * 768)
        self.assertIn(b"'shape': (4, 768), }", read(self.path("work/network/inputs.npy"))[:128])

        document = read(self.path("docs/peers.md")).decode()
        for words in ("| Lattigo | 110 | 50.0 | 10.0 (5.00 to 10.0) | 22.0 (12.5 to 27.5) |",
                      "PEERS=\"--passes 3 --only lattigo,openfhe,tenseal,lattigo-packed\"",
                      "its wheel needs CPython 3.10", "A Processor",
                      "2.0e-05 (predicted 4.0e-05)", "a ticket, held", "3 rounds"):
            self.assertIn(words, document)
        flowing = " ".join(document.split())
        for ratios in ("the best peer as documented (Lattigo): 10.0 (5.00 to 10.0) times CryptoTL's, cold; 22.0 (",
                       "the best peer given CryptoTL's packing (Lattigo, CryptoTL's packing): 8.00 (4.00 to 10.0)"):
            self.assertIn(ratios, flowing)
            self.assertIn(ratios, result.stdout)
        for plot in ("times", "errors", "sizes"):
            self.assertIn(f"peers-{plot}.svg", document)
            drawing = xml.etree.ElementTree.parse(self.path(f"docs/peers-{plot}.svg")).getroot()
            self.assertIn("TenSEAL", "".join(drawing.itertext()))
            self.assertIn("Lattigo, CryptoTL's packing", "".join(drawing.itertext()))
        self.assertNotIn(self.folder, document + json.dumps(figures))

        # From the figures alone, the same document.
        os.remove(self.path("build/cryptotl"))
        os.remove(self.path("docs/peers.md"))
        self.assertEqual(self.measure("--again").returncode, DONE)
        self.assertEqual(read(self.path("docs/peers.md")).decode(), document)

    def test_a_peer_that_fails_is_named_and_the_others_are_measured(self):
        self.put_cryptotl(prepared=False)
        lines = driver(LATTIGO)
        lines[1]["max_abs_error"] = 0.5
        self.put_go(lines)
        self.put_python("3.11", "tenseal", driver(TENSEAL, 3e-3))
        result = self.measure("--only", "lattigo,tenseal")
        self.assertEqual(result.returncode, DONE, result.stderr)
        self.assertIn("its answers are wrong: the largest error is 0.5", result.stderr)
        figures = json.loads(read(self.path("docs/peers.json")))
        self.assertEqual([system["key"] for system in figures["systems"]], ["cryptotl-cold", "tenseal"])
        self.assertEqual(figures["missing"][0]["reason"], "failed in round 2")
        document = read(self.path("docs/peers.md")).decode()
        self.assertNotIn("prepared, ", document)
        # One that is not accurate enough is no peer to have a ratio against.
        self.assertIn("Against the best peer as documented: none was measured with errors below 2e-04", document)

        # What is installed stays; a program that fails leaves the document as it was.
        builds = read(self.path("turns/builds"))
        before = {path: found for path, found in self.files().items() if path.startswith("docs")}
        self.program("build/cryptotl", "echo 'cryptotl: no such option' >&2; exit 2\n")
        result = self.measure("--only", "lattigo", "--quiet")
        self.assertEqual(result.returncode, FAILED)
        self.assertEqual(result.stderr, "peers: cryptotl bench forward: cryptotl: no such option\n")
        self.assertEqual(read(self.path("turns/builds")), builds)
        self.assertEqual({path: found for path, found in self.files().items() if path.startswith("docs")}, before)


if __name__ == "__main__":
    unittest.main()

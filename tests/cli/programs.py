"""What the tests of the programs share: running them, small data, a provider and a client."""

import contextlib
import hashlib
import json
import os
import random
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import unittest

PROGRAMS = os.environ["CRYPTOTL_PROGRAMS"]
CLIENT = os.path.join(PROGRAMS, "cryptotl")
SERVER = os.path.join(PROGRAMS, "cryptotl-server")
COLUMNS = 16

DONE, FAILED, USAGE, MALFORMED, INSECURE = range(5)


def rows_of(count, seed, columns=COLUMNS):
    """Rows of two classes, 0 and 1 in turn, that the first columns tell apart."""
    source = random.Random(seed)
    return [[source.gauss(0.8 * (row % 2) * (column < columns // 2), 1) for column in range(columns)]
            for row in range(count)]


def write(path, content):
    with open(path, "w" if isinstance(content, str) else "wb") as file:
        file.write(content)


def read(path):
    with open(path, "rb") as file:
        return file.read()


def csv_of(rows, labels=("ham", "spam"), header=False):
    """Rows as CSV with a label column, or without one where `labels` is None."""
    lines = []
    if header:
        lines.append(",".join(f"x{i}" for i in range(len(rows[0]))) + (",kind" if labels else ""))
    for number, row in enumerate(rows):
        lines.append(",".join(f"{value:.6f}" for value in row) + (f",{labels[number % len(labels)]}" if labels else ""))
    return "\n".join(lines) + "\n"


def npy_of(rows):
    """Rows as an NPY file of float16."""
    header = f"{{'descr': '<f2', 'fortran_order': False, 'shape': ({len(rows)}, {len(rows[0])}), }}"
    header += " " * (-(len(header) + 11) % 64) + "\n"
    values = b"".join(struct.pack("<e", value) for row in rows for value in row)
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + values


def npy_labels(count):
    header = f"{{'descr': '|u1', 'fortran_order': False, 'shape': ({count},), }}"
    header += " " * (-(len(header) + 11) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + bytes(i % 2 for i in range(count))


class Server:
    """`cryptotl serve` on a free port. Answers carry noise up to the precision: so small that scores of two
    encryptions differ by less than tests look at."""

    def __init__(self, model, store, *arguments, precision="2e-5"):
        command = [CLIENT, "serve", "--model", model, "--listen", "127.0.0.1:0", "--store", store, *arguments]
        command += ["--precision", precision] if precision else []
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.url = self.process.stdout.readline().strip()
        self.port = int(self.url.rsplit(":", 1)[1])

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=20)
        self.process.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


class Proxy:
    """Passes bytes between a client and a server, keeps the inference requests and may act on each."""

    MARK = b"POST /v2/models/cryptotl/infer"
    ANNOUNCEMENT = b"POST /v2/models/cryptotl/tickets/"

    def __init__(self, port, on_request=None):
        self.port_behind = port
        self.on_request = on_request
        self.sent = b""
        self.cuts = 0
        self.open = set()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(near,), daemon=True).start()

    def _serve(self, near):
        """One connection, in both directions; closed at once where the server is gone."""
        with near, contextlib.suppress(OSError):
            with socket.create_connection(("127.0.0.1", self.port_behind)) as far:
                self.open |= {near, far}
                back = threading.Thread(target=self._pass, args=(far, near, False), daemon=True)
                back.start()
                self._pass(near, far, True)
                back.join()

    def _pass(self, source, sink, keep):
        with contextlib.suppress(OSError):
            while chunk := source.recv(1 << 16):
                if keep:
                    self.sent += chunk
                    if self.on_request and self.MARK in chunk:
                        self.on_request(len(self.requests()))
                sink.sendall(chunk)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def cut(self):
        """Breaks every connection that there is, in both directions."""
        self.cuts += 1
        while self.open:
            with contextlib.suppress(OSError):
                self.open.pop().shutdown(socket.SHUT_RDWR)

    def requests(self):
        """The bytes of every inference request so far, head included, and of no announcement behind it."""
        return [self.MARK + part.split(self.ANNOUNCEMENT)[0] for part in self.sent.split(self.MARK)[1:]]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()


class ProgramTest(unittest.TestCase):
    """Every test has an empty folder, which commands run in."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="cryptotl-test-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        # What a command keeps for its user stays in the test.
        self.caches = tempfile.mkdtemp(prefix="cryptotl-test-")
        self.addCleanup(shutil.rmtree, self.caches, ignore_errors=True)
        os.environ["XDG_CACHE_HOME"] = self.caches

    def path(self, name):
        return os.path.join(self.folder, name)

    def put(self, name, content):
        write(self.path(name), content)
        return name

    def start(self, *arguments, **options):
        return subprocess.Popen([CLIENT, *arguments], cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                text=True, **options)

    def run_client(self, *arguments, env=None):
        return subprocess.run([CLIENT, *arguments], cwd=self.folder, capture_output=True, text=True, timeout=300,
                              env=env, check=False)

    def succeeds(self, *arguments, env=None):
        result = self.run_client(*arguments, env=env)
        self.assertEqual(result.returncode, DONE, f"{arguments}: {result.stderr}")
        return result

    def prints_json(self, *arguments):
        """The one JSON object that the command prints on standard output."""
        out = self.succeeds(*arguments, "--json").stdout
        value = json.loads(out)
        self.assertIsInstance(value, dict)
        return value

    def refuses(self, code, *arguments, says=(), leaves=None, env=None):
        """The command ends with the code, one line on standard error with these words, and nothing new on disk. What says
        how inputs go comes before any error."""
        before = self.files()
        result = self.run_client(*arguments, env=env)
        self.assertEqual(result.returncode, code, f"{arguments}: {result.stderr}")
        self.assertEqual(result.stdout, "")
        lines = [line for line in result.stderr.splitlines() if line and "[" not in line and not line.startswith("mode: ")]
        self.assertEqual(len(lines), 1, result.stderr)
        for word in [says] if isinstance(says, str) else says:
            self.assertIn(word, lines[0])
        self.assertEqual(self.files(), before if leaves is None else leaves)
        return lines[0]

    def files(self):
        """The digest of every file in the folder, by its path."""
        found = {}
        for folder, _, names in os.walk(self.folder):
            for name in names:
                content = hashlib.sha256(read(os.path.join(folder, name))).hexdigest()
                found[os.path.relpath(os.path.join(folder, name), self.folder)] = content
        return found


class ServedTest(ProgramTest):
    """A model that is served and a client with keys, made once for all tests of the class."""

    @classmethod
    def setUpClass(cls):
        cls.shared = tempfile.mkdtemp(prefix="cryptotl-test-")
        cls.addClassCleanup(shutil.rmtree, cls.shared, ignore_errors=True)
        join = lambda name: os.path.join(cls.shared, name)
        cls.model, cls.keys, cls.train, cls.new = join("model"), join("keys"), join("train.csv"), join("new.csv")
        write(join("source.csv"), csv_of(rows_of(60, 1)))
        write(cls.train, csv_of(rows_of(40, 2)))
        write(cls.new, csv_of(rows_of(10, 3), labels=None))
        cls.make("pretrain", "--data", join("source.csv"), "--model", cls.model, "--epochs", "5")
        cls.server = Server(cls.model, join("store"))
        cls.addClassCleanup(cls.server.stop)
        cls.make("keygen", "--server", cls.server.url, "--keys", cls.keys)
        cls.head = join("head.onnx")
        cls.make("fit", "--server", cls.server.url, "--keys", cls.keys, "--data", cls.train, "--head", cls.head,
                 "--kind", "linear", "--mode", "latency")

    @staticmethod
    def make(*arguments):
        subprocess.run([CLIENT, *arguments], check=True, capture_output=True, timeout=300)

    def fit(self, **changes):
        """The arguments of a fit that would work, but for the changes; None leaves an option out, True is a flag."""
        return self._arguments("fit", changes, server=self.server.url, keys=self.keys, data=self.train,
                               head="head.onnx")

    def predict(self, **changes):
        return self._arguments("predict", changes, server=self.server.url, keys=self.keys, data=self.new,
                               head=self.head, out="scores.csv")

    @staticmethod
    def _arguments(verb, changes, **usual):
        out = [verb]
        for option, value in {**usual, **changes}.items():
            if value is not None:
                out += [f"--{option.replace('_', '-')}"] + ([] if value is True else [value])
        return out

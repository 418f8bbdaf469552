"""Servers that refuse, that go, and programs that are interrupted."""

import os
import signal
import subprocess
import time
import unittest

from programs import CLIENT, FAILED, INSECURE, USAGE, Proxy, ServedTest, Server, csv_of, rows_of


class ServeTest(ServedTest):
    def serve(self, *arguments):
        return subprocess.run([CLIENT, "serve", *arguments], cwd=self.folder, capture_output=True, text=True,
                              timeout=60, check=False)

    def test_only_loopback_addresses_are_served(self):
        for address in ("0.0.0.0:0", "192.0.2.1:8000", "[::]:0"):
            result = self.serve("--model", self.model, "--listen", address)
            self.assertEqual(result.returncode, INSECURE, result.stderr)
            self.assertEqual(result.stdout, "")

    def test_addresses_that_are_none(self):
        self.assertEqual(self.serve("--model", self.model, "--listen", "nowhere").returncode, USAGE)
        self.assertEqual(self.serve().returncode, USAGE)

    def test_a_port_that_is_taken(self):
        result = self.serve("--model", self.model, "--listen", f"127.0.0.1:{self.server.port}")
        self.assertEqual(result.returncode, FAILED)
        self.assertIn(str(self.server.port), result.stderr)

    def test_keys_outlive_the_server(self):
        with Server(self.model, self.path("store")) as server:
            self.succeeds("keygen", "--server", server.url, "--keys", "keys")
        os.remove(self.path("keys/evaluation.keys"))
        with Server(self.model, self.path("store")) as server:
            self.succeeds(*self.predict(server=server.url, keys="keys"))


class GoneServerTest(ServedTest):
    def test_a_server_that_dies_in_the_middle_of_a_fit_leaves_one_clear_line(self):
        self.put("train.csv", csv_of(rows_of(200, 4)))
        server = Server(self.model, os.path.join(self.shared, "other-store"))
        try:
            with Proxy(server.port, lambda count: server.kill() if count == 20 else None) as proxy:
                self.refuses(FAILED, *self.fit(server=proxy.url, data="train.csv", retry="0", mode="latency"),
                             says=proxy.url)
            self.assertEqual(server.process.returncode, -signal.SIGKILL)
        finally:
            server.process.stdout.close()


class InterruptTest(ServedTest):
    def children_of(self, pid):
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
            return [int(child) for child in file.read().split()]

    @staticmethod
    def runs(pid):
        """An orphan that has ended may stand in the list of processes until somebody takes note."""
        try:
            with open(f"/proc/{pid}/stat", encoding="ascii") as file:
                return file.read().rsplit(")", 1)[1].split()[0] != "Z"
        except FileNotFoundError:
            return False

    def interrupted(self, number, *arguments):
        """Ends the command by a signal once its server runs; returns what is left on disk."""
        os.mkdir(self.path("tmp"))
        client = self.start(*arguments, env={**os.environ, "TMPDIR": self.path("tmp")})
        self.addCleanup(client.communicate)
        self.addCleanup(client.kill)
        children = []
        for _ in range(600):
            children = self.children_of(client.pid)
            if children:
                break
            time.sleep(0.05)
        self.assertEqual(len(children), 1)
        self.assertNotEqual(os.listdir(self.path("tmp")), [])
        client.send_signal(number)
        client.wait(timeout=30)
        self.assertEqual(client.returncode, -number)
        for _ in range(400):
            if not self.runs(children[0]):
                break
            time.sleep(0.05)
        self.assertFalse(self.runs(children[0]), "the server still runs")
        return os.listdir(self.path("tmp"))

    def test_an_interrupted_evaluation_stops_its_server_and_cleans_up(self):
        self.put("large.csv", csv_of(rows_of(400, 1)))
        left = self.interrupted(signal.SIGINT, "evaluate", "--source", self.train, "--target", "large.csv")
        self.assertEqual(left, [])

    def test_a_killed_bench_takes_its_server_along(self):
        self.interrupted(signal.SIGKILL, "bench", "forward", "--inputs", "2000")


if __name__ == "__main__":
    unittest.main()

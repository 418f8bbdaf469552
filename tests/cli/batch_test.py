"""Batches: when they are chosen, what is refused, and runs of them that either side breaks off."""

import os
import shutil
import threading
import time
import unittest

from programs import FAILED, USAGE, Proxy, ProgramTest, Server, ServedTest, csv_of, read, rows_of

MANY = 250  # in one batch of every kind: which are offered depends on the machine
SLOTS = 8192


class BatchProxy(Proxy):
    """Acts on what clients send of batches: `on_batch` is told how many have begun and how many bytes have come."""

    MARK = b"POST /v2/models/cryptotl/batches/"

    def __init__(self, port, on_batch=None):
        self.on_batch = on_batch
        super().__init__(port)

    def _pass(self, source, sink, keep):
        if not keep or not self.on_batch:
            super()._pass(source, sink, keep)
            return
        try:
            while chunk := source.recv(1 << 16):
                self.sent += chunk
                self.on_batch(self.sent.count(self.MARK), len(self.sent))
                sink.sendall(chunk)
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(2)
            except OSError:
                pass


class BatchTest(ServedTest):
    def setUp(self):
        super().setUp()
        shutil.copytree(self.keys, self.path("keys"), ignore=shutil.ignore_patterns("features.cache*"))
        self.put("new.csv", csv_of(rows_of(MANY, 3), labels=None))

    def classify(self, **changes):
        return self.predict(**{"keys": "keys", "data": "new.csv", **changes})

    def scores(self, name):
        with open(self.path(name), encoding="utf-8") as file:
            lines = [line.strip().split(",") for line in file][1:]
        return [(label, float(score)) for _, label, score in lines]

    def assert_same(self, one, other):
        one, other = self.scores(one), self.scores(other)
        self.assertEqual(len(one), len(other))
        for (label, score), (other_label, other_score) in zip(one, other):
            self.assertAlmostEqual(score, other_score, delta=1e-3)
            if abs(score - 0.5) > 1e-3:
                self.assertEqual(label, other_label)


class ModeTest(BatchTest):
    def test_many_inputs_go_in_a_batch_and_few_one_by_one(self):
        result = self.succeeds(*self.classify(), "--json")
        self.assertRegex(result.stderr, r"mode: batch \(250 inputs take about .* in 1 batch, .* one by one\)")
        self.assertIn('"mode":"batch"', result.stdout)
        self.put("few.csv", csv_of(rows_of(3, 9), labels=None))
        result = self.succeeds(*self.classify(data="few.csv", out="few-scores.csv"), "--json")
        self.assertRegex(result.stderr, r"mode: latency \(3 inputs .*\)")
        self.assertIn('"mode":"latency"', result.stdout)
        # Whichever way it came, it is the same.
        result = self.succeeds(*self.classify(mode="latency", no_cache=True, out="one-by-one.csv"))
        self.assertNotIn("mode:", result.stderr)
        self.assert_same("scores.csv", "one-by-one.csv")
        out = self.prints_json(*self.classify(mode="latency", out="again.csv"))
        self.assertEqual((out["cached"], out["server_ms_mean"]), (MANY, None))

    def test_fit_takes_them_too(self):
        self.put("train.csv", csv_of(rows_of(MANY, 4)))
        result = self.succeeds(*self.fit(keys="keys", data="train.csv", kind="linear"), "--json")
        self.assertIn("mode: batch", result.stderr)
        self.assertIn('"mode":"batch"', result.stdout)

    def test_evaluate_takes_them_too(self):
        self.put("source.csv", csv_of(rows_of(60, 1)))
        self.put("target.csv", csv_of(rows_of(200, 2)))
        command = ["evaluate", "--source", "source.csv", "--target", "target.csv", "--epochs", "2", "--no-cache",
                   "--only", "none"]
        batched = self.prints_json(*command, "--mode", "batch")
        self.assertEqual((batched["mode"], len(batched["latency_ms"])), ("batch", 200))
        self.assertLessEqual(batched["max_feature_error"], batched["predicted_error"])
        self.assertEqual(self.prints_json(*command, "--mode", "latency")["mode"], "latency")

    def test_refuses_batches_that_cannot_be_had(self):
        with Server(self.model, self.path("store"), "--no-batch") as server:
            result = self.run_client(*self.classify(server=server.url, mode="batch"))
            self.assertEqual((result.returncode, len(result.stderr.splitlines())), (USAGE, 1), result.stderr)
            self.assertIn("this server takes no batches", result.stderr)
            self.assertFalse(os.path.exists(self.path("scores.csv")))
            out = self.prints_json(*self.classify(server=server.url, no_cache=True))
            self.assertEqual(out["mode"], "latency")
        result = self.run_client(*self.classify(mode="fast"))
        self.assertEqual(result.returncode, USAGE)


class BenchTest(ProgramTest):
    """bench batch, on a narrow network."""

    def bench(self, *arguments):
        return self.prints_json("bench", "batch", "--widths", "32,24,10", *arguments)

    def test_measures_cold_and_prepared_batches_beside_plain_numbers(self):
        out = self.bench("--samples", "250")
        self.assertEqual((out["samples"], out["batches"], out["threads"], out["activation"]), (250, 1, 1, "cubic"))
        self.assertEqual(out["widths"], [32, 24, 10])
        self.assertEqual(len(out["gemm_gmac_per_s"]), 2)
        self.assertEqual("prepared_ms_per_sample" in out, out["block"] == 1)
        full = self.bench("--samples", "8192")
        self.assertEqual(full["block"], 1)
        self.assertGreater(full["prepared_ms_per_sample"], 0)
        for member in ("server_s", "ms_per_sample", "plain_fp64_ms_per_sample", "ratio_to_plain",
                       "client_encrypt_s", "client_decrypt_s", "request_bytes_per_sample",
                       "response_bytes_per_sample", "server_peak_rss_bytes", "client_peak_rss_bytes", "max_abs_error"):
            self.assertGreater(out[member], 0, member)
        self.assertLessEqual(out["max_abs_error"], out["predicted_error"])
        self.assertAlmostEqual(out["ms_per_sample"], 1000 * out["server_s"] / 250)
        parts = out["read_ms"] + sum(out["matrix_ms"]) + out["activation_ms"] + out["answer_ms"]
        self.assertAlmostEqual(parts, 1000 * out["server_s"], places=3)

    def test_takes_other_kernels_threads_and_networks(self):
        out = self.bench("--samples", "10", "--isa", "scalar", "--threads", "2", "--activation", "quadratic", "--trusting")
        self.assertEqual((out["isa"], out["matrix_isa"], out["threads"]), ("scalar", "scalar", 2))
        self.assertEqual((out["activation"], out["trusting"]), ("quadratic", True))
        self.assertLessEqual(out["max_abs_error"], out["predicted_error"])

    def test_wrong_options_are_usage_errors(self):
        for arguments in (["--isa", "mmx"], ["--samples", "0"], ["--activation", "relu"]):
            self.assertEqual(self.run_client("bench", "batch", *arguments).returncode, USAGE, arguments)


class CrashTest(BatchTest):
    def kept(self):
        return self.prints_json("cache", "keys")["rows"]

    def test_a_server_that_is_killed_in_the_middle_comes_back_to_a_new_key(self):
        shutil.copytree(os.path.join(self.shared, "store"), self.path("store"))
        server = Server(self.model, self.path("store"))
        servers = [server]
        self.addCleanup(lambda: [one.stop() for one in servers])

        def kill(count, size):
            if count == 1 and size > 1_000_000 and len(servers) == 1:
                server.kill()
                servers.append(Server(self.model, self.path("store")))
                proxy.port_behind = servers[1].port

        with BatchProxy(server.port, kill) as proxy:
            out = self.prints_json(*self.classify(server=proxy.url))
            puts = proxy.sent.count(b"PUT /v2/models/cryptotl/batches/")
        self.assertEqual((out["mode"], len(servers), puts), ("batch", 2, 2))
        self.succeeds(*self.classify(mode="latency", no_cache=True, out="plain.csv"))
        self.assert_same("scores.csv", "plain.csv")

    def test_a_killed_client_goes_on_with_the_batches_that_are_missing(self):
        rows = rows_of(SLOTS + 400, 5)
        self.put("more.csv", csv_of(rows, labels=None))
        second = threading.Event()

        def hold(count, size):
            if count == 2:
                second.set()
                time.sleep(2)

        with BatchProxy(self.server.port, hold) as proxy:
            client = self.start(*self.classify(server=proxy.url, data="more.csv"))
            self.assertTrue(second.wait(200))
            client.kill()
            client.communicate()
        self.assertEqual(self.kept(), SLOTS)
        # The secret key of a job is in no file.
        self.assertEqual(sorted(os.listdir(self.path("keys"))),
                         ["evaluation.keys", "features.cache", "keys.json", "plan.json", "public.key", "secret.key"])
        out = self.prints_json(*self.classify(data="more.csv", mode="batch"))
        self.assertEqual((out["cached"], out["rows"]), (SLOTS, SLOTS + 400))

    def test_a_client_whose_server_is_gone_says_what_is_kept(self):
        shutil.copytree(os.path.join(self.shared, "store"), self.path("store"))
        server = Server(self.model, self.path("store"))
        try:
            with BatchProxy(server.port, lambda count, size: size > 1_000_000 and server.kill()) as proxy:
                result = self.run_client(*self.classify(server=proxy.url, mode="batch", retry="0"))
        finally:
            server.process.stdout.close()
        self.assertEqual(result.returncode, FAILED)
        self.assertEqual(len(result.stderr.splitlines()), 1, result.stderr)
        self.assertFalse(os.path.exists(self.path("scores.csv")))


if __name__ == "__main__":
    unittest.main()

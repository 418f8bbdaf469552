"""Runs that break off go on where they were: crashes of either side, a cut network, and what may stay on disk."""

import os
import shutil
import sqlite3
import subprocess
import threading
import time
import unittest

from programs import (CLIENT, DONE, FAILED, INSECURE, MALFORMED, USAGE, Proxy, ProgramTest, Server, ServedTest, csv_of,
                      read, rows_of, write)

ROWS = 80


def scores_of(path):
    with open(path, encoding="utf-8") as file:
        lines = [line.strip().split(",") for line in file][1:]
    return [(label, float(score)) for _, label, score in lines]


class ResumeTest(ServedTest):
    """Every test has an own key folder without a cache."""

    def setUp(self):
        super().setUp()
        shutil.copytree(self.keys, self.path("keys"), ignore=shutil.ignore_patterns("features.cache*"))
        self.put("new.csv", csv_of(rows_of(ROWS, 3), labels=None))
        self.cache = self.path("keys/features.cache")

    def classify(self, **changes):
        """The arguments of a predict of ROWS rows with the keys of this test."""
        return self.predict(**{"keys": "keys", "data": "new.csv", "mode": "latency", **changes})

    def cached_rows(self, path=None):
        return self.prints_json("cache", path or "keys")["rows"]

    def assert_same_scores(self, *paths):
        """Labels are equal, and scores but for the noise of two encryptions."""
        first, *others = [scores_of(self.path(path)) for path in paths]
        self.assertEqual(len(first), ROWS)
        for other in others:
            self.assertEqual([label for label, _ in first], [label for label, _ in other])
            for (_, a), (_, b) in zip(first, other):
                self.assertAlmostEqual(a, b, delta=1e-3)

    def assert_private(self, folder=None):
        for name in os.listdir(folder or self.path("keys")):
            if name.startswith("features.cache"):
                self.assertEqual(os.stat(os.path.join(folder or self.path("keys"), name)).st_mode & 0o777, 0o600)


class CrashTest(ResumeTest):
    def test_a_killed_client_goes_on_with_the_missing_rows_alone(self):
        self.succeeds(*self.classify(no_cache=True, out="plain.csv"))
        kill = threading.Event()
        with Proxy(self.server.port, lambda count: self.hold(kill, count == 70)) as proxy:
            client = self.start(*self.classify(server=proxy.url))
            self.assertTrue(kill.wait(120))
            client.kill()
            client.communicate()
        self.assertFalse(os.path.exists(self.path("scores.csv")))
        self.assert_private()
        kept = self.cached_rows()
        self.assertLess(kept, 70)
        with Proxy(self.server.port) as proxy:
            out = self.prints_json(*self.classify(server=proxy.url))
            self.assertEqual(len(proxy.requests()), ROWS - kept)
        self.assertEqual((out["cached"], out["rows"]), (kept, ROWS))
        self.assert_same_scores("plain.csv", "scores.csv")
        # All is kept now, and no row is asked for again.
        with Proxy(self.server.port) as proxy:
            out = self.prints_json(*self.classify(server=proxy.url, out="again.csv"))
            self.assertEqual((out["cached"], len(proxy.requests())), (ROWS, 0))
        self.assertIsNone(out["server_ms_mean"])
        self.assertEqual(read(self.path("scores.csv")), read(self.path("again.csv")))
        self.assertEqual(sorted(os.listdir(self.path("keys"))),
                         ["evaluation.keys", "features.cache", "keys.json", "plan.json", "public.key", "secret.key"])

    @staticmethod
    def hold(event, now):
        """Holds the request back, long enough for what came before to be kept and for the client to be killed."""
        if now:
            time.sleep(0.2)
            event.set()
            time.sleep(5)

    def test_what_is_older_than_a_second_outlives_a_kill(self):
        arrived, slow = [], threading.Event()

        def slow_down(count):
            arrived.append(time.monotonic())
            time.sleep(0.1)
            if count == 40:
                slow.set()

        with Proxy(self.server.port, slow_down) as proxy:
            client = self.start(*self.classify(server=proxy.url))
            self.assertTrue(slow.wait(120))
            killed = time.monotonic()
            client.kill()
            client.communicate()
        # A request shows that all but the last two rows before it have been decrypted and kept in memory.
        older = sum(killed - moment > 1.5 for moment in arrived) - 2
        self.assertGreater(older, 10)
        self.assertGreaterEqual(self.cached_rows(), older)

    def test_a_fit_that_was_killed_goes_on(self):
        self.put("train.csv", csv_of(rows_of(ROWS, 4)))
        with Proxy(self.server.port, lambda count: time.sleep(0.05)) as proxy:
            client = self.start(*self.fit(server=proxy.url, keys="keys", data="train.csv", kind="linear",
                                           mode="latency"))
            while len(proxy.requests()) < 50:
                time.sleep(0.05)
            client.kill()
            client.communicate()
        kept = self.cached_rows()
        self.assertGreater(kept, 0)
        out = self.prints_json(*self.fit(keys="keys", data="train.csv", kind="linear"))
        self.assertEqual((out["cached"], out["rows"]), (kept, ROWS))
        # Two heads from the same kept features are the same.
        self.succeeds(*self.fit(keys="keys", data="train.csv", kind="linear", head="two.onnx"))
        self.succeeds(*self.fit(keys="keys", data="train.csv", kind="linear", head="three.onnx"))
        self.assertEqual(read(self.path("two.onnx")), read(self.path("three.onnx")))

    def test_a_server_that_is_killed_and_comes_back_is_waited_for(self):
        store = os.path.join(self.folder, "store")
        shutil.copytree(os.path.join(self.shared, "store"), store)
        self.succeeds(*self.classify(no_cache=True, out="plain.csv"))
        server = Server(self.model, store)
        servers = [server]
        self.addCleanup(lambda: [s.stop() for s in servers])

        def kill(count):
            if count == 50 and len(servers) == 1:
                server.kill()
                threading.Timer(3, come_back).start()

        def come_back():
            servers.append(Server(self.model, store))
            proxy.port_behind = servers[1].port

        with Proxy(server.port, kill) as proxy:
            result = self.succeeds(*self.classify(server=proxy.url), "--json")
            requests = proxy.requests()
        self.assertIn("trying again for up to 60 s", result.stderr)
        self.assertEqual(result.stderr.count("trying again"), 1)
        self.assertEqual(len(servers), 2)
        # What was sent again are identical bytes: there are as many different requests as rows.
        self.assertGreater(len(requests), ROWS)
        self.assertEqual(len({request[-150_000:] for request in requests if len(request) > 150_000}), ROWS)
        self.assert_same_scores("plain.csv", "scores.csv")

    def test_a_server_that_comes_back_without_its_keys_gets_them_again(self):
        with Server(self.model, self.path("empty-store")) as fresh, \
             Proxy(self.server.port, lambda count: count == 30 and self.move(proxy, fresh)) as proxy:
            self.succeeds(*self.classify(server=proxy.url))
            stored = sorted(name.rsplit(".", 1)[1] for name in os.listdir(self.path("empty-store")))
            self.assertEqual([kind for kind in stored if kind != "json"], ["keys", "seeds"])  # beside plans

    @staticmethod
    def move(proxy, server):
        proxy.port_behind = server.port
        proxy.cut()

    def test_a_client_that_gave_up_goes_on_in_its_next_run(self):
        store = os.path.join(self.folder, "store")
        shutil.copytree(os.path.join(self.shared, "store"), store)
        server = Server(self.model, store)
        try:
            with Proxy(server.port, lambda count: server.kill() if count == 60 else None) as proxy:
                result = self.run_client(*self.classify(server=proxy.url, retry="0"))
        finally:
            server.process.stdout.close()
        self.assertEqual(result.returncode, FAILED)
        self.assertEqual(len(result.stderr.splitlines()), 1)
        # The answers before the one that did not come have all been kept.
        self.assertEqual(self.cached_rows(), 59)
        self.assertIn("59 rows are kept in", result.stderr)
        self.assertFalse(os.path.exists(self.path("scores.csv")))
        out = self.prints_json(*self.classify())
        self.assertEqual((out["cached"], out["rows"]), (59, ROWS))

    def test_a_network_that_is_cut_again_and_again(self):
        self.succeeds(*self.classify(no_cache=True, out="plain.csv"))
        with Proxy(self.server.port, lambda count: proxy.cut() if count % 15 == 0 else None) as proxy:
            self.succeeds(*self.classify(server=proxy.url, no_cache=True))
            self.assertGreater(proxy.cuts, 3)
            different = {request[-150_000:] for request in proxy.requests() if len(request) > 150_000}
            self.assertEqual(len(different), ROWS)
        self.assert_same_scores("plain.csv", "scores.csv")


class MissTest(ResumeTest):
    """What is kept is taken for the same input, model and plan alone."""

    def test_changed_inputs(self):
        self.succeeds(*self.classify())
        rows = rows_of(ROWS, 3)
        rows[7][3] += 0.001
        rows[60] = rows[61]
        self.put("changed.csv", csv_of(rows, labels=None))
        with Proxy(self.server.port) as proxy:
            out = self.prints_json(*self.classify(server=proxy.url, data="changed.csv", out="changed-scores.csv"))
            self.assertEqual((out["cached"], len(proxy.requests())), (ROWS - 1, 1))

    def test_another_model_in_the_same_file(self):
        self.succeeds(*self.classify(cache="shared.cache"))
        self.succeeds("pretrain", "--data", self.train, "--model", "other", "--epochs", "1")
        with Server(self.path("other"), self.path("store")) as other:
            self.succeeds("keygen", "--server", other.url, "--keys", "other-keys")
            self.succeeds(*self.fit(server=other.url, keys="other-keys", cache="shared.cache", kind="linear"))
            arguments = {"server": other.url, "keys": "other-keys", "head": "head.onnx", "cache": "shared.cache"}
            out = self.prints_json(*self.classify(**arguments, out="other.csv"))
            self.assertEqual(out["cached"], 0)
            out = self.prints_json(*self.classify(**arguments, out="again.csv"))
            self.assertEqual(out["cached"], ROWS)
        self.assertEqual(len(self.prints_json("cache", "shared.cache")["models"]), 2)
        self.assertFalse(os.path.exists(self.cache))

    def test_another_plan(self):
        self.succeeds(*self.classify())
        # As if the same model had been planned otherwise when these features were decrypted.
        with sqlite3.connect(self.cache) as file:
            file.execute("UPDATE origins SET plan = zeroblob(32)")
        file.close()
        self.assertEqual(self.prints_json(*self.classify(out="again.csv"))["cached"], 0)

    def test_other_keys_of_the_same_model_may_go_on_with_a_named_file(self):
        self.succeeds(*self.classify(cache="shared.cache"))
        self.succeeds("keygen", "--server", self.server.url, "--keys", "fresh")
        out = self.prints_json(*self.classify(keys="fresh", cache="shared.cache", out="again.csv"))
        self.assertEqual(out["cached"], ROWS)

    def test_new_keys_in_the_place_of_old_ones_begin_with_an_empty_cache(self):
        self.succeeds(*self.classify())
        write(self.cache + "-journal", b"")  # as a killed process may leave it
        self.succeeds("keygen", "--server", self.server.url, "--keys", "keys", "--force")
        self.assertEqual(sorted(os.listdir(self.path("keys"))),
                         ["evaluation.keys", "keys.json", "plan.json", "public.key", "secret.key"])
        self.assertEqual(self.prints_json(*self.classify(out="again.csv"))["cached"], 0)


class FileTest(ResumeTest):
    def everything(self):
        """Every file that the client could have written to; ledgers of seeds and halves of batches are the
        server's."""
        found = {}
        for top in (self.folder, self.caches, self.shared):
            for folder, _, names in os.walk(top):
                if os.path.basename(folder) == "batches":
                    continue
                found.update({os.path.join(folder, name): read(os.path.join(folder, name)) for name in names
                              if not name.endswith(".seeds")})
        return found

    def test_no_cache_leaves_nothing_behind_and_reads_nothing(self):
        os.mkdir(self.path("tmp"))
        env = {**os.environ, "TMPDIR": self.path("tmp"), "HOME": self.path("tmp")}
        self.put("train.csv", csv_of(rows_of(40, 4)))
        before = self.everything()
        self.succeeds(*self.classify(no_cache=True), env=env)
        self.succeeds(*self.fit(keys="keys", data="train.csv", kind="linear", no_cache=True), env=env)
        self.succeeds("evaluate", "--source", self.train, "--target", "train.csv", "--folds", "2", "--epochs", "2",
                      "--no-cache", env=env)
        after = self.everything()
        self.assertEqual(set(after) - set(before), {self.path("scores.csv"), self.path("head.onnx")})
        for path in before:
            self.assertEqual(before[path], after[path], path)
        self.assertEqual(os.listdir(self.path("tmp")), [])
        # A cache that is there is neither read nor written.
        self.succeeds(*self.classify(out="two.csv"))
        kept = read(self.cache)
        out = self.prints_json(*self.classify(out="three.csv", no_cache=True))
        self.assertEqual(out["cached"], 0)
        self.assertEqual(read(self.cache), kept)

    def test_the_file_is_the_owners_alone_under_every_mask(self):
        for mask in (0o000, 0o777):
            before = os.umask(mask)
            try:
                self.succeeds("cache", "keys", "--clear") if os.path.exists(self.cache) else None
                result = subprocess.run([CLIENT, *self.predict(keys=self.path("keys"), out=self.path(f"{mask}.csv"))],
                                        capture_output=True, text=True, check=False, timeout=300)
            finally:
                os.umask(before)
            self.assertEqual(result.returncode, DONE, result.stderr)
            self.assert_private()

    def test_files_that_are_refused(self):
        self.put("thesis.txt", "years of work")
        os.chmod(self.path("thesis.txt"), 0o600)
        self.refuses(MALFORMED, *self.classify(cache="thesis.txt"), says=["thesis.txt", "no feature cache"])
        self.refuses(MALFORMED, "cache", "thesis.txt", "--clear", says="thesis.txt")
        self.refuses(USAGE, *self.classify(cache="keys"), says="keys")
        self.refuses(FAILED, *self.classify(cache="missing/file"), says="missing")
        self.succeeds(*self.classify())
        os.remove(self.path("scores.csv"))
        os.chmod(self.cache, 0o644)
        self.refuses(INSECURE, *self.classify(), says=["features.cache", "chmod 600"])
        os.chmod(self.cache, 0o400)
        self.refuses(USAGE, *self.classify(), says="read-only")
        os.chmod(self.cache, 0o600)
        content = read(self.cache)
        write(self.cache, content[:len(content) // 2])
        self.refuses(MALFORMED, *self.classify(), says=["damaged", "--clear", "--no-cache"])
        write(self.cache, content)
        with sqlite3.connect(self.cache) as file:
            file.execute("PRAGMA user_version = 7")
        file.close()
        self.refuses(MALFORMED, *self.classify(), says="version 7")
        self.refuses(MALFORMED, "inspect", "keys/features.cache", says="version 7")
        self.succeeds("cache", "keys", "--clear")
        self.assertFalse(os.path.exists(self.cache))
        self.refuses(FAILED, "cache", "keys", says="features.cache")
        self.succeeds(*self.classify())

    def test_both_options_at_once_are_a_usage_error(self):
        result = self.run_client(*self.classify(cache="one.cache", no_cache=True))
        self.assertEqual(result.returncode, USAGE)

    def test_a_damaged_row_is_asked_for_again(self):
        self.succeeds(*self.classify())
        with sqlite3.connect(self.cache) as file:
            file.execute("UPDATE features SET features = zeroblob(length(features)) WHERE id IN (3, 4)")
        file.close()
        result = self.succeeds(*self.classify(out="again.csv"), "--json")
        self.assertIn("2 rows of", result.stderr)
        self.assertIn(f'"cached":{ROWS - 2}', result.stdout)
        self.assert_same_scores("scores.csv", "again.csv")
        self.assertEqual(self.prints_json(*self.classify(out="third.csv"))["cached"], ROWS)

    def test_cache_and_inspect_say_what_is_there(self):
        self.succeeds(*self.classify())
        for verb, path in (("cache", "keys"), ("cache", "keys/features.cache"), ("inspect", "keys/features.cache")):
            out = self.prints_json(verb, path)
            self.assertEqual((out["kind"], out["rows"], out["flagged_rows"]), ("feature cache", ROWS, 0))
            self.assertEqual(out["bytes"], os.path.getsize(self.cache))
            self.assertEqual([model["rows"] for model in out["models"]], [ROWS])
        self.assertIn(f"{ROWS} rows", self.succeeds("cache", "keys").stdout)

    def test_the_size_has_a_limit(self):
        out = self.succeeds(*self.classify(cache_limit="200KB"), "--json")
        self.assertIn("full", out.stderr)
        self.assertLessEqual(os.path.getsize(self.cache), 200 * 1024)
        self.assertEqual(len(scores_of(self.path("scores.csv"))), ROWS)

    def test_two_clients_at_once(self):
        clients = [self.start(*self.classify(out=f"{number}.csv")) for number in range(2)]
        for client in clients:
            _, errors = client.communicate(timeout=120)
            self.assertEqual(client.returncode, DONE, errors)
            self.assertNotIn("warning", errors)
        self.assertEqual(self.cached_rows(), ROWS)
        self.assert_same_scores("0.csv", "1.csv")

    def test_what_came_from_the_cache_is_said(self):
        self.succeeds(*self.classify(data=self.new, out="some.csv"))
        self.put("more.csv", csv_of(rows_of(10, 3) + rows_of(700, 8), labels=None))
        out = self.succeeds(*self.classify(data="more.csv", out="more-scores.csv"))
        self.assertIn("(10 from the cache)", out.stdout)
        if "[" in out.stderr:  # the bar, where the passes took long enough for one
            self.assertRegex(out.stderr, r"passes \(10 from cache\) +\[[#.]+\] \d+/700 ")


class EvaluateTest(ProgramTest):
    """An evaluation has no key folder: it keeps its features for its user until it is done."""

    def setUp(self):
        super().setUp()
        self.put("source.csv", csv_of(rows_of(60, 1)))
        self.put("target.csv", csv_of(rows_of(400, 2)))
        self.command = ["evaluate", "--source", "source.csv", "--target", "target.csv", "--folds", "2", "--epochs", "2",
                        "--mode", "latency"]
        self.cache = os.path.join(self.caches, "cryptotl", "evaluate.cache")

    def test_goes_on_after_a_kill_and_forgets_once_it_is_done(self):
        client = self.start(*self.command)
        self.addCleanup(client.communicate)
        self.addCleanup(client.kill)
        for _ in range(1200):
            if os.path.exists(self.cache) and os.path.getsize(self.cache) > 40_000:
                break
            time.sleep(0.05)
        client.kill()
        client.wait()
        kept = self.prints_json("cache", self.cache)["rows"]
        self.assertGreater(kept, 0)
        self.assertEqual(os.stat(os.path.dirname(self.cache)).st_mode & 0o777, 0o700)
        self.assertEqual(os.stat(self.cache).st_mode & 0o777, 0o600)
        out = self.prints_json(*self.command)
        self.assertEqual(out["cached"], kept)
        self.assertEqual(len(out["latency_ms"]), 400 - kept)
        self.assertLessEqual(out["max_feature_error"], out["predicted_error"])
        self.assertEqual(self.prints_json("cache", self.cache)["rows"], 0)
        self.assertEqual(self.prints_json(*self.command)["cached"], 0)

    def test_a_named_file_is_kept(self):
        self.put("target.csv", csv_of(rows_of(40, 2)))
        named = [*self.command, "--cache", "mine.cache", "--report", "report.html", "--force"]
        first = self.prints_json(*named)
        second = self.prints_json(*named)
        self.assertEqual((first["cached"], second["cached"]), (0, 40))
        self.assertIsNone(second["ms_per_pass"])
        self.assertEqual(first["rows"], second["rows"])
        self.assertEqual(first["max_feature_error"], second["max_feature_error"])
        self.assertIn("all 40 rows came from the cache", self.succeeds(*named).stdout)
        self.assertIn("rows from the cache", read(self.path("report.html")).decode())
        self.assertFalse(os.path.exists(self.cache))

    def test_a_cache_that_cannot_be_used_is_refused_before_the_work(self):
        self.put("thesis.txt", "years of work")
        os.chmod(self.path("thesis.txt"), 0o600)
        began = time.monotonic()
        self.refuses(MALFORMED, *self.command, "--cache", "thesis.txt", says="thesis.txt")
        self.assertLess(time.monotonic() - began, 5)


if __name__ == "__main__":
    unittest.main()

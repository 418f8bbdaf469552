"""A device that encrypts for the owner of a key, and the owner: who can do what, and what is refused."""

import os
import shutil
import signal
import time
import unittest

from programs import (COLUMNS, DONE, FAILED, INSECURE, MALFORMED, USAGE, Proxy, ServedTest, Server, csv_of, read,
                      rows_of, write)


class EncryptTest(ServedTest):
    def setUp(self):
        super().setUp()
        for name in ("public.key", "plan.json"):
            shutil.copy(os.path.join(self.keys, name), self.path(name))

    def encrypt(self, **changes):
        """The arguments of an encrypt that would work, on a device that has its two files and the data alone."""
        return self._arguments("encrypt", changes, plan="plan.json", public="public.key", data=self.new,
                               out="inputs.ctl")

    def score(self, **changes):
        return self.predict(data=None, encrypted="inputs.ctl", **changes)

    def scores(self, name):
        with open(self.path(name), encoding="utf-8") as file:
            return [(label, float(score)) for _, label, score in (line.strip().split(",") for line in list(file)[1:])]


class DeviceTest(EncryptTest):
    def test_needs_neither_the_key_folder_nor_the_server(self):
        away = self.keys + ".away"
        os.rename(self.keys, away)
        try:
            made = self.prints_json(*self.encrypt())
        finally:
            os.rename(away, self.keys)
        self.assertEqual(made["rows"], 10)
        manifest = self.prints_json("inspect", self.keys)["manifest"]
        self.assertEqual((made["key_id"], made["public_key_fingerprint"]), (manifest["key_id"], manifest["public_key"]))

    def test_leaves_a_secret_key_beside_it_alone(self):
        # A pipe without a writer: whoever opened it would wait for ever, and whoever read it would find nothing.
        os.mkfifo(self.path("secret.key"), 0)
        self.assertEqual(self.prints_json(*self.encrypt())["rows"], 10)
        os.remove(self.path("secret.key"))

    def test_asks_the_server_for_its_plan_as_well(self):
        self.assertEqual(self.prints_json(*self.encrypt(plan=None, server=self.server.url))["rows"], 10)

    def test_says_what_its_files_are(self):
        self.succeeds(*self.encrypt())
        inputs = self.prints_json("inspect", "inputs.ctl")
        public = self.prints_json("inspect", "public.key")
        plan = self.prints_json("inspect", "plan.json")
        self.assertEqual([x["kind"] for x in (inputs, public, plan)], ["encrypted inputs", "public key", "plan"])
        self.assertEqual(inputs["inputs"], 10)
        self.assertEqual(inputs["public_key_fingerprint"], public["fingerprint"])
        self.assertEqual(inputs["plan_digest"], plan["plan_digest"])

    def test_warns_of_clipped_values_and_keeps_that_to_itself(self):
        rows = rows_of(10, 3)
        rows[4][2] = 1e6
        self.put("wild.csv", csv_of(rows, labels=None))
        wild = self.succeeds(*self.encrypt(data="wild.csv"))
        self.assertIn("in 1 row: 5", wild.stderr)
        size = os.path.getsize(self.path("inputs.ctl"))
        self.succeeds(*self.encrypt(), "--force")
        self.assertEqual(os.path.getsize(self.path("inputs.ctl")), size)

    def test_refuses_a_secret_key(self):
        shutil.copy(os.path.join(self.keys, "secret.key"), self.path("secret.key"))
        self.refuses(INSECURE, *self.encrypt(public="secret.key"), says=["secret.key", "public.key"])

    def test_refuses_what_does_not_fit(self):
        self.refuses(USAGE, *self.encrypt(plan=None), says=["--server", "--plan"])
        result = self.run_client(*self.encrypt(server=self.server.url))
        self.assertEqual(result.returncode, USAGE)
        self.refuses(FAILED, *self.encrypt(public="missing.key"), says="missing.key")
        self.refuses(FAILED, *self.encrypt(plan="missing.json"), says="missing.json")
        self.refuses(MALFORMED, *self.encrypt(public="plan.json"), says="plan.json")
        self.refuses(MALFORMED, *self.encrypt(plan="public.key"), says="public.key")
        self.refuses(MALFORMED, *self.encrypt(embedder="all-mpnet-base-v2"), says="all-mpnet-base-v2")
        self.put("wide.csv", csv_of(rows_of(5, 1, columns=COLUMNS + 2), labels=None))
        self.refuses(MALFORMED, *self.encrypt(data="wide.csv"), says=["18", "16"])
        self.put("inputs.ctl", "mine")
        self.refuses(USAGE, *self.encrypt(), says="--force")
        self.refuses(USAGE, *self.encrypt(out="missing/inputs.ctl"), says="missing")

    def test_refuses_damaged_files(self):
        for name in ("public.key", "plan.json"):
            right = read(self.path(name))
            middle = len(right) // 2
            for content in (b"", right[:10], right[:middle], right[:-2], right + b"x",
                            right[:middle] + bytes([right[middle] ^ 1]) + right[middle + 1:]):
                write(self.path(name), content)
                self.refuses(MALFORMED, *self.encrypt(), says=name)
            write(self.path(name), right)

    def test_leaves_nothing_where_a_signal_ends_it(self):
        self.put("many.csv", csv_of(rows_of(5000, 3), labels=None))
        before = self.files()
        for number in (signal.SIGINT, signal.SIGTERM):
            process = self.start(*self.encrypt(data="many.csv"))
            while not any(name.startswith(".inputs.ctl") for name in os.listdir(self.folder)):
                self.assertIsNone(process.poll())
                time.sleep(0.02)
            process.send_signal(number)
            process.communicate(timeout=60)
            self.assertEqual(process.returncode, -number)
            self.assertEqual(self.files(), before)
            self.assertEqual(sorted(os.listdir(self.folder)), sorted(before))


class OwnerTest(EncryptTest):
    def test_scores_what_a_device_encrypted_as_its_own_data(self):
        self.succeeds(*self.encrypt())
        with Proxy(self.server.port) as proxy:
            out = self.prints_json(*self.score(server=proxy.url))
            sent = proxy.sent
            self.assertEqual(len(proxy.requests()), 10)
        self.assertEqual(out["rows"], 10)
        own = self.prints_json(*self.predict(out="own.csv"))
        for (label, score), (own_label, own_score) in zip(self.scores("scores.csv"), self.scores("own.csv"), strict=True):
            self.assertEqual(label, own_label)
            self.assertLessEqual(abs(score - own_score), out["score_bound"] + own["score_bound"])
        # The server never sees the public key: neither its seed nor its first residues.
        public = read(self.path("public.key"))
        self.assertNotIn(public[104:136], sent)
        self.assertNotIn(public[136:168], sent)

    def test_goes_on_where_it_was(self):
        self.succeeds(*self.encrypt())
        self.succeeds(*self.score())
        with Proxy(self.server.port) as proxy:
            out = self.prints_json(*self.score(server=proxy.url, out="again.csv"))
            self.assertEqual((out["cached"], len(proxy.requests())), (10, 0))
            self.assertEqual(read(self.path("scores.csv")), read(self.path("again.csv")))
            # The same rows in other ciphertexts are other inputs.
            self.succeeds(*self.encrypt(), "--force")
            out = self.prints_json(*self.score(server=proxy.url, out="third.csv"))
            self.assertEqual((out["cached"], len(proxy.requests())), (0, 10))
            out = self.prints_json(*self.score(server=proxy.url, no_cache=True, out="fourth.csv"))
            self.assertEqual((out["cached"], len(proxy.requests())), (0, 20))

    def test_fits_a_head_with_labels_of_its_own(self):
        self.succeeds(*self.encrypt(data=self.train, label=str(COLUMNS + 1)))
        self.put("labels.txt", "ham\nspam\n" * 20)
        fitted = self.prints_json(*self.fit(data=None, encrypted="inputs.ctl", labels="labels.txt", kind="linear"))
        self.assertEqual((fitted["rows"], fitted["labels"]), (40, ["ham", "spam"]))
        own = self.prints_json(*self.fit(kind="linear", head="own.onnx"))
        self.assertEqual(fitted["kind"], own["kind"])
        self.succeeds(*self.encrypt(), "--force")
        for head in ("head.onnx", "own.onnx"):
            self.succeeds(*self.score(head=head, out=head + ".csv"))
        for (label, score), (own_label, own_score) in zip(self.scores("head.onnx.csv"), self.scores("own.onnx.csv"),
                                                          strict=True):
            self.assertEqual(label, own_label)
            self.assertAlmostEqual(score, own_score, delta=1e-3)

    def test_of_another_key_is_told_so(self):
        self.succeeds(*self.encrypt())
        self.succeeds("keygen", "--server", self.server.url, "--keys", "other")
        ids = [self.prints_json("inspect", keys)["manifest"]["key_id"] for keys in (self.keys, "other")]
        self.refuses(MALFORMED, *self.score(keys="other"), says=["inputs.ctl", *ids])

    def test_of_another_public_key_under_its_id_is_warned(self):
        self.succeeds(*self.encrypt())
        self.succeeds("keygen", "--server", self.server.url, "--keys", "other")
        # The header of a file proves nothing: somebody gives theirs our key id.
        inputs, own = bytearray(read(self.path("inputs.ctl"))), read(self.path("public.key"))
        inputs[56:72] = own[56:72]
        inputs[168:200] = bytes(32)
        write(self.path("inputs.ctl"), bytes(inputs))
        self.refuses(INSECURE, *self.score(), says=["inputs.ctl", "fingerprint"])

    def test_refuses_inputs_for_another_model(self):
        self.succeeds("pretrain", "--data", self.train, "--model", "model", "--epochs", "1")
        with Server(self.path("model"), self.path("store")) as other:
            self.succeeds(*self.encrypt(plan=None, server=other.url))
        self.refuses(MALFORMED, *self.score(), says=["inputs.ctl", "model"])

    def test_refuses_damaged_inputs(self):
        self.succeeds(*self.encrypt())
        right = read(self.path("inputs.ctl"))
        middle = len(right) // 2
        for content in (b"", right[:10], right[:300], right[:middle], right[:-1], right + b"x",
                        right[:middle] + bytes([right[middle] ^ 1]) + right[middle + 1:]):
            write(self.path("inputs.ctl"), content)
            self.refuses(MALFORMED, *self.score(), says="inputs.ctl")

    def test_refuses_what_encrypted_inputs_cannot_do(self):
        self.succeeds(*self.encrypt(data=self.train, label=str(COLUMNS + 1)))
        fit = lambda **changes: self.fit(data=None, encrypted="inputs.ctl", **changes)
        self.put("labels.txt", "ham\nspam\n" * 19)
        for kind in (None, "auto", "combined", "local"):
            self.refuses(USAGE, *fit(labels="labels.txt", kind=kind), says=["inputs.ctl", "paper or linear"])
        self.refuses(USAGE, *fit(kind="linear"), says="--labels")
        self.refuses(MALFORMED, *fit(kind="linear", labels="labels.txt"), says=["38 labels", "40 rows"])
        self.succeeds(*self.fit(kind="combined", head="combined.onnx"))
        self.refuses(USAGE, *self.score(head="combined.onnx"), says=["inputs.ctl", "combined"])
        self.refuses(USAGE, *self.predict(data=None), says=["--data", "--encrypted"])
        self.assertEqual(self.run_client(*self.predict(encrypted="inputs.ctl")).returncode, USAGE)
        self.assertEqual(self.run_client("predict", "--help").returncode, DONE)


if __name__ == "__main__":
    unittest.main()

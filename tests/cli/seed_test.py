"""A seed makes splits and training repeatable and never touches the cryptography."""

import unittest

from programs import USAGE, Proxy, ServedTest, read


class SeedTest(ServedTest):
    def test_the_same_seed_gives_the_same_model(self):
        for name, seed in (("one", "5"), ("two", "5"), ("three", "6")):
            self.succeeds("pretrain", "--data", self.train, "--model", name, "--seed", seed, "--epochs", "3")
        files = self.files()
        for name in ("lower.onnx", "manifest.json"):
            self.assertEqual(files[f"one/{name}"], files[f"two/{name}"])
            self.assertNotEqual(files[f"one/{name}"], files[f"three/{name}"])

    def test_the_same_seed_gives_the_same_head_in_plain(self):
        for name in ("one", "two"):
            self.succeeds(*self.fit(server=None, keys=None, kind="local", head=name, seed="5"))
        self.assertEqual(read(self.path("one")), read(self.path("two")))

    def test_keys_are_fresh_every_time(self):
        for name in ("one", "two"):
            self.succeeds("keygen", "--server", self.server.url, "--keys", name)
        files = self.files()
        for name in ("secret.key", "evaluation.keys"):
            self.assertNotEqual(files[f"one/{name}"], files[f"two/{name}"])
        # No seed can be given for them.
        seeded = self.run_client("keygen", "--server", self.server.url, "--keys", "three", "--seed", "1")
        self.assertEqual(seeded.returncode, USAGE)

    def test_ciphertexts_are_fresh_every_time(self):
        requests = []
        for name in ("one", "two"):
            with Proxy(self.server.port) as proxy:
                self.succeeds(*self.fit(server=proxy.url, kind="linear", head=name, seed="5", no_cache=True,
                                        mode="latency"))
                requests.append([request[-150_000:] for request in proxy.requests()])
        self.assertEqual([len(r) for r in requests], [40, 40])
        everything = requests[0] + requests[1]
        self.assertEqual(len(set(everything)), 80)
        # Not only the header differs: of two encryptions of one row most bytes do.
        for first, second in zip(*requests):
            same = sum(a == b for a, b in zip(first[-10_000:], second[-10_000:]))
            self.assertLess(same, 200)


if __name__ == "__main__":
    unittest.main()

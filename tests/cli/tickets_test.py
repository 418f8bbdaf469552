"""Seeds that are announced ahead: no seed ever stands for two messages, whoever is killed and whatever is copied."""

import hashlib
import http.client
import os
import re
import shutil
import threading
import unittest

from programs import Proxy, Server, ServedTest, csv_of, read, rows_of

ROWS = 30
HEADER_BYTES = 104
SEED = slice(HEADER_BYTES + 12, HEADER_BYTES + 12 + 32)


class Inference:
    """A request for inference as it went over the wire."""

    def __init__(self, text):
        head, body = text.split(b"\r\n\r\n", 1)
        number = lambda name: int(re.search(name + rb": (\d+)", head, re.IGNORECASE).group(1))
        self.json_bytes = number(rb"Inference-Header-Content-Length")
        self.body = body[:number(rb"\nContent-Length")]
        self.whole = len(self.body) == number(rb"\nContent-Length")

    @property
    def ciphertext(self):
        return self.body[self.json_bytes:]

    @property
    def seed(self):
        return self.ciphertext[SEED]

    def with_another_message(self):
        """The same seed with other residues, and a digest that is right."""
        ciphertext = bytearray(self.ciphertext)
        ciphertext[-20] ^= 1
        ciphertext[HEADER_BYTES - 32:HEADER_BYTES] = bytes(32)
        ciphertext[HEADER_BYTES - 32:HEADER_BYTES] = hashlib.blake2b(ciphertext, digest_size=32).digest()
        return self.body[:self.json_bytes] + bytes(ciphertext)

    def send(self, server, body):
        """Status and text of the answer where the body goes to the server."""
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        try:
            connection.request("POST", "/v2/models/cryptotl/infer", body,
                               {"Inference-Header-Content-Length": str(self.json_bytes)})
            answer = connection.getresponse()
            return answer.status, answer.read().decode(errors="replace")
        finally:
            connection.close()


def inferences(proxy):
    found = [Inference(text) for text in proxy.requests() if b"\r\n\r\n" in text]
    return [inference for inference in found if inference.whole]


def records(path):
    """What a ledger holds: pairs of the first halves of a seed's digest and of its request's."""
    content = read(path)
    assert content[:8] == b"CTTLSEED"
    whole = (len(content) - 48) // 40
    return [(content[at:at + 16], content[at + 16:at + 32]) for at in range(48, 48 + 40 * whole, 40)]


class TicketsTest(ServedTest):
    """Every test has key and store folders of its own, and a server that may come back at another port."""

    def setUp(self):
        super().setUp()
        shutil.copytree(self.keys, self.path("keys"), ignore=shutil.ignore_patterns("features.cache*"))
        shutil.copytree(os.path.join(self.shared, "store"), self.path("store"))
        self.put("new.csv", csv_of(rows_of(ROWS, 3), labels=None))
        self.servers = [Server(self.model, self.path("store"))]
        self.addCleanup(lambda: self.servers[-1].stop())

    def classify(self, proxy, **changes):
        return self.predict(**{"server": proxy.url, "keys": "keys", "data": "new.csv", "mode": "latency",
                               **changes})

    def come_back(self, proxy):
        self.servers.append(Server(self.model, self.path("store")))
        proxy.port_behind = self.servers[-1].port

    def labels_of(self, path):
        with open(self.path(path), encoding="utf-8") as file:
            return [line.split(",")[1] for line in file][1:]

    def ledger(self):
        (name,) = [name for name in os.listdir(self.path("store")) if name.endswith(".seeds")]
        return records(os.path.join(self.path("store"), name))

    def assert_one_message_a_seed(self, sent):
        """Of all that was sent, and of all that the server noted."""
        messages = {}
        for inference in sent:
            messages.setdefault(inference.seed, set()).add(inference.ciphertext)
        self.assertEqual({len(ciphertexts) for ciphertexts in messages.values()}, {1})
        noted = self.ledger()
        self.assertEqual(len({seed for seed, _ in noted}), len(noted))
        # The ledger is of these seeds and requests; what a server was killed over it need not have noted.
        requests, found = dict(noted), 0
        for seed, (ciphertext,) in messages.items():
            fingerprint = hashlib.blake2b(seed, digest_size=32).digest()[:16]
            if fingerprint in requests:
                self.assertEqual(requests[fingerprint], ciphertext[HEADER_BYTES - 32:HEADER_BYTES - 16])
                found += 1
        self.assertGreaterEqual(found, len(messages) - 10)

    def test_no_seed_stands_for_two_messages_when_either_side_is_killed_at_any_step(self):
        sent, seen = [], {}
        with Proxy(self.servers[0].port) as proxy:
            self.succeeds(*self.classify(proxy, no_cache=True, out="plain.csv"))
            self.assertIn(Proxy.ANNOUNCEMENT, proxy.sent)
            sent += inferences(proxy)
        for step in (1, 2, 9, 17):
            with Proxy(self.servers[-1].port, lambda count, at=step: count == at and seen["client"].kill()) as proxy:
                seen["client"] = self.start(*self.classify(proxy))
                seen["client"].communicate()
                self.assertFalse(os.path.exists(self.path("scores.csv")))
                sent += inferences(proxy)
        with Proxy(self.servers[-1].port) as proxy:
            self.succeeds(*self.classify(proxy))
            sent += inferences(proxy)
        self.assertEqual(self.labels_of("scores.csv"), self.labels_of("plain.csv"))
        for step in (1, 8, 20):
            def kill(count, at=step):
                if count == at and not seen.get(at):
                    seen[at] = True
                    self.servers[-1].kill()
                    self.servers[-1].process.stdout.close()
                    threading.Timer(0.1, self.come_back, [proxy]).start()

            with Proxy(self.servers[-1].port, kill) as proxy:
                self.succeeds(*self.classify(proxy, no_cache=True, out=f"{step}.csv"))
                sent += inferences(proxy)
            self.assertEqual(self.labels_of(f"{step}.csv"), self.labels_of("plain.csv"))
        self.assertEqual(len(self.servers), 4)
        self.assert_one_message_a_seed(sent)

    def test_copied_key_folders_draw_seeds_of_their_own(self):
        before = self.ledger()
        shutil.copytree(self.path("keys"), self.path("copy"))
        self.put("other.csv", csv_of(rows_of(ROWS, 4), labels=None))
        with Proxy(self.servers[0].port) as proxy:
            one = self.start(*self.classify(proxy, no_cache=True, out="one.csv"))
            two = self.start(*self.classify(proxy, keys="copy", data="other.csv", no_cache=True, out="two.csv"))
            for client in (one, two):
                _, complaints = client.communicate()
                self.assertEqual(client.returncode, 0, complaints)
        # Both went through one recorder, which cannot tell their bytes apart; the ledger has all of them.
        noted = self.ledger()
        self.assertEqual(len(noted) - len(before), 2 * ROWS)
        self.assertEqual(len({seed for seed, _ in noted}), len(noted))

    def test_a_second_message_under_a_seed_is_refused_and_a_retry_is_not(self):
        with Proxy(self.servers[0].port) as proxy:
            self.succeeds(*self.classify(proxy))
            sent = inferences(proxy)
        noted = self.ledger()
        self.servers[-1].kill()
        self.servers[-1].process.stdout.close()
        self.servers.append(Server(self.model, self.path("store")))
        for inference in (sent[0], sent[ROWS // 2], sent[-1]):
            status, text = inference.send(self.servers[-1], inference.with_another_message())
            self.assertEqual(status, 409, text)
            self.assertIn("two under one seed tell the server their difference", text)
            self.assertIn("make new keys", text)
            self.assertEqual(inference.send(self.servers[-1], inference.body)[0], 200)
        self.assertEqual(self.ledger(), noted)
        self.assert_one_message_a_seed(sent)

    def test_nothing_is_announced_where_either_side_wants_no_tickets(self):
        with Proxy(self.servers[0].port) as proxy:
            out = self.prints_json(*self.classify(proxy, no_tickets=True))
            self.assertNotIn(Proxy.ANNOUNCEMENT, proxy.sent)
            self.assertEqual(out["prepared"], 0)
        with Server(self.model, self.path("store"), "--tickets", "0") as server, Proxy(server.port) as proxy:
            out = self.prints_json(*self.classify(proxy, no_cache=True, out="again.csv"))
            self.assertNotIn(Proxy.ANNOUNCEMENT, proxy.sent)
            self.assertEqual(out["prepared"], 0)
        self.assertEqual(self.labels_of("again.csv"), self.labels_of("scores.csv"))

    def test_no_seed_is_kept_in_any_file(self):
        with Proxy(self.servers[0].port) as proxy:
            self.succeeds(*self.classify(proxy))
            seeds = [inference.seed for inference in inferences(proxy)]
        for folder, _, names in os.walk(self.folder):
            for name in names:
                content = read(os.path.join(folder, name))
                self.assertFalse(any(seed in content for seed in seeds), name)


if __name__ == "__main__":
    unittest.main()

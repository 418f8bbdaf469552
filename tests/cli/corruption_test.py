"""Truncated and corrupted files, and keys of others: refused by every program that reads them."""

import os
import shutil
import subprocess
import unittest

from programs import DONE, FAILED, INSECURE, MALFORMED, SERVER, ServedTest, read, write


class CorruptionTest(ServedTest):
    def copy(self, path, name):
        if os.path.isdir(path):
            shutil.copytree(path, self.path(name))
        else:
            shutil.copy(path, self.path(name))
        return self.path(name)

    @staticmethod
    def serve(model):
        return subprocess.run([SERVER, "--model", model, "--listen", "127.0.0.1:0"], capture_output=True, text=True,
                              timeout=60, check=False)

    def damaged(self, path):
        """Puts damaged contents into the file, one after the other, and the right one in the end."""
        right = read(path)
        middle = len(right) // 2
        # The last byte of JSON may be a line feed that says nothing, so the last but one goes, too.
        for content in (b"", right[:10], right[:middle], right[:-2], right + b"x",
                        right[:middle] + bytes([right[middle] ^ 1]) + right[middle + 1:]):
            write(path, content)
            yield
        write(path, right)

    def test_models(self):
        for name in ("lower.onnx", "manifest.json"):
            model = self.copy(self.model, "model-" + name)
            for _ in self.damaged(os.path.join(model, name)):
                result = self.serve(model)
                self.assertEqual(result.returncode, MALFORMED, result.stderr)
                self.assertIn(name, result.stderr)
                self.refuses(MALFORMED, "inspect", model, says=name)

    def test_a_model_that_is_not_there(self):
        result = self.serve(self.path("missing"))
        self.assertEqual(result.returncode, FAILED)
        self.assertIn("missing", result.stderr)

    def test_heads(self):
        head = self.copy(self.head, "damaged.onnx")
        for _ in self.damaged(head):
            self.refuses(MALFORMED, *self.predict(head=head), says="damaged.onnx")

    def test_key_folders(self):
        for name in ("secret.key", "keys.json"):
            keys = self.copy(self.keys, "keys-" + name)
            for _ in self.damaged(os.path.join(keys, name)):
                self.refuses(MALFORMED, *self.fit(keys=keys), says=name)

    def test_evaluation_keys_are_looked_at_where_the_server_needs_them(self):
        self.succeeds("keygen", "--server", self.server.url, "--keys", "keys")
        stored = [os.path.join(self.shared, "store", name) for name in os.listdir(os.path.join(self.shared, "store"))]
        newest = max(stored, key=os.path.getmtime)
        evaluation = self.path("keys/evaluation.keys")
        os.remove(newest)
        for _ in self.damaged(evaluation):
            self.refuses(MALFORMED, *self.fit(keys="keys"), says="evaluation.keys")
        os.rename(evaluation, evaluation + ".away")
        self.refuses(FAILED, *self.fit(keys="keys"), says="evaluation.keys")
        os.rename(evaluation + ".away", evaluation)
        self.succeeds(*self.fit(keys="keys"))
        self.assertTrue(os.path.exists(newest))

    def test_another_secret_key(self):
        self.succeeds("keygen", "--server", self.server.url, "--keys", "other")
        keys = self.copy(self.keys, "mixed")
        shutil.copy(self.path("other/secret.key"), os.path.join(keys, "secret.key"))
        self.refuses(MALFORMED, *self.fit(keys=keys), says="secret.key")

    def test_a_secret_key_that_others_may_read(self):
        keys = self.copy(self.keys, "open")
        os.chmod(os.path.join(keys, "secret.key"), 0o644)
        self.refuses(INSECURE, *self.fit(keys=keys), says="secret.key")

    def test_no_keys_at_all(self):
        self.refuses(FAILED, *self.fit(keys="missing"), says="cryptotl keygen")

    def test_inspect_sees_a_wrong_length(self):
        path = self.copy(os.path.join(self.keys, "evaluation.keys"), "evaluation.keys")
        os.truncate(path, os.path.getsize(path) - 1)
        self.refuses(MALFORMED, "inspect", path, says="evaluation.keys")

    def test_keys_and_model_are_there_whole_and_private(self):
        # The fit that came before left its features there.
        self.assertEqual(sorted(os.listdir(self.keys)),
                         ["evaluation.keys", "features.cache", "keys.json", "plan.json", "public.key", "secret.key"])
        for name in ("features.cache", "secret.key"):
            self.assertEqual(os.stat(os.path.join(self.keys, name)).st_mode & 0o777, 0o600)
        self.assertEqual(os.stat(self.keys).st_mode & 0o777, 0o700)
        self.assertEqual(self.run_client("inspect", self.keys).returncode, DONE)


if __name__ == "__main__":
    unittest.main()

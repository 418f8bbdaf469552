"""Holds the engine to an independent implementation of its scheme, Microsoft SEAL (tenseal.sealapi).

Ciphertexts, plaintexts and keys pass both ways; decrypted values are compared, within bounds that follow from the
noise of each operation.

usage: seal_oracle.py PROGRAM   (PROGRAM is built from seal_oracle.cc)
"""

import array
import cmath
import json
import math
import pathlib
import random
import struct
import subprocess
import sys
import tempfile
import unittest

import tenseal.sealapi as seal
import zstandard

PROGRAM = sys.argv[1]


def bridge(*arguments):
    """Runs a command of the program; its standard output."""
    command = [PROGRAM, *map(str, arguments)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=300)
    if done.returncode != 0:
        raise AssertionError(f"{arguments}: {done.stderr}")
    return done.stdout


def save(thing, path):
    """Writes an object of SEAL uncompressed: sealapi's own save() always compresses."""
    thing.save(str(path))
    data = path.read_bytes()
    head, body = bytearray(data[:16]), data[16:]
    assert head[5] == 2, f"compression {head[5]}, where zstd (2) was meant"
    body = zstandard.ZstdDecompressor().decompressobj().decompress(body)
    head[5] = 0
    head[8:] = struct.pack("<Q", 16 + len(body))
    path.write_bytes(bytes(head) + body)


def write_values(path, values):
    flat = array.array("d")
    for value in values:
        flat.extend((value.real, value.imag))
    path.write_bytes(flat.tobytes())


def read_values(path):
    flat = array.array("d", path.read_bytes())
    return [complex(re, im) for re, im in zip(flat[0::2], flat[1::2])]


def largest_error(values, expected):
    return max(abs(a - b) for a, b in zip(values, expected, strict=True))


class SealOracle(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.path = pathlib.Path(cls.folder.name)
        cls.facts = json.loads(bridge("describe"))
        cls.scale = cls.facts["scale"]
        cls.n = cls.facts["n"]
        parameters = seal.EncryptionParameters(seal.SCHEME_TYPE.CKKS)
        parameters.set_poly_modulus_degree(cls.n)
        parameters.set_coeff_modulus([seal.Modulus(prime) for prime in cls.facts["primes"]])
        cls.context = seal.SEALContext(parameters, True, seal.SEC_LEVEL_TYPE.TC128)
        assert cls.context.parameters_set(), cls.context.parameters_error_message()
        cls.write_parms_ids()
        cls.encoder = seal.CKKSEncoder(cls.context)
        cls.evaluator = seal.Evaluator(cls.context)
        draw = random.Random(3)
        cls.x, cls.y = (
            [cmath.rect(draw.random(), draw.uniform(-math.pi, math.pi)) for _ in range(cls.n // 2)]
            for _ in range(2)
        )

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    @classmethod
    def write_parms_ids(cls):
        lines = []
        data = cls.context.key_context_data()
        while data:
            lines.append(" ".join(map(str, [len(data.parms().coeff_modulus()), *data.parms_id()])))
            data = data.next_context_data()
        cls.parms_ids = cls.path / "parms_ids"
        cls.parms_ids.write_text("\n".join(lines))

    def place(self, name):
        folder = self.path / f"{self.id().rsplit('.', 1)[-1]}-{name}"
        folder.mkdir()
        return folder

    def expected(self, operation):
        """Slots that `operation` gives in plain arithmetic, and the deviation of a component of its noise: x is encrypted
        with the secret key, y with the public one, no slot is longer than 1."""
        noise = {name: value / self.scale for name, value in self.facts["noise"].items()}
        fresh = math.hypot(noise["fresh"], noise["encoding"])
        public = math.hypot(noise["fresh_public"], noise["encoding"])
        product = math.hypot(fresh, public)
        # A product stands at scale^2, and a prime (30 bits) below that after its rescale.
        dropped = self.scale / 2**30
        switch = noise["key_switch"]
        x, y = self.x, self.y
        plain = noise["encoding"] * self.scale / self.facts["plaintext_scale"]
        xy = [a * b for a, b in zip(x, y)]
        table = {
            "same": (x, fresh),
            "public": (y, public),
            "add": ([a + b for a, b in zip(x, y)], product),
            "subtract": ([a - b for a, b in zip(x, y)], product),
            "negate": ([-a for a in x], fresh),
            "multiply_plain": (xy, math.hypot(fresh, plain)),
            "multiply": (xy, product),
            "relinearise": (xy, math.hypot(product, switch / self.scale)),
            "rescale": (xy, math.hypot(product, switch / self.scale, noise["rescale"] / dropped)),
            "conjugate": ([a.conjugate() for a in x], math.hypot(fresh, switch)),
        }
        for step in self.facts["steps"]:
            for name in ("rotate", "hoisted"):
                table[f"{name}{step}"] = (self.rotated(x, step), math.hypot(fresh, switch))
            low = math.hypot(product, (noise["rescale"] + switch) / dropped)
            table[f"low_rotate{step}"] = (self.rotated(xy, step), low)
        return table[operation]

    @staticmethod
    def rotated(values, steps):
        return values[steps:] + values[:steps]

    def operations(self):
        steps = self.facts["steps"]
        rotations = [f"{name}{step}" for name in ("rotate", "low_rotate") for step in steps]
        return ["same", "add", "subtract", "negate", "multiply_plain", "multiply", "relinearise", "rescale",
                "conjugate", *rotations]

    def assert_slots(self, operation, values, more=None):
        """Within twelve deviations, a slot's own where `more` adds some. In a slot a product of two small polynomials is
        one of two Gaussians, with tails like exp(-r): of 4096 slots one is beyond by chance in about 10^6 runs."""
        expected, deviation = self.expected(operation)
        errors = [abs(a - b) for a, b in zip(values, expected, strict=True)]
        deviations = [math.hypot(deviation, extra) for extra in more or [0] * len(errors)]
        self.assertLess(max(error / bound for error, bound in zip(errors, deviations)), 12, operation)
        self.assertGreater(max(errors), deviation / 100, f"{operation}: too good to have been encrypted")
        self.assertLess(12 * deviation, 1e-6, operation)

    def mean_of_seals_digits(self):
        """SEAL's digits are not centred: each adds its mean, q/2 (1 + X + ... + X^(N-1)), times the key's error. In the
        slot of root z that sum is 2 / (1 - z), far above the rest where z is near 1."""
        fresh = self.facts["noise"]["fresh"] / self.scale
        digits = len(self.facts["primes"]) - 1
        roots = (cmath.exp(1j * math.pi * pow(3, k, 2 * self.n) / self.n) for k in range(self.n // 2))
        return [math.sqrt(digits) * fresh / abs(1 - root) for root in roots]

    # What SEAL holds and does.

    def seal_keys(self, folder):
        generator = seal.KeyGenerator(self.context)
        keys = seal.PublicKey(), seal.RelinKeys(), seal.GaloisKeys()
        generator.create_public_key(keys[0])
        generator.create_relin_keys(keys[1])
        conjugation = 2 * self.n - 1
        elements = [pow(3, step, 2 * self.n) for step in self.facts["steps"]]
        generator.create_galois_keys([*elements, conjugation], keys[2])
        secret = generator.secret_key()
        for name, key in zip(("secret", "public", "relin", "galois"), (secret, *keys)):
            save(key, folder / f"{name}.seal")
        return secret, *keys

    def seal_encode(self, values, scale):
        plain = seal.Plaintext()
        self.encoder.encode(values, scale, plain)
        return plain

    def seal_decrypt(self, secret, ciphertext):
        plain = seal.Plaintext()
        seal.Decryptor(self.context, secret).decrypt(ciphertext, plain)
        return self.encoder.decode_complex(plain)

    def seal_load(self, kind, path):
        thing = kind()
        thing.load(self.context, str(path))
        return thing

    def seal_results(self, x, y, plain, relin, galois):
        """Each operation by SEAL."""
        evaluator = self.evaluator

        def result(operation, *arguments):
            out = seal.Ciphertext()
            operation(*arguments, out)
            return out

        product = result(evaluator.multiply, x, y)
        relinearised = result(evaluator.relinearize, product, relin)
        rescaled = result(evaluator.rescale_to_next, relinearised)
        results = {
            "same": x,
            "add": result(evaluator.add, x, y),
            "subtract": result(evaluator.sub, x, y),
            "negate": result(evaluator.negate, x),
            "multiply_plain": result(evaluator.multiply_plain, x, plain),
            "multiply": product,
            "relinearise": relinearised,
            "rescale": rescaled,
            "conjugate": result(evaluator.complex_conjugate, x, galois),
        }
        for step in self.facts["steps"]:
            results[f"rotate{step}"] = result(evaluator.rotate_vector, x, step, galois)
            results[f"low_rotate{step}"] = result(evaluator.rotate_vector, rescaled, step, galois)
        return results

    def seal_side(self):
        """A folder with SEAL's keys, ciphertexts of x and y and a plaintext of y; SEAL's secret key."""
        folder = self.place("seal")
        secret, public, _, _ = self.seal_keys(folder)
        encryptor = seal.Encryptor(self.context, public, secret)
        x, y = seal.Ciphertext(), seal.Ciphertext()
        encryptor.encrypt_symmetric(self.seal_encode(self.x, self.scale), x)
        encryptor.encrypt(self.seal_encode(self.y, self.scale), y)
        save(x, folder / "x.seal")
        save(y, folder / "y.seal")
        save(self.seal_encode(self.y, self.facts["plaintext_scale"]), folder / "plain.seal")
        return folder, secret

    def our_side(self):
        """A folder with our keys, ciphertexts of x and y and a plaintext of y."""
        folder = self.place("ours")
        write_values(folder / "x.values", self.x)
        write_values(folder / "y.values", self.y)
        bridge("make", self.parms_ids, folder)
        return folder

    # The tests. Refusals and wrong keys first: they show that the rest could fail.

    def test_another_secret_key_decrypts_to_noise(self):
        ours = self.our_side()
        seals, wrong = self.seal_side()
        values = self.seal_decrypt(wrong, self.seal_load(seal.Ciphertext, ours / "x.seal"))
        self.assertGreater(largest_error(values, self.x), 1e3)
        bridge("decrypt", self.parms_ids, ours / "secret.key", seals / "x.seal")
        self.assertGreater(largest_error(read_values(seals / "x.values"), self.x), 1e3)

    def test_another_secrets_relinearisation_key_gives_noise(self):
        folder, secret = self.seal_side()
        other = self.place("other")
        self.seal_keys(other)
        (other / "relin.seal").rename(folder / "relin.seal")
        out = self.place("out")
        bridge("evaluate", self.parms_ids, folder, out)
        values = self.seal_decrypt(secret, self.seal_load(seal.Ciphertext, out / "relinearise.seal"))
        self.assertGreater(largest_error(values, self.expected("relinearise")[0]), 1e3)
        self.assert_slots("multiply", self.seal_decrypt(secret, self.seal_load(seal.Ciphertext, out / "multiply.seal")))

    def test_seal_encrypts_we_compute_with_its_keys_seal_decrypts(self):
        folder, secret = self.seal_side()
        out = self.place("out")
        bridge("evaluate", self.parms_ids, folder, out)
        hoisted = [f"hoisted{step}" for step in self.facts["steps"]]
        for operation in [*self.operations(), *hoisted]:
            with self.subTest(operation):
                ciphertext = self.seal_load(seal.Ciphertext, out / f"{operation}.seal")
                self.assert_slots(operation, self.seal_decrypt(secret, ciphertext))

    def test_seal_encrypts_we_decrypt_with_its_secret_key(self):
        folder, _ = self.seal_side()
        bridge("decrypt-with-seal-key", self.parms_ids, folder / "secret.seal", folder / "x.seal", folder / "y.seal")
        self.assert_slots("same", read_values(folder / "x.values"))
        self.assert_slots("public", read_values(folder / "y.values"))

    def test_we_encrypt_and_make_the_keys_seal_computes_we_decrypt(self):
        folder = self.our_side()
        results = self.seal_results(
            self.seal_load(seal.Ciphertext, folder / "x.seal"),
            self.seal_load(seal.Ciphertext, folder / "y.seal"),
            self.seal_load(seal.Plaintext, folder / "plain.seal"),
            self.seal_load(seal.RelinKeys, folder / "relin.seal"),
            self.seal_load(seal.GaloisKeys, folder / "galois.seal"),
        )
        self.assertEqual(set(results), set(self.operations()))
        out = self.place("out")
        for operation, ciphertext in results.items():
            save(ciphertext, out / f"{operation}.seal")
        bridge("decrypt", self.parms_ids, folder / "secret.key", *(out / f"{name}.seal" for name in results))
        more = self.mean_of_seals_digits()
        for operation in results:
            switched = operation == "conjugate" or operation.startswith("rotate")
            with self.subTest(operation):
                self.assert_slots(operation, read_values(out / f"{operation}.values"), more if switched else None)

    def test_we_encrypt_seal_decrypts_with_our_secret_key(self):
        folder = self.our_side()
        secret = self.seal_load(seal.SecretKey, folder / "secret.seal")
        self.assert_slots("same", self.seal_decrypt(secret, self.seal_load(seal.Ciphertext, folder / "x.seal")))
        self.assert_slots("public", self.seal_decrypt(secret, self.seal_load(seal.Ciphertext, folder / "y.seal")))

    def test_seal_encrypts_with_our_public_key_we_decrypt(self):
        folder = self.our_side()
        public = self.seal_load(seal.PublicKey, folder / "public.seal")
        ciphertext = seal.Ciphertext()
        seal.Encryptor(self.context, public).encrypt(self.seal_encode(self.y, self.scale), ciphertext)
        save(ciphertext, folder / "from_public.seal")
        bridge("decrypt", self.parms_ids, folder / "secret.key", folder / "from_public.seal")
        self.assert_slots("public", read_values(folder / "from_public.values"))

    def test_public_key_noise_is_what_the_formula_says_on_either_side(self):
        """SEAL for its own key, SEAL for ours, and we for ours: all round once, modulo the special prime."""
        ours = self.our_side()
        seals, _ = self.seal_side()
        public = self.seal_load(seal.PublicKey, ours / "public.seal")
        crossed = seal.Ciphertext()
        seal.Encryptor(self.context, public).encrypt(self.seal_encode(self.y, self.scale), crossed)
        save(crossed, ours / "crossed.seal")
        bridge("decrypt", self.parms_ids, ours / "secret.key", ours / "crossed.seal")
        bridge("decrypt-with-seal-key", self.parms_ids, seals / "secret.seal", seals / "y.seal")
        secret = self.seal_load(seal.SecretKey, ours / "secret.seal")
        measured = {
            "SEAL for SEAL": read_values(seals / "y.values"),
            "SEAL for us": read_values(ours / "crossed.values"),
            "we for us": self.seal_decrypt(secret, self.seal_load(seal.Ciphertext, ours / "y.seal")),
        }
        _, deviation = self.expected("public")
        for who, values in measured.items():
            with self.subTest(who):
                squares = sum(abs(a - b) ** 2 for a, b in zip(values, self.y, strict=True))
                self.assertAlmostEqual(math.sqrt(squares / self.n) / deviation, 1, delta=0.1)

    def test_our_plaintext_decodes_in_seal_to_the_rounding_of_its_coefficients(self):
        folder = self.our_side()
        values = self.encoder.decode_complex(self.seal_load(seal.Plaintext, folder / "plain.seal"))
        rounding = self.facts["noise"]["encoding"] / self.facts["plaintext_scale"]
        self.assertLess(largest_error(values, self.y), 7 * rounding)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])

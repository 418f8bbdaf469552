"""The network in OpenFHE's Python API: hoisted baby steps, giant steps summed before they are divided by P, plaintexts
encoded before, two products for the activation. Prints one JSON line."""

import argparse
import ctypes
import math
from importlib import metadata

import numpy as np
import openfhe

from workload import PACKINGS, Merged, Network, measure, milliseconds


def keep_freed_memory():
    """glibc would give it back to the system after every operation, which costs OpenFHE up to 200 ms a pass."""
    libc = ctypes.CDLL(None)
    for option, value in ((-3, 1 << 30), (-1, 2000000000), (-2, 64 << 20)):  # mmap threshold, trim threshold, top pad
        libc.mallopt(option, value)


def context_of(options):
    parameters = openfhe.CCParamsCKKSRNS()
    parameters.SetSecurityLevel(openfhe.SecurityLevel.HEStd_128_classic)
    parameters.SetRingDim(options.ring)
    parameters.SetMultiplicativeDepth(3)
    parameters.SetBatchSize(4096)
    parameters.SetFirstModSize(options.first)
    parameters.SetScalingModSize(options.scale)
    parameters.SetScalingTechnique(openfhe.ScalingTechnique.FIXEDMANUAL)
    parameters.SetKeySwitchTechnique(openfhe.KeySwitchTechnique.HYBRID)
    parameters.SetNumLargeDigits(options.digits)
    # For real numbers too: decoding would else take imaginary parts under the wrong scale, that of a product which was
    # not rescaled, for errors, and refuse the answer.
    parameters.SetCKKSDataType(openfhe.CKKSDataType.COMPLEX)
    context = openfhe.GenCryptoContext(parameters)
    for feature in ("PKE", "KEYSWITCH", "LEVELEDSHE"):
        context.Enable(getattr(openfhe.PKESchemeFeature, feature))
    return context


class Server:
    """The network as plaintexts. The last product is not rescaled: it has to fit under the first prime, so its
    plaintexts are made smaller by 2^shrink, and the client multiplies by that."""

    def __init__(self, context, packing, merged, options):
        self.context, self.packing = context, packing
        self.babies = options.babies
        encode = context.MakeCKKSPackedPlaintext
        # With the scale kept fixed a rescale is taken to divide by the scale and divides by a prime near it. What that
        # changes is put right in the constants: else the errors are ten times as large.
        moduli = [encode(packing.first_bias, 1, level).GetElementModulus() for level in range(4)]
        v_off, square_off, cube_off = (2.0 ** options.scale / (moduli[i] // moduli[i + 1]) for i in range(3))
        self.alpha = merged.alpha * square_off
        self.shift = merged.shift * square_off * cube_off
        last = 2.0 ** -options.shrink
        self.first = self.shifted(packing.first / v_off, self.babies[0], 0)
        self.second = self.shifted(packing.second * (last / (square_off * cube_off)), self.babies[1], 3)
        self.first_bias = encode(packing.first_bias, 1, 1)
        self.second_bias = encode(packing.second_bias * last, 2, 3)
        packing.first = packing.second = None  # encoded by now
        self.conjugation = self.zero = None

    def shifted(self, diagonals, babies, level):
        """Each diagonal rotated back by its giant step, which comes after the product."""
        out = []
        for r, diagonal in enumerate(diagonals):
            giant = r // babies * babies
            out.append(self.context.MakeCKKSPackedPlaintext(np.roll(diagonal, giant), 1, level))
        return out

    def rotations(self):
        found = set(self.packing.folds[0] + self.packing.folds[1])
        for diagonals, babies in ((self.first, self.babies[0]), (self.second, self.babies[1])):
            found |= {*range(1, babies), *range(babies, len(diagonals), babies)}
        return sorted(found)

    def product(self, ciphertext, diagonals, babies):
        context = self.context
        digits = context.EvalFastRotationPrecompute(ciphertext)
        rotated = [ciphertext] + [context.EvalFastRotation(ciphertext, j, digits) for j in range(1, babies)]
        own, rest = None, None
        for giant in range(0, len(diagonals), babies):
            part = context.EvalMult(rotated[0], diagonals[giant])
            for j in range(1, babies):
                context.EvalAddInPlace(part, context.EvalMult(rotated[j], diagonals[giant + j]))
            if giant == 0:
                own = part
                continue
            turned = context.EvalFastRotationExt(part, giant, context.EvalFastRotationPrecompute(part), True)
            if rest is None:
                rest = turned
            else:
                context.EvalAddInPlace(rest, turned)
        context.EvalAddInPlace(own, context.KeySwitchDown(rest))
        return own

    def fold(self, ciphertext, rotations):
        for rotation in rotations:
            self.context.EvalAddInPlace(ciphertext, self.context.EvalRotate(ciphertext, rotation))

    def answer(self, request):
        context = self.context
        # One that was read carries ring parameters of its own, which makes every product five times slower; a sum has
        # those of its left side.
        ciphertext = self.zero.Clone()
        context.EvalAddInPlace(ciphertext, openfhe.DeserializeCiphertextString(request, openfhe.BINARY))
        v = context.Rescale(self.product(ciphertext, self.first, self.babies[0]))
        self.fold(v, self.packing.folds[0])
        if self.packing.conjugate:
            index = context.GetCyclotomicOrder() - 1
            context.EvalAddInPlace(v, context.EvalAutomorphism(v, index, self.conjugation))
        v = context.EvalAdd(v, self.first_bias)
        w = context.EvalAdd(context.Rescale(context.EvalSquare(v)), self.alpha)
        w = context.EvalAdd(context.Rescale(context.EvalMult(w, v)), self.shift)
        y = self.product(w, self.second, self.babies[1])
        self.fold(y, self.packing.folds[1])
        return openfhe.Serialize(context.EvalAdd(y, self.second_bias), openfhe.BINARY)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--network", required=True, help="folder of the network and its inputs")
    add("--passes", type=int, default=5, help="that are measured, after one to warm up")
    add("--packing", choices=PACKINGS, default="real", help="a number a slot; or two, CryptoTL's packing")
    add("--first", type=int, default=55, help="bits of the first prime")
    add("--scale", type=int, default=31, help="bits of the scale and the other primes")
    add("--shrink", type=int, default=5, help="log2 of what the last plaintexts are divided by")
    add("--digits", type=int, default=4, help="of hybrid key switching")
    add("--babies", type=lambda text: [int(part) for part in text.split(",")], default=[16, 16],
        help="steps of the two matrices")
    add("--ring", type=int, default=8192, help="degree")
    options = parser.parse_args()
    keep_freed_memory()

    network = Network(options.network)
    merged = Merged(network)
    packing = PACKINGS[options.packing](merged)
    context = context_of(options)
    server = Server(context, packing, merged, options)
    keys = context.KeyGen()

    def make_keys():
        context.EvalMultKeyGen(keys.secretKey)
        context.EvalRotateKeyGen(keys.secretKey, server.rotations())
        if packing.conjugate:
            server.conjugation = context.EvalAutomorphismKeyGen(keys.secretKey, [context.GetCyclotomicOrder() - 1])
    keygen, _ = milliseconds(make_keys)
    any_ciphertext = context.Encrypt(keys.publicKey, context.MakeCKKSPackedPlaintext(packing.first_bias))
    server.zero = context.EvalSub(any_ciphertext, any_ciphertext)
    key_bytes = (len(openfhe.SerializeEvalMultKeyString(openfhe.BINARY, "")) +
                 len(openfhe.SerializeEvalAutomorphismKeyString(openfhe.BINARY, "")))
    # Under one prime, decoding takes every scale for the context's: a product that was not rescaled is too large by it.
    unit = 2.0 ** (options.shrink - options.scale)

    def encrypt(x):
        plaintext = context.MakeCKKSPackedPlaintext(packing.pack(x))
        return openfhe.Serialize(context.Encrypt(keys.secretKey, plaintext), openfhe.BINARY)

    def decrypt(response):
        ciphertext = openfhe.DeserializeCiphertextString(response, openfhe.BINARY)
        return packing.unpack(context.Decrypt(ciphertext, keys.secretKey).GetCKKSPackedValueArray()) * unit

    log_q, steps = math.log2(float(context.GetModulus())), " and ".join(map(str, options.babies))
    measure(network, options.passes, encrypt, server.answer, decrypt, {
        "peer": "OpenFHE", "version": metadata.version("openfhe"), "keygen_ms": keygen, "key_bytes": key_bytes,
        "parameters": f"N = {context.GetRingDimension()}, log2 Q = {log_q:.0f}, first prime {options.first}, scale "
                      f"2^{options.scale}, {options.digits} digits, {steps} baby steps"})


main()

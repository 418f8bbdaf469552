"""What the drivers in Python share: the network, its packing into slots, the measured passes, the printed line."""

import ctypes
import json
import math
import os
import time

import numpy as np

SLOTS = 4096
INPUTS, OUTPUTS = 768, 766
SHAPES = {"w1": (768, 768), "b1": (768,), "w2": (766, 768), "b2": (766,), "activation": (4,), "inputs": (None, 768)}


def cubic(coefficients, u):
    a = coefficients
    return a[0] + u * (a[1] + u * (a[2] + u * a[3]))


class Network:
    """W2 p(W1 x + b1) + b2 with a cubic p."""

    def __init__(self, folder):
        for name, shape in SHAPES.items():
            array = np.load(os.path.join(folder, name + ".npy"))
            if array.dtype != np.float64 or any(want not in (None, got) for want, got in zip(shape, array.shape)):
                raise SystemExit(f"{folder}/{name}.npy: not float64 of shape {shape}")
            setattr(self, name, array)

    def plain(self, x):
        return self.w2 @ cubic(self.activation, self.w1 @ x + self.b1) + self.b2


class Merged:
    """The network as v = first (x - 1/2) + first_bias, w = (v^2 + alpha) v + shift, y = second w + second_bias.

    The activation then needs no product with a coefficient. Inputs about 0, and a w that is 0 where u is, keep what is
    rounded small: an encoded diagonal's rounding error is multiplied by them.
    """

    MIDDLE = 0.5

    def __init__(self, network):
        a = network.activation
        h = -a[2] / (3 * a[3])
        k = abs(a[3]) ** (1 / 3)
        sign = math.copysign(1, a[3])
        self.alpha = sign * (a[1] + h * (2 * a[2] + 3 * a[3] * h)) / k
        self.shift = sign * (cubic(a, h) - cubic(a, 0))
        self.first = k * network.w1
        self.first_bias = k * (network.b1 - h) + self.first @ np.full(INPUTS, self.MIDDLE)
        self.second = sign * network.w2
        self.second_bias = network.b2 + network.w2.sum(axis=1) * cubic(a, 0)


def in_every_block(bias):
    return np.tile(np.pad(bias, (0, 256)), 4)


class RealPacking:
    """One number a slot. Block b of 1024 slots holds the input shifted by 192 b: 192 diagonals and two folds. Output r
    stands at r + 768 b for b < 4, each summing a window of 256 slots: 256 diagonals and two folds."""

    conjugate = False  # whether the first product's real part is what is wanted, so that its conjugate is added
    folds = ([1024, 2048], [768, 1536])

    def __init__(self, merged):
        block, i = np.arange(4)[:, None], np.arange(768)
        self.first = np.zeros((192, SLOTS))
        for r in range(192):
            self.first[r, 1024 * block + i] = merged.first[i, (i + r + 192 * block) % 768]
        columns = np.pad(merged.second, ((0, 0), (0, 256)))
        j = np.arange(766)
        self.second = np.zeros((256, SLOTS))
        for r in range(256):
            self.second[r, 768 * block + j] = columns[j, (768 * block + j + r) % 1024]
        self.first_bias = in_every_block(merged.first_bias)
        self.second_bias = np.pad(merged.second_bias, (0, SLOTS - 766))

    @staticmethod
    def pack(x):
        return (x - Merged.MIDDLE)[(np.arange(1024) + 192 * np.arange(4)[:, None]) % 768].reshape(-1)

    @staticmethod
    def unpack(slots):
        return np.real(slots[:766])


class ComplexPacking:
    """CryptoTL's: two numbers a slot, which halves the diagonals. The input is paired as z = x[k] + i x[384 + k], and
    block b of 1024 slots holds it shifted by 96 b; the real part of the product with w[k] - i w[384 + k] is what the
    first layer gives: 96 diagonals, two folds and a conjugation. The outputs are paired as y[r] + i y[r + 383], at
    r + 384 b for b < 8, each summing a window of 128 slots: 128 diagonals and three folds."""

    conjugate = True
    folds = ([1024, 2048], [384, 768, 1536])

    def __init__(self, merged):
        block, i = np.arange(4)[:, None], np.arange(768)
        pairs = (merged.first[:, :384] - 1j * merged.first[:, 384:]) / 2
        self.first = np.zeros((96, SLOTS), dtype=complex)
        for r in range(96):
            self.first[r, 1024 * block + i] = pairs[i, (i + r + 96 * block) % 384]
        columns = np.pad(merged.second[:383] + 1j * merged.second[383:], ((0, 0), (0, 256)))
        block, j = np.arange(8)[:, None], np.arange(383)
        self.second = np.zeros((128, SLOTS), dtype=complex)
        for r in range(128):
            self.second[r, 384 * block + j] = columns[j, (384 * block + j + r) % 1024]
        self.first_bias = in_every_block(merged.first_bias).astype(complex)
        self.second_bias = np.pad(merged.second_bias[:383] + 1j * merged.second_bias[383:], (0, SLOTS - 383))

    @staticmethod
    def pack(x):
        z = x[:384] + 1j * x[384:] - Merged.MIDDLE * (1 + 1j)
        return z[(np.arange(1024) + 96 * np.arange(4)[:, None]) % 384].reshape(-1)

    @staticmethod
    def unpack(slots):
        return np.concatenate([np.real(slots[:383]), np.imag(slots[:383])])


PACKINGS = {"real": RealPacking, "complex": ComplexPacking}


def milliseconds(call):
    begin = time.perf_counter()
    result = call()
    return (time.perf_counter() - begin) * 1e3, result


def peak_memory(begin):
    """The most memory held since the last call with `begin`, in bytes."""
    if begin:
        ctypes.CDLL(None).malloc_trim(0)  # what set-up has freed is not part of serving
        with open("/proc/self/clear_refs", "w", encoding="ascii") as file:
            file.write("5")
        return 0
    with open("/proc/self/status", encoding="ascii") as file:
        return next(1024 * int(line.split()[1]) for line in file if line.startswith("VmHWM:"))


def measure(network, passes, encrypt, answer, decrypt, facts):
    """Runs the passes, the first one unmeasured, and prints the driver's line. Client and server exchange bytes."""
    times = {"server_ms": [], "encrypt_ms": [], "decrypt_ms": []}
    worst = 0.0
    peak_memory(True)
    for i in range(passes + 1):
        x = network.inputs[i % len(network.inputs)]
        encrypting, request = milliseconds(lambda: encrypt(x))
        answering, response = milliseconds(lambda: answer(request))
        decrypting, outputs = milliseconds(lambda: decrypt(response))
        worst = max(worst, float(np.abs(outputs - network.plain(x)).max()))
        if i:
            times["server_ms"].append(answering)
            times["encrypt_ms"].append(encrypting)
            times["decrypt_ms"].append(decrypting)
    print(json.dumps({**facts, **times, "request_bytes": len(request), "response_bytes": len(response),
                      "peak_rss_bytes": peak_memory(False), "max_abs_error": worst}))

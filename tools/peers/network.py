"""The network and the inputs that every system gets: a folder of NPY files, from a seed."""

import array
import math
import os
import random
import struct
import sys

INPUTS, HIDDEN, OUTPUTS, CALIBRATION = 768, 768, 766, 100
ACTIVATION = [0.49383, 0.59259, 0.092593, -0.0061728]


def write_npy(path, shape, values):
    """float64 in C order."""
    values = array.array("d", values)
    if sys.byteorder == "big":
        values.byteswap()
    header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {tuple(shape)}, }}"
    header += " " * (-(len(header) + 11) % 64) + "\n"
    with open(path + ".part", "wb") as file:
        file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + values.tobytes())
    os.replace(path + ".part", path)


def make(folder, rows, seed):
    """Weights and biases from N(0, 1/768), inputs uniform in [0, 1]; nothing where the folder has them already."""
    stamp, text = os.path.join(folder, "stamp"), f"version 1, seed {seed}, {rows} rows"
    try:
        with open(stamp, encoding="utf-8") as file:
            if file.read() == text:
                return
    except FileNotFoundError:
        pass
    os.makedirs(folder, exist_ok=True)
    source = random.Random(seed)
    deviation = 1 / math.sqrt(INPUTS)
    for name, shape in (("w1", (HIDDEN, INPUTS)), ("b1", (HIDDEN,)), ("w2", (OUTPUTS, HIDDEN)), ("b2", (OUTPUTS,))):
        write_npy(os.path.join(folder, name + ".npy"), shape,
                  (source.gauss(0, deviation) for _ in range(math.prod(shape))))
    for name, count in (("inputs", rows), ("calibration", CALIBRATION)):
        write_npy(os.path.join(folder, name + ".npy"), (count, INPUTS),
                  (source.random() for _ in range(count * INPUTS)))
    write_npy(os.path.join(folder, "activation.npy"), (len(ACTIVATION),), ACTIVATION)
    with open(stamp, "w", encoding="utf-8") as file:
        file.write(text)

"""What the authors' code does on one forward pass, for comparison. Measured once, not by this script.

The network is the paper's shape (768, 768, 766, cubic) with weights from N(0, 1/768) and inputs uniform in [0, 1], the
scheme CKKS with 128 bits, on one thread of a Zen 4 core with AVX-512. Their code was linked with SEAL 4.4.3.
"""

WHERE = "one thread of a Zen 4 core"
# name, ms least, ms median, encrypt ms, decrypt ms, keys MB, request KB, response KB, error least, error largest
FIGURES = [
    ("the authors' code, SEAL", 2978, 3180, 4.0, 0.7, 132, 459, 262, 7e-3, 3e-2),
    ("the authors' code, SEAL with HEXL", 1091, 1102, 2.4, 0.5, 132, 459, 262, 1e-2, 5e-2),
    ("the authors' code, accurate preset, HEXL", 3281, 3284, 5.6, 1.4, 264, 918, 524, 1.6e-9, 1.6e-9),
]
NAME, LEAST, MEDIAN, ENCRYPT, DECRYPT, KEYS, REQUEST, RESPONSE, ERROR_LOW, ERROR_HIGH = range(10)

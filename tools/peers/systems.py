"""The systems that are measured: what each one uses, and the settings it runs with.

Settings are the quickest of those tried that keep the largest error of an output below 2e-4 (CryptoTL's own are held to
1e-4) and 128 bits of security by the library's own bound or, where it has none, by log2 QP <= 218 at N = 8192.
"""

import os

HERE = os.path.dirname(os.path.abspath(__file__))
PYTHON_DRIVERS = os.path.join(HERE, "python")
LATTIGO, OPENFHE, TENSEAL = "lattigo", "openfhe", "tenseal"
COLD, PREPARED = "cryptotl-cold", "cryptotl-prepared"

MERGED = "activation as (v^2 + alpha) v, merged with the layers; inputs and hidden units shifted to be about 0"
PAIRED = "two numbers a slot, in blocks"


class Peer:
    """One library with one setting; `library` says what has to be installed for it."""

    def __init__(self, key, library, name, arguments, uses, slow=False):
        self.key, self.library, self.name, self.arguments, self.uses = key, library, name, arguments, uses
        self.slow = slow  # a pass takes half a minute


PEERS = [
    # Tried, one core with AVX-512 (ms a pass, largest error, keys). The last product unrescaled under one prime of 60
    # bits saves a prime; two numbers a slot halve the diagonals:
    #   one number a slot, primes 42,34,34,34,34 and 40, scale 2^34:  166, 3e-5, 169 MB
    #   one number a slot, primes 36,30,30,30,30 and 31,31:           159, 2e-3, 118 MB
    #   two numbers a slot, primes 42,34,34,34,34 and 40:             124, 6e-5, 114 MB
    #   two numbers a slot, primes 36,30,30,30,30 and 31,31:          113, 4e-3, 80 MB
    #   one number a slot, primes 60,34,34,34 and 56:                 128, 3e-3, 92 MB
    # (errors of those five before inputs and hidden units were shifted, which changes them little)
    #   two numbers a slot, primes 60,32,33,33 and 60, scale 2^32:     85, 7e-5, 76 MB   <- the quickest below 2e-4
    #   two numbers a slot, primes 52,29,29,29 and 39,40:              84, 2e-3, 46 MB   <- shown too: the least keys
    # Baby steps 16 and 16; 8 and 8: 109; 32 and 16: 87; 16 and 32: 86; 32 and 32: 89; 16 and 8: 89. Compiled for newer
    # processors (GOAMD64=v3): the same.
    Peer("lattigo", LATTIGO, "Lattigo, one special prime",
         ["--log-q", "60,32,33,33", "--log-p", "60", "--scale", "32", "--last-scale", "27", "--ratios", "2,2"],
         f"double-hoisted linear transformations, plaintexts encoded before; {PAIRED}; {MERGED}; last product not "
         "rescaled"),
    Peer("lattigo-two", LATTIGO, "Lattigo, two special primes",
         ["--log-q", "52,29,29,29", "--log-p", "39,40", "--scale", "29", "--last-scale", "22", "--ratios", "2,2"],
         "the same with digits of two primes: the least keys, at a larger error"),
    # Tried, the same core, processor time. The wheel's bound at N = 8192 takes the special prime for one of 60 bits and
    # lets the first one have 55; 2 digits need more special primes and are refused with scales of 2^28, five primes
    # with 2^32.
    #   two numbers a slot, first prime 55, scale 2^31, 4 digits:      145, 1e-4, 76 MB   <- the quickest
    #   the same with scale 2^33 and shrink 8:                         the same, 1e-4, one bit from overflowing
    #   the same, N = 16384, first prime 60, scale 2^34, 2 digits:     297, 7e-5; 1 digit: 325
    # With requests used as they were read back from bytes, by the clock:
    #   the first of these:                                            253
    #   two numbers a slot, five primes of 36 and 30 bits, 5 digits:   359, 4e-3, 114 MB
    #   one number a slot, the same primes:                            596, 4e-3, 138 MB
    # Baby steps 16 and 16; 8 and 8: 149; 16 and 8: 141, keys 94 MB; 12 and 16: 142, keys 89 MB; 32 and 16: 178; 16 and
    # 32: 162. Plaintexts modulo QP cannot be made from Python, so baby steps cannot be summed before they are divided
    # by P.
    Peer("openfhe", OPENFHE, "OpenFHE, its wheel for Python",
         ["--first", "55", "--scale", "31", "--shrink", "5", "--digits", "4", "--babies", "16,16"],
         f"hoisted baby steps, giant steps divided by P once, plaintexts encoded before; {PAIRED}; {MERGED}; last "
         "product not rescaled"),
    # Tried, the same core: without the last rescale a prime is saved and a pass is 15 % quicker, but with primes
    # 60,32,32,32,60 and scale 2^29 an output is off by 1.2, and 60,30,30,30,60 with 2^30 is refused (out of bounds).
    Peer("tenseal", TENSEAL, "TenSEAL", ["--primes", "40,34,34,34,34,40", "--scale", "34"],
         "its vectors' mm, polyval and mm, as documented: it takes matrices as lists and encodes them in every pass; "
         "biases as rows", slow=True),
]


def chosen(names):
    return [peer for peer in PEERS if names is None or peer.key in names]


OURS = {
    COLD: ("CryptoTL, cold", f"double-hoisted baby and giant steps; {PAIRED}; {MERGED}; last product not rescaled; "
           "nothing is known of a query before it comes"),
    PREPARED: ("CryptoTL, prepared", "the same, and all that does not depend on the inputs was done before the query, "
               "from a ticket"),
}

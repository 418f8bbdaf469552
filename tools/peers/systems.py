"""The systems that are measured: what each one uses, and the settings it runs with.

Settings are the quickest of those tried that keep the largest error of an output below 2e-4 (CryptoTL's own are held to
1e-4) and 128 bits of security by the library's own bound or, where it has none, by log2 QP <= 218 at N = 8192.
"""

import os

HERE = os.path.dirname(os.path.abspath(__file__))
PYTHON_DRIVERS = os.path.join(HERE, "python")
LATTIGO, OPENFHE, TENSEAL = "lattigo", "openfhe", "tenseal"
COLD, PREPARED = "cryptotl-cold", "cryptotl-prepared"

# The largest error of an output that settings are held to, and the rows that the ratios are made of.
BOUND = 2e-4
# Whose packing a peer is given: what its own documentation shows, or CryptoTL's, which is not in it.
DOCUMENTED, PACKED = "documented", "cryptotl"

MERGED = "activation as (v^2 + alpha) v, merged with the layers; inputs and hidden units shifted to be about 0"
PAIRED = "two numbers a slot, in blocks"
UNRESCALED = "last product not rescaled"
HOISTED = "double-hoisted linear transformations, plaintexts encoded before"
WHEEL = "its wheel for Python; hoisted baby steps, giant steps divided by P once, plaintexts encoded before"


class Peer:
    """One library with one setting; `library` says what has to be installed for it."""

    def __init__(self, key, library, name, arguments, uses, packing=DOCUMENTED, slow=False):
        self.key, self.library, self.name, self.arguments, self.uses = key, library, name, arguments, uses
        self.packing = packing
        self.slow = slow  # a pass takes half a minute


PEERS = [
    # As documented. Tried, one core with AVX-512 (processor time: the least ms of a pass; largest error, keys). Its
    # conjugate-invariant ring holds 8192 real numbers in a ciphertext, in blocks eight times: 96 and 128 diagonals.
    #   primes 57,33,34,34 and 60, scale 2^33, last 2^27:    92, 7e-5, 76 MB   <- the quickest below 2e-4
    #   primes 60,32,33,33 and 60, scale 2^32, last 2^27:    92, 2e-4, 76 MB
    #   primes 56,33,34,34 and 61, scale 2^33, last 2^28:    97, 5e-5; 54,34,34,34 and 61: overflows
    #   primes 42,34,34,34,34 and 40, scale 2^34, rescaled: 134, 1e-4, 114 MB
    #   primes 50,29,29,30 and 40,40, scale 2^29, last 2^25: 91, 7e-4, 46 MB; last 2^27: overflows
    # Baby steps 16 and 16; 8 and 8: 117; 16 and 8: 98; 8 and 16: 112; 32 and 32: 98.
    Peer("lattigo", LATTIGO, "Lattigo",
         ["--packing", "real", "--ring", "conjugate-invariant", "--log-q", "57,33,34,34", "--log-p", "60", "--scale",
          "33", "--last-scale", "27", "--ratios", "2,2"],
         f"{HOISTED}; its conjugate-invariant ring, which has a real slot for every coefficient, in blocks, so as few "
         f"diagonals as with CryptoTL's packing; {MERGED}; {UNRESCALED}"),
    # The same in the ring that it takes unless told otherwise, 4096 slots with a real number each: 192 and 256
    # diagonals.
    #   primes 60,32,33,33 and 60, scale 2^32:               128, 6e-5, 113 MB   <- the quickest below 2e-4
    #   primes 36,30,30,30,30 and 31,31:                     174, 2e-3, 96 MB
    # Baby steps 32 and 32; 16 and 16: 137, keys 92 MB; 32 and 16: 130; 16 and 32: 136; 8 and 16: 189.
    Peer("lattigo-standard", LATTIGO, "Lattigo, standard ring",
         ["--packing", "real", "--log-q", "60,32,33,33", "--log-p", "60", "--scale", "32", "--last-scale", "27",
          "--ratios", "3,3"],
         f"the same with a real number in each complex slot; {MERGED}; {UNRESCALED}"),
    # As documented. Tried, the same core, processor time; what other parameters do is below, with CryptoTL's packing.
    #   first prime 55, scale 2^31, shrink 5, 4 digits:      213, 1e-4, 92 MB   <- the quickest below 2e-4
    #   scale 2^33, shrink 8:                                214, 2e-4
    # Baby steps 16 and 16; 32 and 32: 243; 16 and 32: 225; 24 and 16: 218.
    Peer("openfhe", OPENFHE, "OpenFHE",
         ["--packing", "real", "--first", "55", "--scale", "31", "--shrink", "5", "--digits", "4", "--babies",
          "16,16"],
         f"{WHEEL}; a number a slot, in blocks; {MERGED}; {UNRESCALED}"),
    # Tried, the same core: without the last rescale a prime is saved and a pass is 15 % quicker, but with primes
    # 60,32,32,32,60 and scale 2^29 an output is off by 1.2, and 60,30,30,30,60 with 2^30 is refused (out of bounds).
    Peer("tenseal", TENSEAL, "TenSEAL", ["--primes", "40,34,34,34,34,40", "--scale", "34"],
         "its vectors' mm, polyval and mm, as documented: it takes matrices as lists and encodes them in every pass; "
         "biases as rows", slow=True),
    # With CryptoTL's packing. Tried, one core with AVX-512, by the clock (ms a pass, largest error, keys). The last
    # product unrescaled under one prime of 60 bits saves a prime:
    #   primes 42,34,34,34,34 and 40, scale 2^34:             124, 6e-5, 114 MB
    #   primes 36,30,30,30,30 and 31,31:                      113, 4e-3, 80 MB
    # (errors of those two before inputs and hidden units were shifted, which changes them little)
    #   primes 60,32,33,33 and 60, scale 2^32:                 85, 7e-5, 76 MB   <- the quickest below 2e-4
    #   primes 57,33,34,34 and 60, scale 2^33:                the same, 4e-5
    #   primes 52,29,29,29 and 39,40:                          84, 2e-3, 46 MB   <- shown too: the least keys
    # Baby steps 16 and 16; 8 and 8: 109; 32 and 16: 87; 16 and 32: 86; 32 and 32: 89; 16 and 8: 89. Compiled for newer
    # processors (GOAMD64=v3): the same.
    Peer("lattigo-packed", LATTIGO, "Lattigo, CryptoTL's packing",
         ["--packing", "complex", "--log-q", "60,32,33,33", "--log-p", "60", "--scale", "32", "--last-scale", "27",
          "--ratios", "2,2"],
         f"{HOISTED}; {PAIRED}; {MERGED}; {UNRESCALED}", packing=PACKED),
    Peer("lattigo-packed-two", LATTIGO, "Lattigo, CryptoTL's packing, least keys",
         ["--packing", "complex", "--log-q", "52,29,29,29", "--log-p", "39,40", "--scale", "29", "--last-scale", "22",
          "--ratios", "2,2"],
         "the same with two special primes and digits of two primes: the least keys, at a larger error",
         packing=PACKED),
    # With CryptoTL's packing. Tried, the same core, processor time. The wheel's bound at N = 8192 takes the special
    # prime for one of 60 bits and lets the first one have 55; 2 digits need more special primes and are refused with
    # scales of 2^28, five primes with 2^32.
    #   first prime 55, scale 2^31, 4 digits:                          145, 1e-4, 76 MB   <- the quickest
    #   the same with scale 2^33 and shrink 8:                         the same, 1e-4, one bit from overflowing
    #   the same, N = 16384, first prime 60, scale 2^34, 2 digits:     297, 7e-5; 1 digit: 325
    # With requests used as they were read back from bytes, by the clock:
    #   the first of these:                                            253
    #   five primes of 36 and 30 bits, 5 digits:                       359, 4e-3, 114 MB
    # Baby steps 16 and 16; 8 and 8: 149; 16 and 8: 141, keys 94 MB; 12 and 16: 142, keys 89 MB; 32 and 16: 178; 16 and
    # 32: 162. Plaintexts modulo QP cannot be made from Python, so baby steps cannot be summed before they are divided
    # by P.
    Peer("openfhe-packed", OPENFHE, "OpenFHE, CryptoTL's packing",
         ["--packing", "complex", "--first", "55", "--scale", "31", "--shrink", "5", "--digits", "4", "--babies",
          "16,16"],
         f"{WHEEL}; {PAIRED}; {MERGED}; {UNRESCALED}", packing=PACKED),
]


def chosen(names):
    return [peer for peer in PEERS if names is None or peer.key in names]


OURS = {
    COLD: ("CryptoTL, cold", f"double-hoisted baby and giant steps; {PAIRED}; {MERGED}; {UNRESCALED}; "
           "nothing is known of a query before it comes"),
    PREPARED: ("CryptoTL, prepared", "the same, and all that does not depend on the inputs was done before the query, "
               "from a ticket"),
}

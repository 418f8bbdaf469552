"""The network in TenSEAL's vectors: mm, polyval and mm, on one thread. Prints one JSON line."""

import argparse

import numpy as np
import tenseal

from workload import Network, measure, milliseconds


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--network", required=True, help="folder of the network and its inputs")
    add("--passes", type=int, default=1, help="that are measured, after one to warm up")
    add("--primes", default="40,34,34,34,34,40", help="bits of the primes, the special one last")
    add("--scale", type=int, default=34, help="log2 of the scale")
    options = parser.parse_args()

    network = Network(options.network)
    context = tenseal.context(tenseal.SCHEME_TYPE.CKKS, 8192, n_threads=1,
                              coeff_mod_bit_sizes=[int(bits) for bits in options.primes.split(",")])
    context.global_scale = 2 ** options.scale
    keygen, _ = milliseconds(context.generate_galois_keys)
    parts = {"save_public_key": True, "save_secret_key": False, "save_galois_keys": True, "save_relin_keys": True}
    public = context.serialize(**parts)
    bare = context.serialize(**dict.fromkeys(parts, False))
    server = tenseal.context_from(public, n_threads=1)
    # Biases are rows for a number that is constant: inputs end in 1, and hidden units in p(0). A list that is added
    # instead reaches the first of the vector's copies only, and the next product reads the others: the outputs would
    # be wrong, without a word, by 0.06.
    first = np.zeros((769, 769))
    first[:768, :768], first[768, :768] = network.w1.T, network.b1
    second = np.vstack([network.w2.T, network.b2 / network.activation[0]])
    first, second, activation = first.tolist(), second.tolist(), network.activation.tolist()

    def encrypt(x):
        return tenseal.ckks_vector(context, [*x, 1.0]).serialize()

    def answer(request):
        return tenseal.ckks_vector_from(server, request).mm(first).polyval(activation).mm(second).serialize()

    def decrypt(response):
        return np.array(tenseal.ckks_vector_from(context, response).decrypt())

    measure(network, options.passes, encrypt, answer, decrypt, {
        "peer": "TenSEAL", "version": tenseal.__version__, "keygen_ms": keygen, "key_bytes": len(public) - len(bare),
        "parameters": f"N = 8192, primes {options.primes} (the last one special), scale 2^{options.scale}"})


main()

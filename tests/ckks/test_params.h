#pragma once

#include "cryptotl/ckks/params.h"
#include "cryptotl/rns/modulus.h"

namespace cryptotl {

/// The only way round the security check: parameters too small to be safe, for tests alone.
struct InsecureParamsForTest {
  static ParamsPtr create(const ParamsSpec& spec) {
    Params::check_shape(spec).value();
    return ParamsPtr(new Params(spec));
  }
};

/// `limbs` ciphertext primes and one special prime of 30 bits for N = 2^log_n.
inline ParamsSpec test_spec(size_t log_n, size_t limbs, size_t base_limbs = 2) {
  ParamsSpec spec;
  spec.log_n = log_n;
  spec.primes = ntt_primes(1u << 30, uint32_t{2} << log_n, limbs + 1);
  spec.special_prime = spec.primes.front();
  spec.primes.erase(spec.primes.begin());
  spec.base_limbs = base_limbs;
  return spec;
}

/// The parameters of the fast preset: N = 8192, five limbs, log2(QP) = 180.
inline ParamsPtr fast_params() { return Params::create(test_spec(13, 5)).value(); }

/// N = 128, so that an object has few bytes; for tests of formats alone.
inline ParamsPtr minute_params(size_t limbs = 3) {
  return InsecureParamsForTest::create(test_spec(7, limbs));
}

/// Small and insecure, for tests that try many things.
inline ParamsPtr tiny_params(size_t limbs = 4) { return InsecureParamsForTest::create(test_spec(10, limbs)); }

}  // namespace cryptotl

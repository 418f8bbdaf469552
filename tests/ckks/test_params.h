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

/// `limbs` ciphertext primes and `special` special ones, of 30 or fewer bits, for N = 2^log_n.
inline ParamsSpec test_spec(size_t log_n, size_t limbs, size_t base_limbs = 2, size_t special = 1,
                            size_t bits = 30) {
  const std::vector<uint32_t> primes = ntt_primes(1u << bits, uint32_t{2} << log_n, limbs + special);
  ParamsSpec spec;
  spec.log_n = log_n;
  spec.special_primes.assign(primes.begin(), primes.begin() + static_cast<std::ptrdiff_t>(special));
  spec.primes.assign(primes.begin() + static_cast<std::ptrdiff_t>(special), primes.end());
  spec.base_limbs = base_limbs;
  return spec;
}

/// N = 8192, five limbs, log2(QP) = 180: what the fast preset had before digits held several primes.
inline ParamsPtr fast_params() { return Params::create(test_spec(13, 5)).value(); }

/// The same with more special primes: with three of them insecure.
inline ParamsPtr wide_params(size_t special) {
  return InsecureParamsForTest::create(test_spec(13, 5, 2, special));
}

/// N = 128, so that an object has few bytes; for tests of formats alone.
inline ParamsPtr minute_params(size_t limbs = 3, size_t special = 1, size_t bits = 30) {
  return InsecureParamsForTest::create(test_spec(7, limbs, 2, special, bits));
}

/// Small and insecure, for tests that try many things.
inline ParamsPtr tiny_params(size_t limbs = 4, size_t special = 1) {
  return InsecureParamsForTest::create(test_spec(10, limbs, 2, special));
}

}  // namespace cryptotl

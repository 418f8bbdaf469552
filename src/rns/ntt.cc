#include "cryptotl/rns/ntt.h"

#include <string>

#include "cryptotl/base/error.h"
#include "rns/bits.h"

namespace cryptotl {
namespace {

// The smallest size fills eight registers of 16 lanes, the largest is beyond every parameter set.
constexpr size_t kMinimumLogN = 7;
constexpr size_t kMaximumLogN = 16;

/// The order of the root of unity.
uint32_t order_of(size_t log_n, Ring ring) {
  return (ring == Ring::cyclotomic ? uint32_t{2} : uint32_t{4}) << log_n;
}

size_t checked_log_n(const Modulus& q, size_t log_n, Ring ring) {
  if (log_n < kMinimumLogN || log_n > kMaximumLogN) {
    throw Error(ErrorCode::invalid_argument,
                "NTT of 2^" + std::to_string(log_n) + " points: expected 2^7 to 2^16 points");
  }
  if (q.value() % order_of(log_n, ring) != 1) {
    throw Error(ErrorCode::invalid_argument,
                "NTT of 2^" + std::to_string(log_n) + " points modulo " + std::to_string(q.value()) +
                    ": expected a prime that is 1 modulo " + std::to_string(order_of(log_n, ring)));
  }
  return log_n;
}

void fill_powers(AlignedVector<uint32_t>& powers, AlignedVector<uint32_t>& quotients, const Modulus& q,
                 uint32_t root, size_t log_n) {
  powers.resize(size_t{1} << log_n);
  quotients.resize(powers.size());
  uint32_t power = 1;
  for (uint32_t exponent = 0; exponent < powers.size(); ++exponent) {
    const uint32_t i = reverse_bits(exponent, log_n);
    powers[i] = power;
    quotients[i] = q.shoup_quotient(power);
    power = q.multiply(power, root);
  }
}

/// Takes the roots from X^N + 1 to X^N - zeta^N: butterflies of distance h meet a factor twist^h more, where
/// twist^N = -zeta^N.
void twist(AlignedVector<uint32_t>& powers, AlignedVector<uint32_t>& quotients, const Modulus& q,
           uint32_t factor) {
  const size_t n = powers.size();
  for (size_t first = 1; first < n; first *= 2) {
    const uint32_t power = q.power(factor, n / (2 * first));
    for (size_t i = first; i < 2 * first; ++i) {
      powers[i] = q.multiply(powers[i], power);
      quotients[i] = q.shoup_quotient(powers[i]);
    }
  }
}

}  // namespace

NttTables::NttTables(const Modulus& q, size_t log_n_points, Ring which)
    : modulus(q),
      ring(which),
      log_n(checked_log_n(q, log_n_points, ring)),
      n(size_t{1} << log_n),
      root(minimal_primitive_root(q, order_of(log_n, ring))) {
  const bool folded = ring == Ring::conjugate_invariant;
  const uint32_t psi = folded ? q.multiply(root, root) : root;
  fill_powers(roots, roots_quotient, q, psi, log_n);
  fill_powers(inverse_roots, inverse_roots_quotient, q, q.inverse(psi), log_n);
  if (folded) {
    twist(roots, roots_quotient, q, q.inverse(root));
    twist(inverse_roots, inverse_roots_quotient, q, root);
    fold_root = q.power(root, n);
    fold_root_quotient = q.shoup_quotient(fold_root);
  }
  inverse_n = q.inverse(static_cast<uint32_t>(folded ? 2 * n : n));
  inverse_n_quotient = q.shoup_quotient(inverse_n);
  last_inverse_root = q.multiply(inverse_roots[1], inverse_n);
  last_inverse_root_quotient = q.shoup_quotient(last_inverse_root);
}

}  // namespace cryptotl

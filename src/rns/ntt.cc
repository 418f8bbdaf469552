#include "cryptotl/rns/ntt.h"

#include <string>

#include "cryptotl/base/error.h"
#include "rns/bits.h"

namespace cryptotl {
namespace {

// The smallest size fills eight registers of 16 lanes, the largest is beyond every parameter set.
constexpr size_t kMinimumLogN = 7;
constexpr size_t kMaximumLogN = 16;

size_t checked_log_n(const Modulus& q, size_t log_n) {
  if (log_n < kMinimumLogN || log_n > kMaximumLogN) {
    throw Error(ErrorCode::invalid_argument,
                "NTT of 2^" + std::to_string(log_n) + " points: expected 2^7 to 2^16 points");
  }
  if (q.value() % (uint32_t{2} << log_n) != 1) {
    throw Error(ErrorCode::invalid_argument,
                "NTT of 2^" + std::to_string(log_n) + " points modulo " + std::to_string(q.value()) +
                    ": expected a prime that is 1 modulo " + std::to_string(uint32_t{2} << log_n));
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

}  // namespace

NttTables::NttTables(const Modulus& q, size_t log_n_points)
    : modulus(q),
      log_n(checked_log_n(q, log_n_points)),
      n(size_t{1} << log_n),
      root(minimal_primitive_root(q, static_cast<uint32_t>(2 * n))) {
  fill_powers(roots, roots_quotient, q, root, log_n);
  fill_powers(inverse_roots, inverse_roots_quotient, q, q.inverse(root), log_n);
  inverse_n = q.inverse(static_cast<uint32_t>(n));
  inverse_n_quotient = q.shoup_quotient(inverse_n);
  last_inverse_root = q.multiply(inverse_roots[1], inverse_n);
  last_inverse_root_quotient = q.shoup_quotient(last_inverse_root);
}

}  // namespace cryptotl

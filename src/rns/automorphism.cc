#include "cryptotl/rns/automorphism.h"

#include <string>

#include "cryptotl/base/error.h"
#include "rns/bits.h"

namespace cryptotl {
namespace {

constexpr size_t kGroupBits = 4;
constexpr uint32_t kGroup = 1u << kGroupBits;

}  // namespace

// Position i holds the value at psi^(2 r + 1), r = reverse(i), so X -> X^g reads the position whose exponent
// is g (2 r + 1) = 2 r' + 1 mod 2N. With i = 16 t + l, r = reverse(l) N/16 + reverse(t), and hence r' = g
// reverse(l) N/16 + (g (2 reverse(t) + 1) - 1) / 2: the group reverse(r' mod N/16) depends on t alone, and
// the lane reverse(r' div N/16) on l and the carry c of the second term.
Automorphism::Automorphism(size_t log_n, uint32_t element) : galois_element(element), n(size_t{1} << log_n) {
  if (log_n < kGroupBits || log_n > 16 || element % 2 == 0 || element >= 2 * n) {
    throw Error(ErrorCode::invalid_argument,
                "automorphism X -> X^" + std::to_string(element) + " of 2^" + std::to_string(log_n) +
                    " values: expected 2^4 to 2^16 values and an odd power below twice their number");
  }
  const size_t group_bits = log_n - kGroupBits;
  const uint32_t groups = 1u << group_bits;
  const uint32_t mask = static_cast<uint32_t>(2 * n - 1);
  sources.resize(groups);
  for (uint32_t t = 0; t < groups; ++t) {
    const uint32_t exponent = element * (2 * reverse_bits(t, group_bits) + 1) & mask;
    const uint32_t carry = exponent / 2 / groups;
    sources[t] = kGroup * reverse_bits(exponent / 2 % groups, group_bits) + carry;
  }
  lanes.resize(kGroup * kGroup);
  for (uint32_t carry = 0; carry < kGroup; ++carry) {
    for (uint32_t l = 0; l < kGroup; ++l) {
      const uint32_t high = (element * reverse_bits(l, kGroupBits) + carry) % kGroup;
      lanes[kGroup * carry + l] = reverse_bits(high, kGroupBits);
    }
  }
}

uint32_t galois_element_of_rotation(int steps, size_t log_n) {
  const uint32_t slots = 1u << (log_n - 1);
  // -steps mod slots needs no case of its own: the slots are a power of two.
  uint32_t exponent = static_cast<uint32_t>(steps) & (slots - 1);
  uint32_t element = 1;
  for (uint32_t base = 3; exponent != 0; exponent >>= 1, base *= base) {
    if (exponent & 1) element *= base;
  }
  return element & (4 * slots - 1);
}

uint32_t galois_element_of_conjugation(size_t log_n) { return (2u << log_n) - 1; }

uint32_t inverse_galois_element(uint32_t galois_element, size_t log_n) {
  uint32_t inverse = galois_element;  // exact modulo 2^3; every Newton step doubles the number of right bits
  for (int i = 0; i < 4; ++i) inverse *= 2 - galois_element * inverse;
  return inverse & ((2u << log_n) - 1);
}

}  // namespace cryptotl

#include "cryptotl/rns/automorphism.h"

#include <string>

#include "cryptotl/base/error.h"
#include "rns/bits.h"

namespace cryptotl {
namespace {

constexpr size_t kGroupBits = 4;
constexpr uint32_t kGroup = 1u << kGroupBits;

/// Of X -> X^g as a map of r: r' = multiplier r + offset mod N, where position i holds the value at r =
/// reverse(i).
struct Move {
  uint32_t multiplier;
  uint32_t offset;
};

/// In the cyclotomic ring r stands for the power 2r + 1 of psi, and g (2r + 1) = 2r' + 1 mod 2N. In the
/// conjugate-invariant ring it stands for the power 4r + 1 of zeta; of g and -g, which are one there, one is
/// 1 mod 4, and g (4r + 1) = 4r' + 1 mod 4N.
Move move_of(uint32_t galois_element, size_t log_n, Ring ring) {
  if (ring == Ring::cyclotomic) return {galois_element, galois_element / 2};
  const uint32_t g = galois_element % 4 == 1 ? galois_element : galois_order(log_n, ring) - galois_element;
  return {g, g / 4};
}

}  // namespace

// With i = 16 t + l, r = reverse(l) N/16 + reverse(t), and hence r' = g reverse(l) N/16 + (g reverse(t) +
// offset): the group reverse(r' mod N/16) depends on t alone, and the lane reverse(r' div N/16) on l and the
// carry of the second term.
Automorphism::Automorphism(size_t log_n, uint32_t element, Ring ring)
    : galois_element(element), n(size_t{1} << log_n) {
  if (log_n < kGroupBits || log_n > 16 || element % 2 == 0 || element >= galois_order(log_n, ring)) {
    throw Error(ErrorCode::invalid_argument,
                "automorphism X -> X^" + std::to_string(element) + " of 2^" + std::to_string(log_n) +
                    " values: expected 2^4 to 2^16 values and an odd power below " +
                    (ring == Ring::cyclotomic ? "twice" : "four times") + " their number");
  }
  const Move move = move_of(element, log_n, ring);
  const size_t group_bits = log_n - kGroupBits;
  const uint32_t groups = 1u << group_bits;
  const uint32_t mask = static_cast<uint32_t>(n - 1);
  sources.resize(groups);
  for (uint32_t t = 0; t < groups; ++t) {
    const uint32_t moved = (move.multiplier * reverse_bits(t, group_bits) + move.offset) & mask;
    sources[t] = kGroup * reverse_bits(moved % groups, group_bits) + moved / groups;
  }
  lanes.resize(kGroup * kGroup);
  for (uint32_t carry = 0; carry < kGroup; ++carry) {
    for (uint32_t l = 0; l < kGroup; ++l) {
      const uint32_t high = (move.multiplier * reverse_bits(l, kGroupBits) + carry) % kGroup;
      lanes[kGroup * carry + l] = reverse_bits(high, kGroupBits);
    }
  }
}

uint32_t galois_order(size_t log_n, Ring ring) { return (ring == Ring::cyclotomic ? 2u : 4u) << log_n; }

uint32_t galois_element_of_rotation(int steps, size_t log_n, Ring ring) {
  const uint32_t order = galois_order(log_n, ring);
  // -steps mod slots needs no case of its own: the slots, a quarter of the order, are a power of two.
  uint32_t exponent = static_cast<uint32_t>(steps) & (order / 4 - 1);
  uint32_t element = 1;
  for (uint32_t base = 3; exponent != 0; exponent >>= 1, base *= base) {
    if (exponent & 1) element *= base;
  }
  return element & (order - 1);
}

uint32_t galois_element_of_conjugation(size_t log_n) { return (2u << log_n) - 1; }

uint32_t inverse_galois_element(uint32_t galois_element, size_t log_n, Ring ring) {
  uint32_t inverse = galois_element;  // exact modulo 2^3; every Newton step doubles the number of right bits
  for (int i = 0; i < 4; ++i) inverse *= 2 - galois_element * inverse;
  return inverse & (galois_order(log_n, ring) - 1);
}

}  // namespace cryptotl

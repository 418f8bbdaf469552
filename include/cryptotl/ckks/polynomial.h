#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "cryptotl/base/aligned.h"

namespace cryptotl {

/// Residues [num_limbs][N] of one polynomial in one aligned block, limb-major; limbs stand 16 words further
/// apart than N, since strides of a power of two fight for the same cache sets. The form (coefficients or
/// NTT) is the owner's to state.
class RnsPolynomial {
 public:
  RnsPolynomial() = default;
  RnsPolynomial(size_t n, size_t num_limbs) : n_(n), limbs_(num_limbs), words_(num_limbs * (n + kPad)) {}

  size_t n() const { return n_; }
  size_t num_limbs() const { return limbs_; }
  uint32_t* limb(size_t i) { return words_.data() + i * (n_ + kPad); }
  const uint32_t* limb(size_t i) const { return words_.data() + i * (n_ + kPad); }
  std::span<const uint32_t> limb_span(size_t i) const { return {limb(i), n_}; }
  std::span<uint32_t> limb_span(size_t i) { return {limb(i), n_}; }
  /// Forgets the limbs from `count` on.
  void drop_to(size_t count) { limbs_ = count; }

 private:
  static constexpr size_t kPad = 16;
  size_t n_ = 0;
  size_t limbs_ = 0;
  AlignedVector<uint32_t> words_;
};

}  // namespace cryptotl

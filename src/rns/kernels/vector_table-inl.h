#pragma once

#include "cryptotl/rns/kernels.h"
#include "rns/kernels/blocks-inl.h"
#include "rns/kernels/elementwise-inl.h"
#include "rns/kernels/ntt-inl.h"

namespace cryptotl {

/// The kernels on the vectors of class V.
template <class V>
constexpr KernelTable vector_table(std::string_view name) {
  using E = Elementwise<V>;
  return {.name = name,
          .ntt_forward = Ntt<V>::forward,
          .ntt_inverse = Ntt<V>::inverse,
          .add = E::add,
          .subtract = E::subtract,
          .negate = E::negate,
          .multiply = E::multiply,
          .multiply_montgomery = E::multiply_montgomery,
          .multiply_add = E::multiply_add,
          .multiply_scalar = E::multiply_scalar,
          .subtract_multiply_scalar = E::subtract_multiply_scalar,
          .lift_centered = E::lift_centered,
          .dot_pairs = Blocks<V>::dot_pairs,
          .permute = Blocks<V>::permute};
}

}  // namespace cryptotl

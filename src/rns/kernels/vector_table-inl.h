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
          .lift = E::lift,
          .subtract_lifted = E::subtract_lifted,
          .ntt_forward_lifted = Ntt<V>::forward_lifted,
          .dot_pairs = Blocks<V>::dot_pairs,
          .dot = Blocks<V>::dot,
          .switch_key = Blocks<V>::switch_key,
          .permute_blocks = Blocks<V>::permute_blocks,
          .permute = Blocks<V>::permute};
}

}  // namespace cryptotl

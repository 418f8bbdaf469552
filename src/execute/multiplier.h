#pragma once

#include <array>
#include <span>

#include "cryptotl/base/parallel.h"
#include "cryptotl/ckks/key_switch.h"
#include "cryptotl/execute/products.h"
#include "cryptotl/plan/activation_circuit.h"
#include "cryptotl/rns/kernels.h"

namespace cryptotl {

using Pair = std::array<RnsPolynomial, 2>;

/// Memory for what happens at one number of limbs, large enough for all.
struct Stage {
  Stage(const Params& params, size_t most_limbs)
      : digits(params, most_limbs),
        sum{extended(params, most_limbs), extended(params, most_limbs)},
        next{extended(params, most_limbs), extended(params, most_limbs)},
        work(extended(params, most_limbs)),
        scratch(extended(params, most_limbs)) {}

  static RnsPolynomial extended(const Params& params, size_t limbs) {
    return {params.n(), limbs + params.num_special()};
  }
  void enter(size_t count) {
    limbs = count;
    digits.reshape(count);
  }

  size_t limbs = 0;
  Digits digits;
  RnsPolynomial sum[2];   ///< the running pair, modulo QP, P times its value
  RnsPolynomial next[2];  ///< the pair that takes its place
  RnsPolynomial work, scratch;
};

/// Products of ciphertexts in memory of its own; nothing is allocated on the way. Polynomials are in NTT
/// form. Not thread-safe; threads of the pool share the limbs.
struct Multiplier {
  Multiplier(const Params& parameters, size_t most_limbs, ThreadPool& threads);

  size_t n() const { return params.n(); }
  const Modulus& modulus(size_t limb) const {
    return params.modulus(params.extended_index(limb, stage.limbs));
  }
  size_t extended_limbs() const { return stage.digits.extended_limbs(); }
  void to_coefficients(const RnsPolynomial& ntt, RnsPolynomial& out, size_t limbs);
  /// out = out + b over the limbs of b.
  void add(RnsPolynomial& out, const RnsPolynomial& b);

  void tensor(const Pair& a, const Pair& b, size_t limbs);
  void add_linear(std::span<const Pair> registers, const ProductResidues& terms, size_t limbs);
  void relinearise(const RnsPolynomial& square, size_t limbs, bool with_product, const PreparedKey& key);
  /// Adds to stage.sum, which is of so many limbs, P times what the key makes of one more part.
  void add_switched(const RnsPolynomial& part, size_t limbs, const PreparedKey& key);
  /// stage.sum = P (left right + linear terms), relinearised, modulo QP: to be divided next.
  void multiply(const Product& factors, std::span<const Pair> registers, const ProductResidues& terms,
                size_t limbs, const PreparedKey& key);
  /// out = what multiply() left over P and `drop` primes, + constant.
  void divide_product(const ProductResidues& terms, size_t limbs, size_t drop, Pair& out);

  const Params& params;
  ThreadPool& pool;
  const KernelTable& kernel;
  Stage stage;
  RnsPolynomial product[3];

 private:
  template <typename Added>
  void switch_key(const RnsPolynomial& part, size_t limbs, const PreparedKey& key, const Added& added);
};

}  // namespace cryptotl

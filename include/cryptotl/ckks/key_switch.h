#pragma once

#include "cryptotl/base/parallel.h"
#include "cryptotl/ckks/evaluation_key.h"
#include "cryptotl/rns/automorphism.h"

namespace cryptotl {

/// The digits of one polynomial, each lifted to `limbs` primes and P: [limb][digit][N], NTT form.
class Digits {
 public:
  Digits(size_t n, size_t limbs) : limbs_(limbs), words_(n, (limbs + 1) * limbs) {}
  /// Uses the same memory for polynomials of `limbs` limbs, at most those that it was made for.
  void reshape(size_t limbs) {
    CRYPTOTL_ASSERT((limbs + 1) * limbs <= words_.num_limbs());
    limbs_ = limbs;
  }
  size_t limbs() const { return limbs_; }
  uint32_t* at(size_t limb, size_t digit) { return words_.limb(limb * limbs_ + digit); }
  const uint32_t* at(size_t limb, size_t digit) const { return words_.limb(limb * limbs_ + digit); }
  /// Words between two digits of one limb.
  size_t stride() const { return static_cast<size_t>(words_.limb(1) - words_.limb(0)); }

 private:
  size_t limbs_;
  RnsPolynomial words_;
};

/// Digit i is the centred residue modulo q_i of a polynomial in coefficient form, in all limbs. Where the
/// polynomial's `ntt` form is at hand too, it spares one transform a digit. Threads share the limbs.
void decompose(const Params& params, const RnsPolynomial& coefficients, const RnsPolynomial* ntt,
               Digits& digits, ThreadPool& threads);

/// (sum_i d_i b_i, sum_i d_i a_i) of limb `limb`: P times the switched polynomial, still to be permuted by
/// the key's automorphism. Outputs of N words.
void switch_limb(const Params& params, const Digits& digits, const PreparedKey& key, size_t limb,
                 uint32_t* out0, uint32_t* out1);

/// round(x / (P q_{limbs-1} ... q_{limbs-drop})) of a polynomial over limbs primes and P (the last limb), up
/// to one unit for each prime: ModDown, and a rescale by `drop` primes that shares its transforms. NTT form
/// in and out; destroys x. `out` has `limbs` - drop limbs, `scratch` at least limbs. Threads share the limbs.
void mod_down(const Params& params, RnsPolynomial& x, size_t limbs, size_t drop, RnsPolynomial& out,
              RnsPolynomial& scratch, ThreadPool& threads);

/// round(x / P) in coefficient form, to be decomposed next: NTT form in, coefficients out in place in the
/// first `limbs` limbs.
void mod_down_to_coefficients(const Params& params, RnsPolynomial& x, size_t limbs, RnsPolynomial& scratch,
                              ThreadPool& threads);

/// round(x / q_last), NTT form, to limbs - 1 limbs in place.
void rescale(const Params& params, RnsPolynomial& x, RnsPolynomial& scratch);

}  // namespace cryptotl

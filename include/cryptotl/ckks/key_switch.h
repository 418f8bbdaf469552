#pragma once

#include "cryptotl/base/parallel.h"
#include "cryptotl/ckks/evaluation_key.h"
#include "cryptotl/rns/kernels.h"

namespace cryptotl {

/// The digits of one polynomial, each lifted to all limbs of an extended polynomial: [limb][digit][N], NTT
/// form.
class Digits {
 public:
  Digits(const Params& params, size_t limbs)
      : special_(params.num_special()),
        limbs_(limbs),
        digits_(params.digits(limbs)),
        words_(params.n(), extended_limbs() * digits_) {}
  /// Uses the same memory for polynomials of `limbs` limbs, at most those that it was made for.
  void reshape(size_t limbs) {
    limbs_ = limbs;
    digits_ = (limbs + special_ - 1) / special_;
    CRYPTOTL_ASSERT(extended_limbs() * digits_ <= words_.num_limbs());
  }
  size_t limbs() const { return limbs_; }
  size_t extended_limbs() const { return limbs_ + special_; }
  size_t count() const { return digits_; }
  uint32_t* at(size_t limb, size_t digit) { return words_.limb(limb * digits_ + digit); }
  const uint32_t* at(size_t limb, size_t digit) const { return words_.limb(limb * digits_ + digit); }
  /// Words between two digits of one limb.
  size_t stride() const { return static_cast<size_t>(words_.limb(1) - words_.limb(0)); }

 private:
  size_t special_;
  size_t limbs_;
  size_t digits_;
  RnsPolynomial words_;
};

/// Digit i is the centred residue modulo its primes' product of a polynomial in coefficient form, in all
/// limbs. Destroys `coefficients`. Where the polynomial's `ntt` form is at hand too, it spares one transform
/// a limb. Threads share the work.
void decompose(const Params& params, RnsPolynomial& coefficients, const RnsPolynomial* ntt, Digits& digits,
               ThreadPool& threads);

/// Blocks `first` and on (16 values each) of limb `limb` of what a key makes of the digits: P times the
/// switched polynomial, moved by the key's automorphism. For KernelTable::switch_key, which can join and add
/// to it. `prefetch_words`: how far ahead of its reading the key is asked for.
SwitchedBlocks switched_blocks(const Digits& digits, const PreparedKey& key, size_t limb, size_t first,
                               size_t prefetch_words);

/// All blocks of a limb: outputs of N words. `joined` (N words, or none) enters the first before the
/// automorphism.
void switch_limb(const Params& params, const Digits& digits, const PreparedKey& key, size_t limb,
                 const uint32_t* joined, uint32_t* out0, uint32_t* out1);

/// round(x / (P q_{limbs-1} ... q_{limbs-drop})) of an extended polynomial over `limbs` primes, up to one
/// unit for each prime: ModDown, and a rescale by `drop` primes that shares its transforms. NTT form in and
/// out; destroys x. `out` has `limbs` - drop limbs and may have more memory, `scratch` at least limbs.
/// Threads share the limbs.
void mod_down(const Params& params, RnsPolynomial& x, size_t limbs, size_t drop, RnsPolynomial& out,
              RnsPolynomial& scratch, ThreadPool& threads);

/// What mod_down gives in coefficient form, to be decomposed or multiplied with a matrix next: NTT form in,
/// coefficients out in place in the first `limbs` - drop limbs.
void mod_down_to_coefficients(const Params& params, RnsPolynomial& x, size_t limbs, size_t drop,
                              ThreadPool& threads);

/// What rescale gives, coefficients in and out, in place.
void rescale_coefficients(const Params& params, RnsPolynomial& x, size_t limbs, size_t drop);

/// round(x / (q_{limbs-1} ... q_{limbs-drop})) of a polynomial over `limbs` primes: what mod_down gives for P
/// x.
void rescale(const Params& params, RnsPolynomial& x, size_t limbs, size_t drop, RnsPolynomial& out,
             RnsPolynomial& scratch, ThreadPool& threads);

}  // namespace cryptotl

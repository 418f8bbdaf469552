#pragma once

#include <complex>
#include <cstdint>
#include <span>
#include <vector>

#include "cryptotl/ckks/params.h"
#include "cryptotl/ckks/polynomial.h"

namespace cryptotl {

using Complex = std::complex<double>;

/// The canonical embedding: slot k of a polynomial m is m(zeta^(3^k)) / scale with zeta = exp(i pi / N), k <
/// N/2 (Cheon, Kim, Kim, Song 2017; the generator 3 and thus the order of the slots are SEAL's). Works in
/// double precision: a slot of size 1 comes back to about 1e-14. Const calls are safe from several threads.
class Encoder {
 public:
  explicit Encoder(size_t log_n);

  size_t slots() const { return roots_.size() / 4; }

  /// round(scale times the inverse embedding) of up to N/2 slots (missing ones are 0): N coefficients. Throws
  /// too_large where one would leave (-2^62, 2^62).
  std::vector<int64_t> encode(std::span<const Complex> values, double scale) const;

  /// The same for encrypt() at any scale: in units of 2^message_shift(scale), to the precision of doubles.
  std::vector<int64_t> encode_message(std::span<const Complex> values, double scale) const;

  /// The slots of N real coefficients.
  std::vector<Complex> decode(std::span<const double> coefficients, double scale) const;

  /// What N real coefficients, here as complex numbers, are at the N odd powers of zeta, in place: the slots
  /// and their conjugates in some order.
  void evaluate(std::span<Complex> coefficients) const;

 private:
  void transform(std::span<Complex> values, bool inverse) const;
  size_t log_n_;
  std::vector<Complex> roots_;        ///< zeta^j, j < 2N
  std::vector<uint32_t> slot_index_;  ///< (3^k mod 2N - 1) / 2
  std::vector<uint32_t> reversed_;
};

/// Coefficients at scales above 2^60 do not fit into 64 bits and would hold no more digits than a double has:
/// what is encrypted at such a scale is integers times 2^message_shift(scale). 0 up to 2^60.
int message_shift(double scale);

/// Throws invalid_argument unless there are N coefficients, for 1 to num_primes() limbs.
void require_message(const Params& params, size_t coefficients, size_t limbs);

/// Residues of the coefficients modulo limbs 0..limbs-1, and modulo the special primes where `extended`, in
/// NTT form. Throws as require_message.
RnsPolynomial to_ntt(const Params& params, std::span<const int64_t> coefficients, size_t limbs,
                     bool extended = false);
/// The same times 2^shift.
RnsPolynomial shifted_to_ntt(const Params& params, std::span<const int64_t> coefficients, int shift,
                             size_t limbs, bool extended = false);

/// Centred coefficients of a polynomial in coefficient form, as doubles; exact below 2^53, right where they
/// are smaller than half the product of the first four limbs.
std::vector<double> centred_coefficients(const Params& params, const RnsPolynomial& polynomial);

}  // namespace cryptotl

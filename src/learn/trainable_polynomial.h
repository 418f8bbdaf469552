#pragma once

#include <span>
#include <vector>

#include "cryptotl/network/network.h"

namespace cryptotl {

/// Where a polynomial follows the function that it stands for.
struct PolynomialRange {
  double low = 0;
  double high = 0;
  double centre() const { return (low + high) / 2; }
  double half() const { return (high - low) / 2; }
};

/// Where the paper's cubic is meant to be used.
inline constexpr PolynomialRange kPaperRange{-4, 4};

/// b_0 T_0(t) + b_1 T_1(t) + ... with t = (u - centre) / half in [-1, 1] on the range. In this form a step in
/// one coefficient moves the polynomial about as far as in another; as monomials of u the cubic's last
/// coefficient counts for a hundred times its first.
std::vector<double> chebyshev_form(const Polynomial& polynomial, const PolynomialRange& range);
Polynomial from_chebyshev_form(std::span<const double> coefficients, const PolynomialRange& range);

/// Keeps coefficients that are being trained near the polynomial that they started from:
/// - each within half of the start's largest coefficient, so that on the range the polynomial moves by no
/// more
///   than that much a term, and outside it grows no faster than a few times the start does;
/// - the leading one of the start's sign and within a factor of 4 of it;
/// - the one before it such that the centre of the depressed form (h of FoldedActivation) lies within 2 half
///   widths of the range's centre, or where it was at the start if that is further out: with a vanishing
///   leading coefficient it would run away, and folding lose digits.
/// Both of the same length, at least 3; the start's last coefficient is not 0.
void keep_near(std::span<double> coefficients, std::span<const double> start);

}  // namespace cryptotl

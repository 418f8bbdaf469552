#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "cryptotl/base/error.h"
#include "cryptotl/network/network.h"

namespace cryptotl {

/// The numbers from `low` to `high`.
struct Interval {
  double low = 0;
  double high = 0;
};

/// A polynomial in place of a function on an interval.
struct Approximation {
  Polynomial polynomial;  ///< monomials of u, at least c0 and c1; its last coefficient may be of lower degree
  double max_error = 0;   ///< the largest |function - polynomial| on the interval
};

/// The polynomial of at most this degree whose largest error on the interval is least: the one whose error
/// takes its largest absolute value degree + 2 times or more with alternating signs (Chebyshev), found by the
/// exchange algorithm of Remez (1934). The function must be continuous and finite; it is evaluated densely
/// around 0, where it may have a kink.
///
/// A leading coefficient that is zero by symmetry is left out: an even function on an interval around 0 gets
/// no odd terms, an odd one no even terms (a polynomial whose last coefficient were rounding noise could not
/// be folded). So is a degree that does not make the error of the one below it a tenth smaller: it would cost
/// a multiplication, and a tiny leading coefficient costs precision where it is folded. Where the function is
/// a polynomial on the interval to double precision (relu beside its kink, a saturated tanh) that one is the
/// answer.
///
/// invalid_argument where the interval is empty or not finite, wider than kMaxApproximationWidth or narrower
/// than a millionth of the numbers in it, where the degree is 0 or beyond kMaxApproximationDegree, and where
/// the function is not finite on it.
Result<Approximation> minimax(const std::function<double(double)>& function, Interval interval,
                              size_t degree);

inline constexpr size_t kMaxApproximationDegree = 7;
inline constexpr double kMaxApproximationWidth = 1e6;

/// Whether `layer` is an activation that minimax() replaces: Relu, Sigmoid, Tanh or Gelu.
bool is_replaceable(const Layer& layer);

/// minimax() of such a layer; invalid_argument for any other, too.
Result<Approximation> approximate(const Layer& activation, Interval interval, size_t degree);

/// One activation that was replaced.
struct ReplacedActivation {
  size_t layer = 0;      ///< its index in the network
  std::string function;  ///< layer_name()
  Interval interval;
  size_t degree = 0;  ///< of the polynomial: 1 where that is enough
  double max_error = 0;
};

struct Replacement {
  Network network;
  std::vector<ReplacedActivation> activations;
};

/// Puts a polynomial of at most this degree in place of each replaceable activation, the i-th of them
/// approximated on intervals[i]. Everything else stays as it is, Softmax and MaxPool1D too. An activation
/// that belongs to a head (the sigmoid after the last Dense) is the caller's to take off first.
/// invalid_argument names the layer where there are not as many intervals as activations, and for what
/// approximate() refuses.
Result<Replacement> replace_activations(const Network& network, std::span<const Interval> intervals,
                                        size_t degree);

/// As above, each interval being what the activation takes in on these rows [samples][input width], whose
/// activations before it are replaced already, widened on both sides by `margin` of its length: a polynomial
/// leaves the function quickly beyond its interval. Throws invalid_argument where the rows have another
/// width.
Result<Replacement> replace_activations(const Network& network, const Matrix& rows, size_t degree,
                                        double margin);

}  // namespace cryptotl

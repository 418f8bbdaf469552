#include "remez.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace cryptotl {
namespace {

// With t in [-1, 1] for u in the interval, p is a sum of c_j T_j(t). One step of the exchange: on a reference
// of degree + 2 points find the p whose error there is +E, -E, +E, ...; then take the places where its error
// on the whole interval is largest, with alternating signs, as the next reference. E grows with every step
// and the largest error bounds the least possible one from above, E from below (de la Vallee Poussin), so
// that their meeting proves the answer. (Remez 1934; Powell, Approximation Theory and Methods, chapters 8
// and 9.)

constexpr size_t kGridPoints = 2048;  // Chebyshev points over the interval
constexpr double kFinest = 1e-3;      // and from here on in both directions around 0, in steps of kStep:
constexpr double kStep = 1.03;        // there the functions of a network bend
constexpr size_t kMaxExchanges = 100;
constexpr double kSettled = 1e-12;   // relative difference of largest error and E
constexpr double kRounding = 4e-16;  // of the largest value: errors below are rounding

using Vector = std::vector<double>;

/// Solves matrix x = right by elimination with pivots; false where the matrix is singular.
bool solve(Matrix matrix, Vector& right) {
  const size_t size = right.size();
  for (size_t col = 0; col < size; ++col) {
    size_t pivot = col;
    for (size_t row = col + 1; row < size; ++row) {
      if (std::abs(matrix(row, col)) > std::abs(matrix(pivot, col))) pivot = row;
    }
    if (matrix(pivot, col) == 0) return false;
    std::swap_ranges(matrix.row(col).begin(), matrix.row(col).end(), matrix.row(pivot).begin());
    std::swap(right[col], right[pivot]);
    for (size_t row = col + 1; row < size; ++row) {
      const double factor = matrix(row, col) / matrix(col, col);
      for (size_t i = col; i < size; ++i) matrix(row, i) -= factor * matrix(col, i);
      right[row] -= factor * right[col];
    }
  }
  for (size_t row = size; row-- > 0;) {
    for (size_t i = row + 1; i < size; ++i) right[row] -= matrix(row, i) * right[i];
    right[row] /= matrix(row, row);
  }
  return true;
}

/// Sum of c_j T_j(t), by Clenshaw's recurrence.
double chebyshev_sum(const Vector& c, double t) {
  double next = 0;
  double after = 0;
  for (size_t j = c.size(); j-- > 1;) {
    const double sum = 2 * t * next - after + c[j];
    after = next;
    next = sum;
  }
  return t * next - after + c[0];
}

double horner(const Vector& c, double u) {
  double sum = 0;
  for (size_t i = c.size(); i-- > 0;) sum = sum * u + c[i];
  return sum;
}

struct Extremum {
  double place;
  double error;  // signed
};

class Remez {
 public:
  Remez(const std::function<double(double)>& function, Interval interval, size_t degree)
      : function_(function), interval_(interval), degree_(degree) {
    make_grid();
  }

  Approximation run() {
    Vector reference = first_reference();
    Vector best(degree_ + 1);
    double least = HUGE_VAL;
    for (size_t i = 0; i < kMaxExchanges; ++i) {
      Vector c;
      if (!level(reference, c)) break;
      const double level_error = std::abs(c.back());
      c.pop_back();
      const auto extrema = find_extrema([&](double u) { return chebyshev_sum(c, position(u)); });
      const double largest = largest_error(extrema);
      if (largest < least) {
        least = largest;
        best = c;
      }
      // Fewer turns than a reference needs happen only among errors that are rounding.
      if (extrema.size() < reference.size() || largest <= level_error * (1 + kSettled) ||
          largest <= kRounding * scale_) {
        break;
      }
      reference = next_reference(extrema);
    }
    return finish(best);
  }

 private:
  double position(double u) const {
    return (2 * u - interval_.low - interval_.high) / (interval_.high - interval_.low);
  }
  double place(double t) const {
    const double u = 0.5 * (interval_.low + interval_.high + t * (interval_.high - interval_.low));
    return std::clamp(u, interval_.low, interval_.high);
  }

  void make_grid() {
    for (size_t i = 0; i <= kGridPoints; ++i) {
      grid_.push_back(place(-std::cos(std::numbers::pi * static_cast<double>(i) / kGridPoints)));
    }
    const auto add = [&](double u) {
      if (u > interval_.low && u < interval_.high) grid_.push_back(u);
    };
    add(0);
    const double farthest = std::max(std::abs(interval_.low), std::abs(interval_.high));
    for (double u = kFinest; u < farthest; u *= kStep) {
      add(u);
      add(-u);
    }
    std::ranges::sort(grid_);
    grid_.erase(std::ranges::unique(grid_).begin(), grid_.end());
    for (const double u : grid_) {
      values_.push_back(function_(u));
      scale_ = std::max(scale_, std::abs(values_.back()));
    }
  }

  /// Chebyshev's points, or these pushed aside: the one on which E is largest. Where symmetry makes E zero,
  /// as for an even function and an even degree on points around 0, the exchange could not go on.
  Vector first_reference() const {
    Vector best;
    double largest = -1;
    for (const double push : {0.0, 0.2, -0.2, 0.4, -0.4}) {
      Vector reference(degree_ + 2);
      for (size_t i = 0; i < reference.size(); ++i) {
        const double t =
            -std::cos(std::numbers::pi * static_cast<double>(i) / static_cast<double>(reference.size() - 1));
        reference[i] = place(t + push * (1 - t * t));
      }
      Vector c;
      if (!level(reference, c) || std::abs(c.back()) <= largest) continue;
      largest = std::abs(c.back());
      best = std::move(reference);
    }
    return best;
  }

  /// The coefficients, and E behind them, of the p that alternates on the reference.
  bool level(const Vector& reference, Vector& c) const {
    const size_t size = reference.size();
    Matrix matrix(size, size);
    c.resize(size);
    for (size_t row = 0; row < size; ++row) {
      const double t = position(reference[row]);
      matrix(row, 0) = 1;
      if (degree_ > 0) matrix(row, 1) = t;
      for (size_t j = 2; j <= degree_; ++j) matrix(row, j) = 2 * t * matrix(row, j - 1) - matrix(row, j - 2);
      matrix(row, size - 1) = row % 2 == 0 ? 1 : -1;
      c[row] = function_(reference[row]);
    }
    return solve(std::move(matrix), c);
  }

  /// Of every stretch of the interval on which the error has one sign, the place where it is largest.
  template <typename Polynomial>
  std::vector<Extremum> find_extrema(const Polynomial& polynomial) const {
    std::vector<Extremum> found;
    std::vector<size_t> where;
    for (size_t i = 0; i < grid_.size(); ++i) {
      const double error = values_[i] - polynomial(grid_[i]);
      if (found.empty() || std::signbit(error) != std::signbit(found.back().error)) {
        found.push_back({grid_[i], error});
        where.push_back(i);
      } else if (std::abs(error) > std::abs(found.back().error)) {
        found.back() = {grid_[i], error};
        where.back() = i;
      }
    }
    for (size_t i = 0; i < found.size(); ++i) sharpen(found[i], where[i], polynomial);
    return found;
  }

  /// Golden-section search between the neighbours on the grid.
  template <typename Polynomial>
  void sharpen(Extremum& extremum, size_t at, const Polynomial& polynomial) const {
    constexpr size_t kSteps = 60;
    const double ratio = 1 / std::numbers::phi;
    const auto error = [&](double u) { return function_(u) - polynomial(u); };
    double low = grid_[at == 0 ? 0 : at - 1];
    double high = grid_[std::min(at + 1, grid_.size() - 1)];
    for (size_t i = 0; i < kSteps && high > low; ++i) {
      const double left = high - ratio * (high - low);
      const double right = low + ratio * (high - low);
      const double left_error = error(left);
      const double right_error = error(right);
      for (const auto& [u, value] : {Extremum{left, left_error}, Extremum{right, right_error}}) {
        if (std::signbit(value) == std::signbit(extremum.error) &&
            std::abs(value) > std::abs(extremum.error)) {
          extremum = {u, value};
        }
      }
      (std::abs(left_error) < std::abs(right_error) ? low : high) =
          std::abs(left_error) < std::abs(right_error) ? left : right;
    }
  }

  static double largest_error(const std::vector<Extremum>& extrema) {
    double largest = 0;
    for (const Extremum& extremum : extrema) largest = std::max(largest, std::abs(extremum.error));
    return largest;
  }

  /// As many extrema in a row as a reference has, the largest among them: the lesser end is dropped.
  Vector next_reference(std::vector<Extremum> extrema) const {
    while (extrema.size() > degree_ + 2) {
      if (std::abs(extrema.front().error) < std::abs(extrema.back().error)) {
        extrema.erase(extrema.begin());
      } else {
        extrema.pop_back();
      }
    }
    Vector reference;
    for (const Extremum& extremum : extrema) reference.push_back(extremum.place);
    return reference;
  }

  /// The polynomial in u, and its error.
  Approximation finish(const Vector& c) const {
    const double slope = 2 / (interval_.high - interval_.low);
    const double shift = -(interval_.low + interval_.high) / (interval_.high - interval_.low);
    Vector sum(std::max<size_t>(2, c.size()));
    Vector before(sum.size());
    Vector current(sum.size());
    current[0] = 1;
    for (size_t j = 0; j < c.size(); ++j) {
      for (size_t i = 0; i < sum.size(); ++i) sum[i] += c[j] * current[i];
      Vector next(sum.size());
      const double factor = j == 0 ? 1 : 2;
      for (size_t i = 0; i < sum.size(); ++i) {
        next[i] = factor * (shift * current[i] + (i > 0 ? slope * current[i - 1] : 0)) - before[i];
      }
      before = std::exchange(current, std::move(next));
    }
    drop_rounding(sum);
    return {{sum}, largest_error(find_extrema([&](double u) { return horner(sum, u); }))};
  }

  /// What symmetry makes zero comes out as rounding.
  void drop_rounding(Vector& c) const {
    constexpr double kNoise = 1e-13;
    const double farthest = std::max(std::abs(interval_.low), std::abs(interval_.high));
    double largest = 0;
    for (size_t i = 0; i < c.size(); ++i) {
      largest = std::max(largest, std::abs(c[i]) * std::pow(farthest, static_cast<double>(i)));
    }
    for (size_t i = 0; i < c.size(); ++i) {
      if (std::abs(c[i]) * std::pow(farthest, static_cast<double>(i)) <= kNoise * largest) c[i] = 0;
    }
  }

  const std::function<double(double)>& function_;
  const Interval interval_;
  const size_t degree_;
  Vector grid_;
  Vector values_;
  double scale_ = 0;
};

}  // namespace

Approximation remez(const std::function<double(double)>& function, Interval interval, size_t degree) {
  return Remez(function, interval, degree).run();
}

}  // namespace cryptotl

#include "cryptotl/learn/imitation.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include "cryptotl/learn/metrics.h"
#include "random_order.h"

namespace cryptotl {
namespace {

constexpr size_t kFewest = 4;
constexpr double kRidgePenalties[] = {1e-8, 1e-6, 1e-4, 1e-2, 1};  // times the kernel's mean diagonal

/// Box and Muller's.
double gaussian(Random& random) {
  const double radius = std::sqrt(-2 * std::log(uniform(random, 0x1p-53, 1)));
  return radius * std::cos(2 * std::numbers::pi * uniform(random, 0, 1));
}

Matrix first_rows(const Matrix& of, size_t from, size_t to) {
  std::vector<size_t> index(to - from);
  std::iota(index.begin(), index.end(), from);
  return take_rows(of, index);
}

std::vector<double> mean_row(const Matrix& rows) {
  std::vector<double> out(rows.cols);
  for (size_t r = 0; r < rows.rows; ++r) {
    for (size_t c = 0; c < rows.cols; ++c) out[c] += rows(r, c) / static_cast<double>(rows.rows);
  }
  return out;
}

/// Mean square distance of rows from `centre`.
double scatter(const Matrix& rows, std::span<const double> centre) {
  double sum = 0;
  for (size_t r = 0; r < rows.rows; ++r) {
    for (size_t c = 0; c < rows.cols; ++c) sum += (rows(r, c) - centre[c]) * (rows(r, c) - centre[c]);
  }
  return sum / static_cast<double>(rows.rows);
}

/// [a.rows][b.rows] of (1 + x y)^3.
Matrix cubic_kernel(const Matrix& a, const Matrix& b) {
  Matrix out(a.rows, b.rows);
  for (size_t i = 0; i < a.rows; ++i) {
    const auto x = a.row(i);
    for (size_t j = 0; j < b.rows; ++j) {
      const auto y = b.row(j);
      const double product = std::inner_product(x.begin(), x.end(), y.begin(), 1.0);
      out(i, j) = product * product * product;
    }
  }
  return out;
}

/// Solves (kernel + penalty) x = right for symmetric positive definite matrices, by Cholesky; `right` becomes
/// x. False where rounding leaves the matrix indefinite.
bool solve(Matrix kernel, double penalty, Matrix& right) {
  const size_t n = kernel.rows;
  for (size_t j = 0; j < n; ++j) {
    kernel(j, j) += penalty;
    for (size_t i = j; i < n; ++i) {
      const auto a = kernel.row(i).first(j), b = kernel.row(j).first(j);
      const double value = kernel(i, j) - std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
      if (i == j && !(value > 0)) return false;
      kernel(i, j) = i == j ? std::sqrt(value) : value / kernel(j, j);
    }
  }
  const auto subtract = [&](size_t to, size_t from, double factor) {
    for (size_t c = 0; c < right.cols; ++c) right(to, c) -= factor * right(from, c);
  };
  for (size_t i = 0; i < n; ++i) {
    for (size_t k = 0; k < i; ++k) subtract(i, k, kernel(i, k));
    for (double& value : right.row(i)) value /= kernel(i, i);
  }
  for (size_t i = n; i-- > 0;) {
    for (size_t k = i + 1; k < n; ++k) subtract(i, k, kernel(k, i));
    for (double& value : right.row(i)) value /= kernel(i, i);
  }
  return true;
}

/// a b.
Matrix product(const Matrix& a, const Matrix& b) {
  Matrix out(a.rows, b.cols);
  for (size_t i = 0; i < a.rows; ++i) {
    for (size_t k = 0; k < a.cols; ++k) {
      for (size_t c = 0; c < b.cols; ++c) out(i, c) += a(i, k) * b(k, c);
    }
  }
  return out;
}

double square_distance(const Matrix& a, const Matrix& b) {
  double sum = 0;
  for (size_t i = 0; i < a.values.size(); ++i)
    sum += (a.values[i] - b.values[i]) * (a.values[i] - b.values[i]);
  return sum;
}

void shift(Matrix& rows, std::span<const double> by, double sign) {
  for (size_t r = 0; r < rows.rows; ++r) {
    for (size_t c = 0; c < rows.cols; ++c) rows(r, c) += sign * by[c];
  }
}

/// What the copy that these answers give makes of other rows; rows are scaled already.
Matrix copied(const Matrix& asked, const Matrix& answers, const Matrix& others, double penalty) {
  const std::vector<double> mean = mean_row(answers);
  Matrix weights = answers;
  shift(weights, mean, -1);
  Matrix kernel = cubic_kernel(asked, asked);
  double diagonal = 0;
  for (size_t i = 0; i < kernel.rows; ++i) diagonal += kernel(i, i) / static_cast<double>(kernel.rows);
  if (!solve(std::move(kernel), penalty * diagonal, weights)) return Matrix(others.rows, answers.cols);
  Matrix out = product(cubic_kernel(others, asked), weights);
  shift(out, mean, 1);
  return out;
}

double best_penalty(const Matrix& asked, const Matrix& answers) {
  const size_t kept = asked.rows - std::max<size_t>(asked.rows / 5, 1);
  const Matrix first = first_rows(asked, 0, kept), known = first_rows(answers, 0, kept);
  const Matrix last = first_rows(asked, kept, asked.rows), wanted = first_rows(answers, kept, asked.rows);
  double best = kRidgePenalties[0], least = 0;
  for (const double penalty : kRidgePenalties) {
    const double error = square_distance(copied(first, known, last, penalty), wanted);
    if (penalty == kRidgePenalties[0] || error < least) {
      best = penalty;
      least = error;
    }
  }
  return best;
}

std::vector<int> called(const Matrix& features, const Dense& output_layer) {
  Network head{features.cols, {output_layer}};
  if (output_layer.bias.size() == 1) head.layers.emplace_back(Sigmoid{});
  return called_classes(forward(head, features));
}

std::vector<size_t> steps_to(size_t all) {
  std::vector<size_t> out;
  for (double step = kFewest; step < static_cast<double>(all); step *= std::numbers::sqrt2)
    out.push_back(static_cast<size_t>(std::lround(step)));
  if (out.empty() || out.back() != all) out.push_back(all);
  return out;
}

}  // namespace

Imitation imitate(const Network& lower, const Dense& output_layer, const Matrix& queries,
                  const Matrix& held_out, const ImitationOptions& options, const ProgressFunction& progress) {
  if (queries.rows < kFewest || held_out.rows == 0) {
    throw Error(ErrorCode::invalid_argument, "audit: " + std::to_string(queries.rows) + " queries and " +
                                                 std::to_string(held_out.rows) +
                                                 " rows held out; at least 4 and 1 are right");
  }
  const Matrix truth = forward(lower, held_out);
  const std::vector<int> labels = called(truth, output_layer);
  const double spread = std::sqrt(scatter(truth, mean_row(truth)) * static_cast<double>(truth.rows));
  Matrix answers = forward(lower, queries);
  Random random(options.seed);
  for (double& value : answers.values) value += options.noise * gaussian(random);

  Matrix asked = queries, others = held_out;
  const std::vector<double> centre = mean_row(asked);
  const double length = std::sqrt(scatter(asked, centre));
  for (Matrix* const rows : {&asked, &others}) {
    shift(*rows, centre, -1);
    for (double& value : rows->values) value /= length > 0 ? length : 1;
  }

  Imitation out;
  const std::vector<size_t> steps = steps_to(queries.rows);
  for (const size_t count : steps) {
    const Matrix known = first_rows(asked, 0, count), replies = first_rows(answers, 0, count);
    const Matrix copy = copied(known, replies, others, best_penalty(known, replies));
    const std::vector<int> guessed = called(copy, output_layer);
    size_t same = 0;
    for (size_t i = 0; i < labels.size(); ++i) same += guessed[i] == labels[i] ? 1 : 0;
    const double agreement = static_cast<double>(same) / static_cast<double>(labels.size());
    out.curve.push_back(
        {count, agreement, std::sqrt(square_distance(copy, truth)) / (spread > 0 ? spread : 1)});
    if (agreement < options.agreement) {
      out.queries.reset();
    } else if (!out.queries) {
      out.queries = count;
    }
    if (progress) progress(count, queries.rows);
  }
  return out;
}

}  // namespace cryptotl

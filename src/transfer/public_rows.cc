#include "transfer/public_rows.h"

#include <algorithm>
#include <cmath>
#include <random>

namespace cryptotl {
namespace {

constexpr size_t kRows = 384;
// Cosines between a row and the direction of a score's steepest rise: of rows of random directions they are
// about 1/sqrt(width), of a trained network's own classes more.
constexpr double kLeanings[] = {0, 0, 0.3, -0.3, 0.6, -0.6};

void normalise(std::span<double> row) {
  double square = 0;
  for (const double value : row) square += value * value;
  const double length = std::sqrt(square);
  for (double& value : row) value /= length > 0 ? length : 1;
}

/// Where the score rises from the middle of the range, [scores][width], by differences.
Matrix directions(const Network& scores) {
  constexpr double kStep = 1e-4;
  const size_t width = scores.input_width;
  Matrix probes(width + 1, width);
  std::ranges::fill(probes.values, 0.5);
  for (size_t c = 0; c < width; ++c) probes(c, c) += kStep;
  const Matrix values = forward(scores, probes);
  Matrix out(values.cols, width);
  for (size_t s = 0; s < out.rows; ++s) {
    for (size_t c = 0; c < width; ++c) out(s, c) = (values(c, s) - values(width, s)) / kStep;
    normalise(out.row(s));
  }
  return out;
}

/// The standard fixes the engine's numbers: the same rows everywhere.
double uniform(std::mt19937_64& engine) { return static_cast<double>(engine() >> 11) * 0x1p-53; }

/// Of a random direction: a sum of uniform numbers is round enough.
void fill_random(std::span<double> row, std::mt19937_64& engine) {
  for (double& value : row) {
    value = -4;
    for (int i = 0; i < 8; ++i) value += uniform(engine);
  }
  normalise(row);
}

}  // namespace

Matrix public_rows(const Network& scores, bool of_length_1, double range) {
  std::mt19937_64 engine(0);
  Matrix out(kRows, scores.input_width);
  if (!of_length_1) {
    for (double& value : out.values) value = uniform(engine);
    return out;
  }
  const Matrix rises = directions(scores);
  for (size_t r = 0; r < out.rows; ++r) {
    const std::span<double> row = out.row(r);
    fill_random(row, engine);
    const double leaning = kLeanings[r % std::size(kLeanings)];
    const auto rise = rises.row(r / std::size(kLeanings) % rises.rows);
    double already = 0;
    for (size_t c = 0; c < row.size(); ++c) already += row[c] * rise[c];
    if (leaning != 0) {
      for (size_t c = 0; c < row.size(); ++c) row[c] -= already * rise[c];
      normalise(row);
      for (size_t c = 0; c < row.size(); ++c)
        row[c] = std::sqrt(1 - leaning * leaning) * row[c] + leaning * rise[c];
    }
    for (double& value : row) value = (value + range) / (2 * range);
  }
  return out;
}

}  // namespace cryptotl

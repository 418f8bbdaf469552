#include "cryptotl/ckks/release.h"

#include <algorithm>
#include <cmath>
#include <sstream>

#include "cryptotl/base/error.h"
#include "cryptotl/ckks/gaussian.h"

namespace cryptotl {
namespace {

constexpr double kLeastBits = 1;
constexpr double kMostBits = 128;
constexpr double kGridShare = 8;  // of the error: rounding two values apart by it moves them by so much less

void require(bool holds, const std::string& what) {
  if (!holds) throw Error(ErrorCode::invalid_argument, "release: " + what);
}

/// A power of two, at most an eighth of the error: rounding to it puts values of two keys apart by no more
/// than an eighth beyond the error.
double grid_of(double error) { return std::exp2(std::floor(std::log2(error / kGridShare))); }

}  // namespace

double release_deviation(double error, size_t values, const ReleasePolicy& policy) {
  require(values > 0, "no values");
  require(std::isfinite(error) && error > 0, "an error bound that is not a positive number");
  require(std::isfinite(policy.releases) && policy.releases >= 1,
          "releases that are not a number of at least 1");
  require(policy.bits >= kLeastBits && policy.bits <= kMostBits, "bits of security out of 1 to 128");
  const double norm = error * (1 + 1 / kGridShare) * std::sqrt(static_cast<double>(values));
  return 8 * std::sqrt(policy.releases) * std::exp2(policy.bits / 2) * norm;
}

std::vector<double> release(std::span<const double> values, double error, const ReleasePolicy& policy) {
  const double grid = grid_of(error);
  std::vector<WideInteger> noise(values.size());
  sample_gaussian(release_deviation(error, values.size(), policy) / grid, noise);
  std::vector<double> out;
  for (size_t i = 0; i < values.size(); ++i) {
    const double units = values[i] / grid;
    if (!(std::abs(units) < 0x1p62))
      throw Error(ErrorCode::too_large, "release: a value beyond 2^62 units of its rounding");
    out.push_back(static_cast<double>(std::llrint(units) + noise[i]) * grid);
  }
  return out;
}

}  // namespace cryptotl

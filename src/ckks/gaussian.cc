#include "cryptotl/ckks/gaussian.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>

#include "cryptotl/base/error.h"
#include "cryptotl/base/secret_buffer.h"

namespace cryptotl {
namespace {

constexpr size_t kBatch = 512;
constexpr double kNarrow = 0x1p40;  // up to here a double's last bit is far below 1
constexpr double kFineDeviation = 0x1p36;
constexpr int kGridBits = 32;

/// In (0, 1], to the relative precision of a double down to 2^-128.
double uniform(uint64_t high, Xof& stream) {
  if (high >> 32 != 0) return (static_cast<double>(high) + 0.5) * 0x1p-64;
  uint64_t low = 0;
  stream.fill({reinterpret_cast<uint8_t*>(&low), sizeof(low)});
  return static_cast<double>(high) * 0x1p-64 + (static_cast<double>(low) + 0.5) * 0x1p-128;
}

/// Adds Gaussians of this deviation, rounded, times 2^shift.
void add_gaussians(Xof& stream, double deviation, int shift, std::span<WideInteger> out) {
  SecretBuffer<uint64_t> words(kBatch);
  const auto add = [&](WideInteger& to, double value) {
    to += static_cast<WideInteger>(std::llrint(value)) * (WideInteger{1} << shift);
  };
  for (size_t start = 0; start < out.size(); start += kBatch) {
    stream.fill({reinterpret_cast<uint8_t*>(words.data()), kBatch * sizeof(uint64_t)});
    const size_t end = std::min(out.size(), start + kBatch);
    for (size_t i = start; i < end; i += 2) {
      const double radius = deviation * std::sqrt(-2 * std::log(uniform(words[i - start], stream)));
      const double angle = 2 * std::numbers::pi * 0x1p-64 * static_cast<double>(words[i - start + 1]);
      add(out[i], radius * std::cos(angle));
      if (i + 1 < end) add(out[i + 1], radius * std::sin(angle));
    }
  }
}

}  // namespace

void sample_gaussian(double deviation, std::span<WideInteger> out) {
  SecretBuffer<Seed> seed(1);
  random_bytes(seed[0]);
  Xof stream(seed[0], Label("gaussian").view());
  sample_gaussian_from(stream, deviation, out);
}

void sample_gaussian_from(Xof& stream, double deviation, std::span<WideInteger> out) {
  if (!(deviation >= 0 && deviation <= kLargestGaussianDeviation)) {
    throw Error(ErrorCode::invalid_argument,
                "a Gaussian of standard deviation " + std::to_string(deviation) + "; right are 0 to 2^122");
  }
  std::ranges::fill(out, WideInteger{0});
  // From the finest grid to one on which the rest is narrow.
  int shift = 0;
  for (; deviation > kNarrow; shift += kGridBits) {
    add_gaussians(stream, kFineDeviation, shift, out);
    deviation = std::sqrt(deviation * deviation - kFineDeviation * kFineDeviation) * std::exp2(-kGridBits);
  }
  add_gaussians(stream, deviation, shift, out);
}

}  // namespace cryptotl

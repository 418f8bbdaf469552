#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <numbers>

#include "cryptotl/base/secret_buffer.h"
#include "cryptotl/ckks/gaussian.h"

namespace cryptotl {
namespace {

constexpr size_t kLayers = 256;
constexpr double kTailEdge = 3.6541528853610088;  // where that many layers of one area end in the peak
constexpr size_t kBatch = 512;

double density(double x) { return std::exp(-x * x / 2); }

/// Layers of one area over each other under the curve: layer i reaches from 0 to edges[i], and the curve
/// leaves it at edges[i + 1]. The lowest is as wide as if it held the tail.
struct Ziggurat {
  std::array<double, kLayers + 1> edges;
  std::array<double, kLayers + 1> heights;  ///< of the curve at the edges

  Ziggurat() {
    const double tail = std::sqrt(std::numbers::pi / 2) * std::erfc(kTailEdge / std::numbers::sqrt2);
    const double area = kTailEdge * density(kTailEdge) + tail;
    edges[0] = area / density(kTailEdge);
    edges[1] = kTailEdge;
    for (size_t i = 1; i + 1 < kLayers; ++i)
      edges[i + 1] = std::sqrt(-2 * std::log(density(edges[i]) + area / edges[i]));
    edges[kLayers] = 0;
    for (size_t i = 0; i <= kLayers; ++i) heights[i] = density(edges[i]);
  }
};

class Draw {
 public:
  explicit Draw(Xof& stream) : stream_(stream), words_(kBatch) {}

  /// Its 53 highest bits say where in a layer, the lowest 8 which layer, one more the sign.
  double operator()() {
    static const Ziggurat ziggurat;
    for (;;) {
      const uint64_t word = next();
      const size_t layer = word % kLayers;
      const double x = unit(word) * ziggurat.edges[layer];
      const uint64_t sign = word << 55 & uint64_t{1} << 63;
      const auto signed_of = [&](double value) {
        return std::bit_cast<double>(std::bit_cast<uint64_t>(value) ^ sign);
      };
      if (x < ziggurat.edges[layer + 1]) return signed_of(x);
      if (layer == 0) return signed_of(tail());
      const double height = std::lerp(ziggurat.heights[layer], ziggurat.heights[layer + 1], unit(next()));
      if (height < density(x)) return signed_of(x);
    }
  }

 private:
  static double unit(uint64_t word) { return static_cast<double>(word >> 11) * 0x1p-53; }

  uint64_t next() {
    if (used_ == kBatch) {
      stream_.fill({reinterpret_cast<uint8_t*>(words_.data()), kBatch * sizeof(uint64_t)});
      used_ = 0;
    }
    return words_[used_++];
  }

  /// Beyond the last edge, after Marsaglia (1964).
  double tail() {
    const auto positive = [&] { return (static_cast<double>(next() >> 11) + 0.5) * 0x1p-53; };
    for (;;) {
      const double x = -std::log(positive()) / kTailEdge;
      const double y = -std::log(positive());
      if (2 * y > x * x) return kTailEdge + x;
    }
  }

  Xof& stream_;
  SecretBuffer<uint64_t> words_;
  size_t used_ = kBatch;
};

}  // namespace

void sample_normal_from(Xof& stream, std::span<double> out) {
  Draw draw(stream);
  std::ranges::generate(out, [&] { return draw(); });
}

}  // namespace cryptotl

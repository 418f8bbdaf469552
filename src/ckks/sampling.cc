#include "cryptotl/ckks/sampling.h"

#include <algorithm>
#include <cstring>

#include "cryptotl/base/secret_buffer.h"

namespace cryptotl {

namespace {

/// How many of the lowest 42 bits are set: by sums of neighbours, since a processor's own instruction is not
/// on every x86-64.
uint64_t ones_of_42(uint64_t bits) {
  bits &= (uint64_t{1} << 42) - 1;
  bits -= bits >> 1 & 0x5555555555555555;
  bits = (bits & 0x3333333333333333) + (bits >> 2 & 0x3333333333333333);
  bits = (bits + (bits >> 4)) & 0x0f0f0f0f0f0f0f0f;
  return bits * 0x0101010101010101 >> 56;
}

}  // namespace

void sample_ternary(std::span<int8_t> out) {
  SecretBuffer<Seed> seed(1);
  random_bytes(seed[0]);
  Xof stream(seed[0], Label("ternary").view());
  sample_ternary_from(stream, out);
}

void sample_ternary_from(Xof& stream, std::span<int8_t> out) {
  SecretBuffer<uint8_t> draws(4096);
  size_t done = 0;
  while (done < out.size()) {
    stream.fill(draws.span());
    for (size_t i = 0; i < draws.size() && done < out.size(); ++i) {
      // 252 = 3 * 84: below it the remainder is uniform.
      const uint32_t draw = draws[i];
      out[done] = static_cast<int8_t>(static_cast<int>(draw % 3) - 1);
      done += draw < 252 ? 1 : 0;
    }
  }
}

void sample_error(std::span<int8_t> out) {
  SecretBuffer<Seed> seed(1);
  random_bytes(seed[0]);
  Xof stream(seed[0], Label("error").view());
  sample_error_from(stream, out);
}

void sample_error_from(Xof& stream, std::span<int8_t> out) {
  // The sum of 21 bits less that of 21 more is as the sum of 42 bits less 21: a bit and its complement are
  // alike.
  constexpr size_t kBytes = 6;
  constexpr size_t kBatch = 512;
  SecretBuffer<uint8_t> draws(kBatch * kBytes + 2);
  for (size_t start = 0; start < out.size(); start += kBatch) {
    stream.fill(draws.span().first(kBatch * kBytes));
    for (size_t i = start; i < std::min(out.size(), start + kBatch); ++i) {
      uint64_t draw = 0;
      std::memcpy(&draw, draws.data() + (i - start) * kBytes, sizeof(draw));
      out[i] = static_cast<int8_t>(static_cast<int>(ones_of_42(draw)) - 21);
    }
  }
}

}  // namespace cryptotl

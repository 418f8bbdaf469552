#include "cryptotl/ckks/sampling.h"

#include <array>
#include <bit>
#include <cstring>

#include "cryptotl/base/secret_buffer.h"

namespace cryptotl {

void sample_ternary(std::span<int8_t> out) {
  SecretBuffer<uint8_t> draws(1024);
  size_t done = 0;
  while (done < out.size()) {
    random_bytes(draws.span());
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
  sample_error(stream, out);
}

void sample_error(Xof& stream, std::span<int8_t> out) {
  constexpr uint64_t kMask = (uint64_t{1} << 21) - 1;
  constexpr size_t kBatch = 512;
  SecretBuffer<uint64_t> draws(kBatch);
  for (size_t start = 0; start < out.size(); start += kBatch) {
    stream.fill({reinterpret_cast<uint8_t*>(draws.data()), kBatch * sizeof(uint64_t)});
    for (size_t i = start; i < std::min(out.size(), start + kBatch); ++i) {
      const uint64_t draw = draws[i - start];
      out[i] = static_cast<int8_t>(std::popcount(draw & kMask) - std::popcount((draw >> 21) & kMask));
    }
  }
}

}  // namespace cryptotl

#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <span>
#include <utility>

namespace cryptotl {

/// Random numbers of experiments and training, never of cryptography: the standard fixes the engine's output,
/// and what is made of it stands here, since the standard's distributions differ between libraries.
using Random = std::mt19937_64;

/// Uniform in [0, bound). The bias is below bound / 2^64.
inline size_t below(Random& random, size_t bound) {
  return static_cast<size_t>((static_cast<unsigned __int128>(random()) * bound) >> 64);
}

/// Uniform in [low, high).
inline double uniform(Random& random, double low, double high) {
  return low + (high - low) * (static_cast<double>(random() >> 11) * 0x1p-53);
}

/// Fisher and Yates' shuffle.
template <typename T>
void shuffle(std::span<T> items, Random& random) {
  for (size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[below(random, i)]);
}

}  // namespace cryptotl

#pragma once

#include <algorithm>
#include <random>

#include "cryptotl/base/aligned.h"
#include "cryptotl/rns/modulus.h"

namespace cryptotl {

using Words = AlignedVector<uint32_t>;

/// `n` numbers below `bound`, the edges 0, 1 and those beside each multiple of q first.
inline Words random_words(size_t n, uint32_t bound, uint32_t q, uint64_t seed) {
  std::mt19937_64 random(seed);
  Words words(n);
  for (uint32_t& word : words) word = static_cast<uint32_t>(random() % bound);
  size_t i = 0;
  for (uint64_t multiple = 0; multiple <= bound; multiple += q) {
    for (const int64_t step : {-1, 0, 1}) {
      const int64_t edge = static_cast<int64_t>(multiple) + step;
      if (edge >= 0 && edge < bound && i < n) words[i++] = static_cast<uint32_t>(edge);
    }
  }
  std::shuffle(words.begin(), words.end(), random);
  return words;
}

inline Words random_residues(size_t n, const Modulus& q, uint64_t seed) {
  return random_words(n, q.value(), q.value(), seed);
}

/// The product modulo X^N + 1 by the schoolbook, in 128-bit integers.
inline Words negacyclic_product(const Words& a, const Words& b, const Modulus& q) {
  const size_t n = a.size();
  Words product(n);
  for (size_t k = 0; k < n; ++k) {
    __extension__ __int128 sum = 0;
    for (size_t i = 0; i < n; ++i) {
      const uint64_t term = static_cast<uint64_t>(a[i]) * b[(k + n - i) % n];
      sum += i <= k ? static_cast<__int128>(term) : -static_cast<__int128>(term);
    }
    const int64_t rest = static_cast<int64_t>(sum % q.value());
    product[k] = q.reduce(rest);
  }
  return product;
}

/// p(X^g) modulo X^N + 1, on coefficients.
inline Words substitute(const Words& p, uint32_t g, const Modulus& q) {
  const size_t n = p.size();
  Words result(n);
  for (size_t i = 0; i < n; ++i) {
    const size_t exponent = i * g % (2 * n);
    result[exponent % n] = exponent < n ? p[i] : q.negate(p[i]);
  }
  return result;
}

}  // namespace cryptotl

#include "cryptotl/rns/kernels.h"

#include <gmock/gmock.h>

#include <bit>
#include <cstdio>
#include <cstdlib>
#include <functional>

#include "cryptotl/base/error.h"
#include "rns/kernel_test.h"
#include "rns/polynomials.h"

namespace cryptotl {
namespace {

// Multiples of 16 with every remainder modulo 64, and whole transforms.
constexpr size_t kLengths[] = {16, 32, 48, 64, 80, 1024, 2048, 4096, 8192, 8208, 16384};

const Modulus kPrimes[] = {Modulus(1048583), Modulus(536903681), Modulus(1073692673), Modulus(1073741789)};

TEST(SelectKernels, RefusesUnknownNamesAndSaysWhichThereAre) {
  const std::string before(kernels().name);
  for (const std::string name : {"", "AVX2", "neon", "avx5"}) {
    try {
      select_kernels(name);
      FAIL() << "took '" << name << "'";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
      EXPECT_THAT(error.what(), testing::HasSubstr("'" + name + "'"));
      for (const KernelTable* table : available_kernels()) {
        EXPECT_THAT(error.what(), testing::HasSubstr(std::string(table->name)));
      }
    }
  }
  EXPECT_EQ(kernels().name, before);
}

TEST(SelectKernels, MakesTheNamedTableTheCurrentOne) {
  const KernelTable& before = kernels();
  for (const KernelTable* table : available_kernels()) {
    select_kernels(table->name);
    EXPECT_EQ(&kernels(), table);
  }
  select_kernels(before.name);
}

TEST(AvailableKernels, BeginWithScalarAndHaveCodeOfTheirOwn) {
  const auto tables = available_kernels();
  ASSERT_FALSE(tables.empty());
  EXPECT_EQ(tables[0]->name, "scalar");
  for (size_t i = 1; i < tables.size(); ++i) {
    EXPECT_NE(tables[i]->name, tables[i - 1]->name);
    EXPECT_NE(tables[i]->ntt_forward, tables[i - 1]->ntt_forward);
    EXPECT_NE(tables[i]->dot_pairs, tables[i - 1]->dot_pairs);
  }
}

TEST(AvailableKernels, TheBestIsTakenUnlessTheEnvironmentForcesAnother) {
  const char* const forced = std::getenv("CRYPTOTL_ISA");
  EXPECT_EQ(kernels().name, forced != nullptr ? forced : available_kernels().back()->name);
}

// The environment counts at a process's first use of the kernels, so each case runs in a process of its own.
class ForcedKernelsDeathTest : public testing::Test {
 protected:
  ForcedKernelsDeathTest() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }

  [[noreturn]] static void use_kernels_under(const std::string& name) {
    setenv("CRYPTOTL_ISA", name.c_str(), 1);
    try {
      std::exit(kernels().name == name ? 0 : 1);
    } catch (const Error& error) {
      std::fputs(error.what(), stderr);
      std::exit(2);
    }
  }
};

TEST_F(ForcedKernelsDeathTest, RefuseNamesThatThisMachineLacks) {
  EXPECT_EXIT(use_kernels_under("neon"), testing::ExitedWithCode(2), "kernels 'neon'.*scalar");
  EXPECT_EXIT(use_kernels_under(""), testing::ExitedWithCode(2), "kernels ''.*scalar");
}

TEST_F(ForcedKernelsDeathTest, RunWhereTheEnvironmentNamesThem) {
  for (const KernelTable* table : available_kernels()) {
    EXPECT_EXIT(use_kernels_under(std::string(table->name)), testing::ExitedWithCode(0), "");
  }
}

class ElementwiseTest : public KernelTest {
 protected:
  using Kernel = std::function<void(const KernelTable&, uint32_t* out, const uint32_t* a, const uint32_t* b,
                                    size_t n, const Modulus& q)>;
  using Formula = std::function<uint64_t(uint64_t out, uint64_t a, uint64_t b, const Modulus& q)>;

  // Holds the kernel against the formula (to be reduced mod q), apart from and onto its own inputs.
  void check(const Kernel& kernel, const Formula& formula, uint32_t bound_of_b_over_q = 1) {
    for (const Modulus& q : kPrimes) {
      for (const size_t n : kLengths) {
        const Words a = random_residues(n, q, n);
        const Words b = random_words(n, bound_of_b_over_q * q.value(), q.value(), n + 1);
        const Words old = random_residues(n, q, n + 2);
        Words expected(n);
        for (size_t i = 0; i < n; ++i) {
          expected[i] = static_cast<uint32_t>(formula(old[i], a[i], b[i], q) % q.value());
        }
        Words out = old;
        kernel(table(), out.data(), a.data(), b.data(), n, q);
        ASSERT_EQ(out, expected) << "n=" << n << ", q=" << q.value();

        for (size_t i = 0; i < n; ++i) {
          expected[i] = static_cast<uint32_t>(formula(a[i], a[i], b[i], q) % q.value());
        }
        out = a;
        kernel(table(), out.data(), out.data(), b.data(), n, q);
        ASSERT_EQ(out, expected) << "in place, n=" << n << ", q=" << q.value();
      }
    }
  }
};
CRYPTOTL_FOR_ALL_KERNELS(ElementwiseTest);

TEST_P(ElementwiseTest, AddIsCorrect) {
  check([](auto& k, auto out, auto a, auto b, auto n, auto& q) { k.add(out, a, b, n, q); },
        [](auto, auto a, auto b, auto&) { return a + b; });
}

TEST_P(ElementwiseTest, SubtractIsCorrect) {
  check([](auto& k, auto out, auto a, auto b, auto n, auto& q) { k.subtract(out, a, b, n, q); },
        [](auto, auto a, auto b, auto& q) { return a + q.value() - b; });
}

TEST_P(ElementwiseTest, NegateIsCorrect) {
  check([](auto& k, auto out, auto a, auto, auto n, auto& q) { k.negate(out, a, n, q); },
        [](auto, auto a, auto, auto& q) { return q.value() - a; });
}

TEST_P(ElementwiseTest, MultiplyIsCorrect) {
  check([](auto& k, auto out, auto a, auto b, auto n, auto& q) { k.multiply(out, a, b, n, q); },
        [](auto, auto a, auto b, auto&) { return a * b; });
}

TEST_P(ElementwiseTest, MultiplyMontgomeryTakesOneOperandInMontgomeryForm) {
  check([](auto& k, auto out, auto a, auto b, auto n, auto& q) { k.multiply_montgomery(out, a, b, n, q); },
        [](auto, auto a, auto b, auto& q) { return a * b % q.value() * q.inverse(q.to_montgomery(1)); });
}

TEST_P(ElementwiseTest, MultiplyAddIsCorrect) {
  check([](auto& k, auto out, auto a, auto b, auto n, auto& q) { k.multiply_add(out, a, b, n, q); },
        [](auto out, auto a, auto b, auto&) { return out + a * b; });
}

TEST_P(ElementwiseTest, MultiplyScalarIsCorrectAtTheEdges) {
  for (const uint32_t from_q : {0u, 1u, 2u, 12345u}) {
    const auto scalar_for = [from_q](const Modulus& q) {
      return from_q < 2 ? from_q : q.value() - from_q + 1;
    };
    check([&](auto& k, auto out, auto a, auto, auto n,
              auto& q) { k.multiply_scalar(out, a, scalar_for(q), n, q); },
          [&](auto, auto a, auto, auto& q) { return a * scalar_for(q); });
  }
}

TEST_P(ElementwiseTest, SubtractMultiplyScalarTakesALazySubtrahend) {
  for (const uint32_t from_q : {0u, 1u, 2u, 12345u}) {
    const auto scalar_for = [from_q](const Modulus& q) {
      return from_q < 2 ? from_q : q.value() - from_q + 1;
    };
    check([&](auto& k, auto out, auto a, auto b, auto n,
              auto& q) { k.subtract_multiply_scalar(out, a, b, scalar_for(q), n, q); },
          [&](auto, auto a, auto b, auto& q) { return (a + 2 * uint64_t{q.value()} - b) * scalar_for(q); },
          2);
  }
}

class LiftTest : public KernelTest {
 protected:
  static constexpr uint32_t kLiftPrimes[] = {536903681,  1073741789, 1073692673, 536871017, 1073741783,
                                             1073741741, 805306457,  1073741723, 1073741719};
  /// One of them, or one that lies alike among those of fewer bits.
  static uint32_t lift_prime(size_t k, size_t bits) {
    uint32_t prime = kLiftPrimes[k] >> (30 - bits);
    while (!is_prime(prime)) prime += prime < 3u << (bits - 2) ? 1u : ~0u;
    return prime;
  }

  /// Digits for `count` primes: random, with the edges of each and, in the first places, those of all at
  /// once.
  struct Integers {
    Integers(size_t n, size_t count, uint64_t seed, size_t bits = 30) {
      for (size_t k = 0; k < count; ++k) {
        const uint32_t prime = lift_prime(k, bits);
        const uint32_t half = prime / 2;
        Words& digits = words.emplace_back(random_words(n, prime, prime, seed + k));
        const uint32_t edges[] = {0, half, half + 1, prime - 1, half - 1, 1};
        for (size_t i = 0; i < std::size(edges); ++i) digits[i] = edges[i];
        for (size_t i = 0; i < std::size(edges); ++i) digits[6 + i] = edges[(i + k) % std::size(edges)];
      }
      for (size_t k = 0; k < count; ++k) radix.push(words[k].data(), lift_prime(k, bits));
    }
    Integers(const Integers&) = delete;
    Integers& operator=(const Integers&) = delete;

    /// d_0 + p_0 (d_1 + ...) modulo q, the digits centred.
    uint32_t at(size_t i, const Modulus& q) const {
      uint32_t sum = 0;
      for (size_t k = radix.count; k-- > 0;) {
        const int64_t digit = words[k][i];
        const int64_t prime = radix.primes[k];
        const int64_t centred = 2 * digit > prime ? digit - prime : digit;
        sum = q.add(q.multiply(sum, static_cast<uint32_t>(prime % q.value())), q.reduce(centred));
      }
      return sum;
    }

    std::vector<Words> words;
    MixedRadix radix;
  };

  /// Calls `check` for every number of digits, prime of the target and length.
  template <typename Check>
  static void for_all(const Check& check) {
    for (size_t count = 1; count <= MixedRadix::kMaxDigits; ++count) {
      for (size_t target = 0; target < std::size(kLiftPrimes); ++target) {
        for (const size_t n : {16, 48, 64, 80, 1024}) {
          for (const size_t bits : {26, 30}) {
            const Integers x(n, count, n, bits);
            check(x, n, Modulus(lift_prime(target, bits)));
          }
        }
      }
    }
  }
};
CRYPTOTL_FOR_ALL_KERNELS(LiftTest);

TEST_P(LiftTest, LiftTakesIntegersInMixedRadixModuloThePrime) {
  for_all([&](const Integers& x, size_t n, const Modulus& q) {
    Words out(n);
    table().lift(out.data(), x.radix, n, q);
    for (size_t i = 0; i < n; ++i)
      ASSERT_EQ(out[i], x.at(i, q)) << x.radix.count << " " << q.value() << " " << i;
  });
}

TEST_P(LiftTest, SubtractLiftedTakesTheIntegersAwayAndMultiplies) {
  for_all([&](const Integers& x, size_t n, const Modulus& q) {
    for (const uint32_t scalar : {0u, 1u, q.value() - 1, 12345u}) {
      const Words a = random_residues(n, q, n + 1);
      Words expected(n);
      for (size_t i = 0; i < n; ++i) expected[i] = q.multiply(q.subtract(a[i], x.at(i, q)), scalar);
      Words out(n);
      table().subtract_lifted(out.data(), a.data(), x.radix, scalar, n, q);
      ASSERT_EQ(out, expected) << x.radix.count << " " << q.value() << " " << scalar;
      out = a;
      table().subtract_lifted(out.data(), out.data(), x.radix, scalar, n, q);
      ASSERT_EQ(out, expected) << "in place, " << x.radix.count << " " << q.value() << " " << scalar;
    }
  });
}

TEST_P(LiftTest, NttForwardLiftedIsTheTransformOfTheLiftAtAllSizes) {
  for (size_t log_n = 7; log_n <= 16; ++log_n) {
    for (const uint32_t below : {1u << 30, 900u << 20, (1u << 29) + (1u << 26), 1u << 26}) {
      const Modulus q(ntt_primes(below, uint32_t{2} << log_n, 1)[0]);
      const NttTables tables(q, log_n);
      for (size_t count = 1; count <= MixedRadix::kMaxDigits; ++count) {
        if (log_n > 13 && count % 3 != 1) continue;
        const Integers x(tables.n, count, log_n, static_cast<size_t>(std::bit_width(q.value())));
        Words expected(tables.n), out(tables.n);
        for (size_t i = 0; i < tables.n; ++i) expected[i] = x.at(i, q);
        scalar().ntt_forward(expected.data(), tables);
        table().ntt_forward_lifted(out.data(), x.radix, tables);
        ASSERT_EQ(out, expected) << "N=" << tables.n << ", q=" << q.value() << ", " << count << " digits";
      }
    }
  }
}

/// A sum of products with one operand in Montgomery form, in 128 bits.
class LazySum {
 public:
  void add(uint32_t a, uint32_t b) { sum_ += static_cast<uint64_t>(a) * b; }
  uint32_t modulo(const Modulus& q) const {
    return q.multiply(static_cast<uint32_t>(sum_ % q.value()), q.inverse(q.to_montgomery(1)));
  }

 private:
  __extension__ unsigned __int128 sum_ = 0;
};

class DotTest : public KernelTest {
 protected:
  void check_pairs(size_t count, size_t n, const Modulus& q, const Words& pairs, const Words& singles) {
    Words out0(n), out1(n);
    table().dot_pairs(out0.data(), out1.data(), pairs.data(), singles.data(), count, n, q);
    for (size_t i = 0; i < n; ++i) {
      LazySum sums[2];
      for (size_t j = 0; j < count; ++j) {
        const size_t term = i / 16 * count + j;
        for (size_t half = 0; half < 2; ++half)
          sums[half].add(pairs[(2 * term + half) * 16 + i % 16], singles[16 * term + i % 16]);
      }
      ASSERT_EQ(out0[i], sums[0].modulo(q)) << i << ", " << count;
      ASSERT_EQ(out1[i], sums[1].modulo(q)) << i << ", " << count;
    }
  }
  void check(size_t count, size_t n, const Modulus& q, const Words& a, const Words& b) {
    Words out(n);
    table().dot(out.data(), a.data(), b.data(), count, n, q);
    for (size_t i = 0; i < n; ++i) {
      LazySum sum;
      for (size_t j = 0; j < count; ++j) {
        const size_t at = (i / 16 * count + j) * 16 + i % 16;
        sum.add(a[at], b[at]);
      }
      ASSERT_EQ(out[i], sum.modulo(q)) << i << ", " << count;
    }
  }
};
CRYPTOTL_FOR_ALL_KERNELS(DotTest);

TEST_P(DotTest, SumsEveryCountOfTerms) {
  for (const Modulus& q : kPrimes) {
    for (size_t count = 1; count <= 16; ++count) {
      for (const size_t n : {16, 48, 1024}) {
        const Words pairs = random_residues(2 * count * n, q, count);
        const Words singles = random_residues(count * n, q, n);
        check_pairs(count, n, q, pairs, singles);
        check(count, n, q, pairs, singles);
      }
    }
  }
}

TEST_P(DotTest, HoldsTheLargestSums) {
  for (const Modulus& q : kPrimes) {
    for (size_t count = 1; count <= 16; ++count) {
      const Words pairs(2 * count * 64, q.value() - 1);
      const Words singles(count * 64, q.value() - 1);
      check_pairs(count, 64, q, pairs, singles);
      check(count, 64, q, pairs, singles);
    }
  }
}

TEST_P(DotTest, EqualsScalarOnWholeTransforms) {
  const Modulus q(1073692673);
  for (size_t n = 1024; n <= 16384; n *= 2) {
    for (const size_t count : {2, 5, 16}) {
      const Words pairs = random_residues(2 * count * n, q, n);
      const Words singles = random_residues(count * n, q, n + 1);
      Words out0(n), out1(n), expected0(n), expected1(n);
      table().dot_pairs(out0.data(), out1.data(), pairs.data(), singles.data(), count, n, q);
      scalar().dot_pairs(expected0.data(), expected1.data(), pairs.data(), singles.data(), count, n, q);
      ASSERT_EQ(out0, expected0) << n << ", " << count;
      ASSERT_EQ(out1, expected1) << n << ", " << count;
      table().dot(out0.data(), pairs.data(), singles.data(), count, n, q);
      scalar().dot(expected0.data(), pairs.data(), singles.data(), count, n, q);
      ASSERT_EQ(out0, expected0) << n << ", " << count;
    }
  }
}

class SwitchKeyTest : public KernelTest {
 protected:
  static constexpr size_t kLogN = 9;
  static constexpr size_t kN = size_t{1} << kLogN;
  static constexpr size_t kStride = kN + 32;  // between two digits

  struct Case {
    size_t count;
    bool joined, added;
    size_t first = 0;  ///< block
    size_t blocks = kN / 16;
    size_t out_block = 16;
    uint32_t galois_element = 3;
    size_t prefetch_words = 64;
  };

  /// Holds every word of both outputs to the contract's formula.
  void check(const Case& drawn, const Modulus& q,
             const std::function<Words(size_t n, uint64_t seed)>& words) {
    const Automorphism automorphism(kLogN, drawn.galois_element);
    const Words key = words(2 * drawn.count * kN, 1);
    const Words digits = words(drawn.count * kStride, 2);
    const Words joined = words(kN, 3);
    const Words added[2] = {words(kN, 4), words(kN, 5)};
    const size_t n = 16 * drawn.blocks;
    SwitchedBlocks in = {.key = key.data() + drawn.first * drawn.count * 32,
                         .digits = digits.data(),
                         .digit_stride = kStride,
                         .count = drawn.count,
                         .sources = automorphism.sources.data() + drawn.first,
                         .lanes = automorphism.lanes.data(),
                         .prefetch_words = drawn.prefetch_words};
    if (drawn.joined) in.joined = joined.data();
    for (size_t side = 0; side < 2 && drawn.added; ++side)
      in.added[side] = added[side].data() + 16 * drawn.first;
    Words out[2] = {Words(drawn.blocks * drawn.out_block, 77), Words(drawn.blocks * drawn.out_block, 78)};
    table().switch_key(out[0].data(), out[1].data(), drawn.out_block, in, n, q);

    for (size_t side = 0; side < 2; ++side) {
      // In the sources' order, then moved whole by the kernel that has a test of its own.
      Words sums(kN), moved(kN);
      for (size_t t = 0; t < kN / 16; ++t) {
        const size_t group = automorphism.sources[t] / 16 * 16;
        for (size_t l = 0; l < 16; ++l) {
          LazySum sum;
          for (size_t j = 0; j < drawn.count; ++j)
            sum.add(key[((t * drawn.count + j) * 2 + side) * 16 + l], digits[j * kStride + group + l]);
          sums[group + l] = sum.modulo(q);
          if (drawn.joined && side == 0) sums[group + l] = q.add(sums[group + l], joined[group + l]);
        }
      }
      scalar().permute(moved.data(), 16, sums.data(), automorphism);
      for (size_t i = 0; i < n; ++i) {
        const size_t at = 16 * drawn.first + i;
        const uint32_t expected = drawn.added ? q.add(moved[at], added[side][at]) : moved[at];
        ASSERT_EQ(out[side][i / 16 * drawn.out_block + i % 16], expected)
            << side << " " << i << ", " << drawn.count;
      }
      for (size_t i = 0; i < out[side].size(); ++i) {
        if (i % drawn.out_block >= 16) {
          ASSERT_EQ(out[side][i], 77u + side) << "wrote between the blocks, at " << i;
        }
      }
    }
  }
  void check(const Case& drawn, const Modulus& q) {
    check(drawn, q, [&](size_t n, uint64_t seed) { return random_residues(n, q, seed); });
  }
};
CRYPTOTL_FOR_ALL_KERNELS(SwitchKeyTest);

TEST_P(SwitchKeyTest, SumsMovesAndAddsForEveryNumberOfDigits) {
  for (const Modulus& q : kPrimes) {
    for (size_t count = 1; count <= 16; ++count) {
      for (const bool joined : {false, true}) {
        for (const bool added : {false, true}) check({count, joined, added}, q);
      }
    }
  }
}

TEST_P(SwitchKeyTest, HoldsTheLargestSums) {
  for (const Modulus& q : kPrimes) {
    for (size_t count = 1; count <= 16; ++count) {
      check({count, true, true}, q, [&](size_t n, uint64_t) { return Words(n, q.value() - 1); });
      check({count, true, true}, q, [&](size_t n, uint64_t) { return Words(n, 0); });
    }
  }
}

TEST_P(SwitchKeyTest, TakesAnyRangeOfBlocksAndDistanceBetweenThem) {
  const Modulus& q = kPrimes[2];
  for (const size_t count : {1, 3, 5}) {
    for (const size_t first : {0, 1, 8, 31}) {
      for (const size_t blocks : {1, 2, 7, 8, 32}) {
        if (first + blocks > kN / 16) continue;
        for (const size_t out_block : {16, 32, 48}) check({count, true, true, first, blocks, out_block}, q);
        check({count, false, false, first, blocks, 512}, q);
      }
    }
  }
}

TEST_P(SwitchKeyTest, MovesByEveryKindOfElementAndAsksAheadWithoutHarm) {
  const Modulus& q = kPrimes[3];
  for (const uint32_t element : {1u, 3u, 9u, 27u, uint32_t{2 * kN - 1}, uint32_t{kN + 1}, 5u}) {
    Case drawn{2, true, true};
    drawn.galois_element = element;
    for (const size_t words : {size_t{0}, size_t{16}, size_t{1} << 20}) {
      drawn.prefetch_words = words;
      check(drawn, q);
    }
  }
}

TEST_P(SwitchKeyTest, EqualsScalarOnWholeTransforms) {
  const Modulus q(1073692673);
  for (size_t log_n = 10; log_n <= 14; ++log_n) {
    const size_t n = size_t{1} << log_n;
    const Automorphism automorphism(log_n, 3);
    for (const size_t count : {1, 2, 3, 4, 6}) {
      const Words key = random_residues(2 * count * n, q, n);
      const Words digits = random_residues(count * n, q, n + 1);
      const SwitchedBlocks in = {.key = key.data(),
                                 .digits = digits.data(),
                                 .digit_stride = n,
                                 .count = count,
                                 .sources = automorphism.sources.data(),
                                 .lanes = automorphism.lanes.data(),
                                 .joined = digits.data(),
                                 .added = {key.data(), key.data() + n}};
      Words out0(n), out1(n), expected0(n), expected1(n);
      table().switch_key(out0.data(), out1.data(), 16, in, n, q);
      scalar().switch_key(expected0.data(), expected1.data(), 16, in, n, q);
      ASSERT_EQ(out0, expected0) << n << ", " << count;
      ASSERT_EQ(out1, expected1) << n << ", " << count;

      std::copy_n(in.added[0], n, out0.begin());
      std::copy_n(in.added[1], n, out1.begin());
      SwitchedBlocks onto = in;
      onto.added[0] = out0.data();
      onto.added[1] = out1.data();
      table().switch_key(out0.data(), out1.data(), 16, onto, n, q);
      ASSERT_EQ(out0, expected0) << "onto what is added, " << n << ", " << count;
      ASSERT_EQ(out1, expected1) << "onto what is added, " << n << ", " << count;
    }
  }
}

}  // namespace
}  // namespace cryptotl

#include "cryptotl/rns/kernels.h"

#include <gmock/gmock.h>

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

TEST_P(ElementwiseTest, LiftCenteredKeepsTheCentredRepresentative) {
  const Modulus primes[] = {Modulus(536903681), Modulus(1073692673), Modulus(1073741789)};
  for (const Modulus& from : primes) {
    for (const Modulus& to : primes) {
      for (const size_t n : kLengths) {
        Words a = random_residues(n, from, n);
        const uint32_t half = from.value() / 2;
        for (const uint32_t edge : {half - 1, half, half + 1}) a[edge % n] = edge;
        Words expected(n);
        for (size_t i = 0; i < n; ++i) {
          const int64_t centred = a[i] > half ? int64_t{a[i]} - from.value() : int64_t{a[i]};
          expected[i] = to.reduce(centred);
        }
        table().lift_centered(a.data(), a.data(), n, from, to);
        ASSERT_EQ(a, expected) << from.value() << " to " << to.value() << ", n=" << n;
      }
    }
  }
}

class DotPairsTest : public KernelTest {
 protected:
  // The contract's formula, with each sum in 128 bits.
  static uint32_t expected(const Words& pairs, const Words& singles, size_t single_block, size_t single_term,
                           size_t count, size_t half, size_t i, const Modulus& q) {
    __extension__ unsigned __int128 sum = 0;
    const size_t t = i / 16;
    for (size_t j = 0; j < count; ++j) {
      sum += static_cast<uint64_t>(pairs[((t * count + j) * 2 + half) * 16 + i % 16]) *
             singles[t * single_block + j * single_term + i % 16];
    }
    return q.multiply(static_cast<uint32_t>(sum % q.value()), q.inverse(q.to_montgomery(1)));
  }

  void check(size_t count, size_t n, const Modulus& q, const Words& pairs, const Words& singles,
             size_t single_block, size_t single_term, size_t out_block) {
    const size_t blocks = n / 16;
    Words out0(blocks * out_block, 77), out1(blocks * out_block, 78);
    table().dot_pairs(out0.data(), out1.data(), out_block, pairs.data(), singles.data(), single_block,
                      single_term, count, n, q);
    for (size_t i = 0; i < n; ++i) {
      const size_t at = i / 16 * out_block + i % 16;
      ASSERT_EQ(out0[at], expected(pairs, singles, single_block, single_term, count, 0, i, q))
          << i << ", " << count;
      ASSERT_EQ(out1[at], expected(pairs, singles, single_block, single_term, count, 1, i, q))
          << i << ", " << count;
    }
    for (size_t i = 0; i < out0.size(); ++i) {
      if (i % out_block >= 16) {
        ASSERT_EQ(out0[i], 77u) << "wrote between the blocks, at " << i;
        ASSERT_EQ(out1[i], 78u) << "wrote between the blocks, at " << i;
      }
    }
  }
};
CRYPTOTL_FOR_ALL_KERNELS(DotPairsTest);

TEST_P(DotPairsTest, SumsEveryCountOfTermsInBothLayoutsOfTheSingles) {
  for (const Modulus& q : kPrimes) {
    for (size_t count = 1; count <= 16; ++count) {
      for (const size_t n : {16, 48, 1024}) {
        const Words pairs = random_residues(2 * count * n, q, count);
        const Words singles = random_residues(count * n, q, n);
        check(count, n, q, pairs, singles, 16, n, 16);           // one polynomial after another
        check(count, n, q, pairs, singles, 16 * count, 16, 32);  // one stream of blocks
      }
    }
  }
}

TEST_P(DotPairsTest, HoldsTheLargestSums) {
  for (const Modulus& q : kPrimes) {
    for (size_t count = 1; count <= 16; ++count) {
      const Words pairs(2 * count * 64, q.value() - 1);
      const Words singles(count * 64, q.value() - 1);
      check(count, 64, q, pairs, singles, 16, 64, 16);
    }
  }
}

TEST_P(DotPairsTest, EqualsScalarOnWholeTransforms) {
  const Modulus q(1073692673);
  for (size_t n = 1024; n <= 16384; n *= 2) {
    for (const size_t count : {2, 5, 16}) {
      const Words pairs = random_residues(2 * count * n, q, n);
      const Words singles = random_residues(count * n, q, n + 1);
      Words out0(n), out1(n), expected0(n), expected1(n);
      table().dot_pairs(out0.data(), out1.data(), 16, pairs.data(), singles.data(), 16, n, count, n, q);
      scalar().dot_pairs(expected0.data(), expected1.data(), 16, pairs.data(), singles.data(), 16, n, count,
                         n, q);
      ASSERT_EQ(out0, expected0) << n << ", " << count;
      ASSERT_EQ(out1, expected1) << n << ", " << count;
    }
  }
}

}  // namespace
}  // namespace cryptotl

#include "cryptotl/rns/automorphism.h"

#include "cryptotl/base/error.h"
#include "rns/kernel_test.h"
#include "rns/polynomials.h"

namespace cryptotl {
namespace {

TEST(Automorphism, RefusesEvenAndLargeElementsAndOddSizes) {
  EXPECT_THROW(Automorphism(13, 2), Error);
  EXPECT_THROW(Automorphism(13, 16385), Error);
  EXPECT_THROW(Automorphism(3, 3), Error);
  EXPECT_THROW(Automorphism(17, 3), Error);
  EXPECT_NO_THROW(Automorphism(13, 16385, Ring::conjugate_invariant));
  EXPECT_THROW(Automorphism(13, 32769, Ring::conjugate_invariant), Error);
}

TEST(GaloisElement, IsAPowerOfThree) {
  EXPECT_EQ(galois_element_of_rotation(0, 13), 1u);
  EXPECT_EQ(galois_element_of_rotation(1, 13), 3u);
  EXPECT_EQ(galois_element_of_rotation(5, 13), 243u);
  EXPECT_EQ(galois_element_of_rotation(4096, 13), 1u) << "a full turn";
  EXPECT_EQ(galois_element_of_conjugation(13), 16383u);
}

TEST(GaloisElement, OfRotationsLeftAndRightAreInverse) {
  for (const int steps : {1, 2, 16, 1024, 4095}) {
    const uint32_t left = galois_element_of_rotation(steps, 13);
    const uint32_t right = galois_element_of_rotation(-steps, 13);
    EXPECT_EQ(left * right % 16384, 1u);
    EXPECT_EQ(inverse_galois_element(left, 13), right);
  }
  EXPECT_EQ(inverse_galois_element(16383, 13), 16383u);
}

TEST(GaloisElement, OfTheConjugateInvariantRingTurnsAllSlots) {
  EXPECT_EQ(galois_element_of_rotation(5, 13, Ring::conjugate_invariant), 243u);
  EXPECT_NE(galois_element_of_rotation(4096, 13, Ring::conjugate_invariant), 1u);
  EXPECT_EQ(galois_element_of_rotation(8192, 13, Ring::conjugate_invariant), 1u) << "a full turn";
  const uint32_t left = galois_element_of_rotation(7, 13, Ring::conjugate_invariant);
  const uint32_t right = galois_element_of_rotation(-7, 13, Ring::conjugate_invariant);
  EXPECT_EQ(inverse_galois_element(left, 13, Ring::conjugate_invariant), right);
}

class AutomorphismTest : public KernelTest {};
CRYPTOTL_FOR_ALL_KERNELS(AutomorphismTest);

TEST_P(AutomorphismTest, AgreesWithSubstitutionInTheCoefficients) {
  for (size_t log_n = 7; log_n <= 14; ++log_n) {
    const uint32_t order = uint32_t{2} << log_n;
    const Modulus q(ntt_primes(1u << 30, order, 1)[0]);
    const NttTables tables(q, log_n);
    const Words p = random_residues(tables.n, q, log_n);
    Words values = p;
    table().ntt_forward(values.data(), tables);
    for (const uint32_t g :
         {1u, 3u, 9u, 27u, order - 1, order / 2 + 1, galois_element_of_rotation(-16, log_n)}) {
      Words expected = substitute(p, g, q);
      table().ntt_forward(expected.data(), tables);
      Words permuted(tables.n);
      table().permute(permuted.data(), 16, values.data(), Automorphism(log_n, g));
      ASSERT_EQ(permuted, expected) << "N=" << tables.n << ", g=" << g;
    }
  }
}

/// a_0 + sum a_i (X^i + X^-i) at X^g, modulo X^2N + 1.
Words substitute_in_real_ring(const Words& p, uint32_t g, const Modulus& q) {
  const size_t n = p.size();
  Words out(n);
  for (size_t i = 0; i < n; ++i) {
    size_t power = i * g % (4 * n);
    bool negative = power >= 2 * n;
    power %= 2 * n;
    if (power > n) {  // X^k + X^-k = -(X^(2N-k) + X^-(2N-k))
      power = 2 * n - power;
      negative = !negative;
    }
    out[power] = negative ? q.negate(p[i]) : p[i];
  }
  return out;
}

TEST_P(AutomorphismTest, AgreesWithSubstitutionInTheConjugateInvariantRing) {
  for (size_t log_n = 7; log_n <= 14; ++log_n) {
    const uint32_t order = uint32_t{4} << log_n;
    const Modulus q(ntt_primes(1u << 30, order, 1)[0]);
    const NttTables tables(q, log_n, Ring::conjugate_invariant);
    const Words p = random_residues(tables.n, q, log_n);
    Words values = p;
    table().ntt_forward(values.data(), tables);
    for (const uint32_t g : {1u, 3u, 9u, 27u, order - 1, order / 2 + 1,
                             galois_element_of_rotation(-16, log_n, Ring::conjugate_invariant)}) {
      Words expected = substitute_in_real_ring(p, g, q);
      table().ntt_forward(expected.data(), tables);
      Words permuted(tables.n);
      table().permute(permuted.data(), 16, values.data(), Automorphism(log_n, g, Ring::conjugate_invariant));
      ASSERT_EQ(permuted, expected) << "N=" << tables.n << ", g=" << g;
    }
  }
}

TEST_P(AutomorphismTest, LeavesTheWordsBetweenTheBlocksAlone) {
  const Automorphism automorphism(10, 3);
  Words in(1024);
  for (size_t i = 0; i < in.size(); ++i) in[i] = static_cast<uint32_t>(i);
  Words dense(1024);
  table().permute(dense.data(), 16, in.data(), automorphism);
  Words spread(48 * 64, 77);
  table().permute(spread.data(), 48, in.data(), automorphism);
  for (size_t i = 0; i < spread.size(); ++i) {
    EXPECT_EQ(spread[i], i % 48 < 16 ? dense[i / 48 * 16 + i % 48] : 77u) << i;
  }
}

TEST_P(AutomorphismTest, MovesAnyRangeOfBlocksAsItMovesAll) {
  for (const uint32_t g : {1u, 3u, 27u, 2047u}) {
    const Automorphism automorphism(10, g);
    Words in(1024), all(1024);
    for (size_t i = 0; i < in.size(); ++i) in[i] = static_cast<uint32_t>(i);
    scalar().permute(all.data(), 16, in.data(), automorphism);
    for (const size_t first : {0, 1, 8, 63}) {
      for (const size_t blocks : {1, 2, 8, 64}) {
        if (first + blocks > 64) continue;
        Words some(blocks * 32, 77);
        table().permute_blocks(some.data(), 32, in.data(), automorphism.sources.data() + first,
                               automorphism.lanes.data(), 16 * blocks);
        for (size_t i = 0; i < some.size(); ++i)
          ASSERT_EQ(some[i], i % 32 < 16 ? all[16 * (first + i / 32) + i % 32] : 77u) << first << " " << i;
      }
    }
  }
}

}  // namespace
}  // namespace cryptotl

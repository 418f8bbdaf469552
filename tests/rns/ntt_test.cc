#include "cryptotl/rns/ntt.h"

#include <vector>

#include "cryptotl/base/error.h"
#include "rns/bits.h"
#include "rns/kernel_test.h"
#include "rns/polynomials.h"

namespace cryptotl {
namespace {

Modulus prime_for(size_t log_n, uint32_t below = 1u << 30) {
  return Modulus(ntt_primes(below, uint32_t{2} << log_n, 1)[0]);
}

TEST(NttTables, RefuseSizesAndPrimesThatDoNotFit) {
  EXPECT_THROW(NttTables(prime_for(13), 6), Error);
  EXPECT_THROW(NttTables(prime_for(16), 17), Error);
  EXPECT_THROW(NttTables(Modulus(1073741789), 13), Error) << "not 1 modulo 2N";
}

TEST(NttTables, HoldTheRootsInBitReversedOrder) {
  const Modulus q = prime_for(10);
  const NttTables tables(q, 10);
  EXPECT_EQ(tables.root, minimal_primitive_root(q, 2048));
  EXPECT_EQ(q.multiply(tables.inverse_n, 1024), 1u);
  for (uint32_t i = 0; i < 1024; ++i) {
    EXPECT_EQ(tables.roots[i], q.power(tables.root, reverse_bits(i, 10)));
    EXPECT_EQ(q.multiply(tables.roots[i], tables.inverse_roots[i]), 1u);
    EXPECT_EQ(tables.roots_quotient[i], q.shoup_quotient(tables.roots[i]));
    EXPECT_EQ(tables.inverse_roots_quotient[i], q.shoup_quotient(tables.inverse_roots[i]));
  }
}

class NttTest : public KernelTest {};
CRYPTOTL_FOR_ALL_KERNELS(NttTest);

TEST_P(NttTest, EvaluatesAtTheOddPowersOfTheRoot) {
  for (const size_t log_n : {7, 8, 9}) {
    const Modulus q = prime_for(log_n);
    const NttTables tables(q, log_n);
    const Words p = random_residues(tables.n, q, log_n);
    Words values = p;
    table().ntt_forward(values.data(), tables);
    for (uint32_t i = 0; i < tables.n; ++i) {
      const uint32_t point = q.power(tables.root, 2 * reverse_bits(i, log_n) + 1);
      uint32_t expected = 0;
      for (size_t k = tables.n; k-- > 0;) expected = q.add(q.multiply(expected, point), p[k]);
      ASSERT_EQ(values[i], expected) << "N=" << tables.n << ", position " << i;
    }
  }
}

Modulus folded_prime_for(size_t log_n) { return Modulus(ntt_primes(1u << 30, uint32_t{4} << log_n, 1)[0]); }

TEST_P(NttTest, EvaluatesConjugateInvariantPolynomials) {
  for (const size_t log_n : {7, 8, 9}) {
    const Modulus q = folded_prime_for(log_n);
    const NttTables tables(q, log_n, Ring::conjugate_invariant);
    const Words p = random_residues(tables.n, q, log_n);
    Words values = p;
    table().ntt_forward(values.data(), tables);
    for (uint32_t i = 0; i < tables.n; ++i) {
      const uint32_t point = q.power(tables.root, 4 * reverse_bits(i, log_n) + 1);
      uint32_t expected = p[0];
      for (size_t k = 1; k < tables.n; ++k) {
        const uint32_t power = q.power(point, k);
        expected = q.add(expected, q.multiply(p[k], q.add(power, q.inverse(power))));
      }
      ASSERT_EQ(values[i], expected) << "N=" << tables.n << ", position " << i;
    }
  }
}

TEST_P(NttTest, AgreesWithScalarInTheConjugateInvariantRing) {
  const KernelTable& scalar = *available_kernels().front();
  for (size_t log_n = 7; log_n <= 15; ++log_n) {
    const Modulus q = folded_prime_for(log_n);
    const NttTables tables(q, log_n, Ring::conjugate_invariant);
    const Words p = random_residues(tables.n, q, log_n);
    Words values = p;
    for (uint32_t& value : values) value += q.value() * (value % 4);  // anything below 4q
    Words expected = values;
    table().ntt_forward(values.data(), tables);
    scalar.ntt_forward(expected.data(), tables);
    ASSERT_EQ(values, expected);
    Words lifted(tables.n);
    MixedRadix digits;
    const Modulus other(ntt_primes(q.value(), uint32_t{4} << log_n, 1)[0]);
    const Words residues = random_residues(tables.n, other, 3);
    digits.push(residues.data(), other.value());
    table().ntt_forward_lifted(lifted.data(), digits, tables);
    Words expected_lift(tables.n);
    scalar.lift(expected_lift.data(), digits, tables.n, q);
    scalar.ntt_forward(expected_lift.data(), tables);
    ASSERT_EQ(lifted, expected_lift);
    table().ntt_inverse(values.data(), tables);
    ASSERT_EQ(values, p) << "N=" << tables.n;
  }
}

TEST(NttTables, OfTheConjugateInvariantRingAskForAPrimeThatIsOneModulo4N) {
  uint32_t prime = 1u << 30;
  do prime = ntt_primes(prime, uint32_t{2} << 13, 1)[0];
  while ((prime - 1) % (uint32_t{4} << 13) == 0);
  EXPECT_THROW(NttTables(Modulus(prime), 13, Ring::conjugate_invariant), Error);
  EXPECT_NO_THROW(NttTables(folded_prime_for(13), 13, Ring::conjugate_invariant));
}

TEST_P(NttTest, TurnsNegacyclicProductsIntoElementwiseOnes) {
  for (const size_t log_n : {7, 8, 10}) {
    const Modulus q = prime_for(log_n);
    const NttTables tables(q, log_n);
    const Words a = random_residues(tables.n, q, 1);
    const Words b = random_residues(tables.n, q, 2);
    Words product = a;
    Words other = b;
    table().ntt_forward(product.data(), tables);
    table().ntt_forward(other.data(), tables);
    table().multiply(product.data(), product.data(), other.data(), tables.n, q);
    table().ntt_inverse(product.data(), tables);
    EXPECT_EQ(product, negacyclic_product(a, b, q)) << "N=" << tables.n;
  }
}

TEST_P(NttTest, InverseUndoesForward) {
  for (size_t log_n = 7; log_n <= 16; ++log_n) {
    for (const uint32_t below : {1u << 30, 1u << 29, 1u << 23}) {
      const Modulus q = prime_for(log_n, below);
      const NttTables tables(q, log_n);
      const Words p = random_residues(tables.n, q, log_n);
      Words values = p;
      table().ntt_forward(values.data(), tables);
      EXPECT_NE(values, p);
      table().ntt_inverse(values.data(), tables);
      EXPECT_EQ(values, p) << "N=" << tables.n << ", q=" << q.value();
    }
  }
}

TEST_P(NttTest, EqualsScalarOnLazyInputs) {
  for (size_t log_n = 7; log_n <= 14; ++log_n) {
    for (const uint32_t below : {1u << 30, 1u << 23}) {
      const Modulus q = prime_for(log_n, below);
      const NttTables tables(q, log_n);
      Words expected = random_words(tables.n, 4 * q.value(), q.value(), log_n);
      Words values = expected;
      scalar().ntt_forward(expected.data(), tables);
      table().ntt_forward(values.data(), tables);
      ASSERT_EQ(values, expected) << "forward, N=" << tables.n << ", q=" << q.value();
    }
  }
}

TEST_P(NttTest, EqualsScalarOnConstantEdges) {
  for (size_t log_n = 7; log_n <= 14; ++log_n) {
    const Modulus q = prime_for(log_n);
    const NttTables tables(q, log_n);
    for (const uint32_t edge : {0u, 1u, q.value() - 1, q.value(), 2 * q.value() - 1, 4 * q.value() - 1}) {
      Words expected(tables.n, edge);
      Words values = expected;
      scalar().ntt_forward(expected.data(), tables);
      table().ntt_forward(values.data(), tables);
      ASSERT_EQ(values, expected) << "forward of " << edge << ", N=" << tables.n;
      if (edge >= q.value()) continue;
      expected.assign(tables.n, edge);
      values = expected;
      scalar().ntt_inverse(expected.data(), tables);
      table().ntt_inverse(values.data(), tables);
      ASSERT_EQ(values, expected) << "inverse of " << edge << ", N=" << tables.n;
    }
  }
}

// The values were computed from the definition alone (a Python script that evaluates the polynomial at the
// powers of the smallest root), not by this code.
TEST_P(NttTest, MatchesKnownAnswers) {
#include "rns/ntt_vectors.inc"
  for (const auto& vector : vectors) {
    const Modulus q(vector.prime);
    const NttTables tables(q, vector.log_n);
    EXPECT_EQ(tables.root, vector.root);
    Words values(tables.n);
    for (size_t i = 0; i < tables.n; ++i)
      values[i] = static_cast<uint32_t>((i * i * 12345 + 678 * i + 9) % q.value());
    const Words p = values;
    table().ntt_forward(values.data(), tables);
    for (const auto& [position, value] : vector.values) EXPECT_EQ(values[position], value) << position;
    table().ntt_inverse(values.data(), tables);
    EXPECT_EQ(values, p);
  }
}

}  // namespace
}  // namespace cryptotl

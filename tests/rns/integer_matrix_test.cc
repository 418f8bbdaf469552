#include "cryptotl/rns/integer_matrix.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "cryptotl/base/error.h"
#include "rns/matrix/kernel.h"
#include "rns/polynomials.h"

namespace cryptotl {
namespace {

struct Case {
  size_t rows, columns, positions;
};

std::vector<int32_t> random_entries(size_t count, int32_t bound, uint32_t seed) {
  std::mt19937 generator(seed);
  std::uniform_int_distribution<int32_t> entry(1 - bound, bound - 1);
  std::vector<int32_t> out(count);
  for (int32_t& value : out) value = entry(generator);
  return out;
}

/// Rows of residues, and the product's, by their beginnings.
struct Rows {
  Rows(size_t count, size_t positions) : words(count, Words(positions)) {}
  std::vector<const uint32_t*> in() const {
    std::vector<const uint32_t*> out;
    for (const Words& row : words) out.push_back(row.data());
    return out;
  }
  std::vector<uint32_t*> out() {
    std::vector<uint32_t*> begins;
    for (Words& row : words) begins.push_back(row.data());
    return begins;
  }
  std::vector<Words> words;
};

uint32_t expected(const std::vector<int32_t>& entries, size_t row, const Rows& in, size_t position,
                  const Modulus& q) {
  int64_t sum = 0;
  for (size_t k = 0; k < in.words.size(); ++k)
    sum += static_cast<int64_t>(entries[row * in.words.size() + k]) * in.words[k][position];
  return q.reduce(sum);
}

class IntegerMatrixTest : public testing::TestWithParam<std::string_view> {
 protected:
  const MatrixKernel& kernel() const {
    for (const MatrixKernel* known : available_matrix_kernels()) {
      if (name(*known) == GetParam()) return *known;
    }
    throw Error(ErrorCode::internal, "no such kernel");
  }
  void check(const std::vector<int32_t>& entries, const Rows& in, size_t rows, const Modulus& q) {
    const size_t positions = in.words.front().size();
    const IntegerMatrix matrix(entries, rows, in.words.size(), kernel());
    MatrixProduct product(kernel(), in.words.size());
    Rows out(rows, positions);
    for (size_t first = 0; first < positions; first += product.width()) {
      product.multiply(matrix, in.in(), out.out(), first, std::min(product.width(), positions - first), q);
    }
    for (size_t r = 0; r < rows; ++r) {
      for (size_t i = 0; i < positions; ++i)
        ASSERT_EQ(out.words[r][i], expected(entries, r, in, i, q)) << "row " << r << ", position " << i;
    }
  }
};

INSTANTIATE_TEST_SUITE_P(Kernels, IntegerMatrixTest, testing::ValuesIn([] {
                           std::vector<std::string_view> names;
                           for (const MatrixKernel* known : available_matrix_kernels())
                             names.push_back(name(*known));
                           return names;
                         }()),
                         [](const auto& tested) { return std::string(tested.param); });

TEST_P(IntegerMatrixTest, MultipliesResidues) {
  const Modulus q(ntt_primes(1u << 30, 1u << 14, 1)[0]);
  for (const auto& [rows, columns, positions] : {Case{1, 1, 16}, Case{3, 5, 16}, Case{8, 256, 48},
                                                 Case{9, 257, 64}, Case{17, 511, 80}, Case{33, 700, 16}}) {
    for (const int32_t bound : {1 << 15, kMatrixEntryBound}) {
      Rows in(columns, positions);
      for (size_t k = 0; k < columns; ++k)
        in.words[k] = random_residues(positions, q, static_cast<uint32_t>(k));
      check(random_entries(rows * columns, bound, 7), in, rows, q);
    }
  }
}

TEST_P(IntegerMatrixTest, HoldsTheLargestSums) {
  const Modulus q(ntt_primes(1u << 30, 1u << 14, 1)[0]);
  for (const int32_t entry : {kMatrixEntryBound - 1, 1 - kMatrixEntryBound, 32639, -32639, 32640, 0}) {
    Rows in(kMaxMatrixColumns, 16);
    for (Words& row : in.words) row.assign(16, q.value() - 1);
    check(std::vector<int32_t>(2 * kMaxMatrixColumns, entry), in, 2, q);
  }
}

const Modulus kSmallPrime(ntt_primes(kWholePrimeBound, 1u << 14, 1)[0]);

TEST_P(IntegerMatrixTest, MultipliesWholeResiduesOfSmallPrimes) {
  if (!takes_whole_residues(kernel())) GTEST_SKIP() << "a kernel that multiplies bytes";
  for (const auto& [rows, columns, positions] :
       {Case{1, 1, 16}, Case{9, 257, 64}, Case{17, 511, 80}, Case{5, kMaxWholeColumns, 32}}) {
    Rows in(columns, positions);
    for (size_t k = 0; k < columns; ++k)
      in.words[k] = random_residues(positions, kSmallPrime, static_cast<uint32_t>(k));
    check(random_entries(rows * columns, kWholeEntryBound, 7), in, rows, kSmallPrime);
  }
}

TEST_P(IntegerMatrixTest, HoldsTheLargestSumsOfWholeResidues) {
  if (!takes_whole_residues(kernel())) GTEST_SKIP() << "a kernel that multiplies bytes";
  const Modulus least(ntt_primes((1u << 25) + (1u << 22), 1u << 14, 1)[0]);
  for (const Modulus& q : {kSmallPrime, least}) {
    for (const int32_t entry : {kWholeEntryBound - 1, 1 - kWholeEntryBound, kMatrixEntryBound}) {
      Rows in(kMaxWholeColumns, 16);
      for (Words& row : in.words) row.assign(16, q.value() - 1);
      check(std::vector<int32_t>(2 * kMaxWholeColumns, entry), in, 2, q);
    }
  }
}

TEST_P(IntegerMatrixTest, MayWriteOverWhatItReads) {
  const Modulus q(ntt_primes(1u << 30, 1u << 14, 1)[0]);
  Rows rows(40, 32);
  for (size_t k = 0; k < 40; ++k) rows.words[k] = random_residues(32, q, static_cast<uint32_t>(k));
  const Rows before = rows;
  const std::vector<int32_t> entries = random_entries(1600, 1 << 15, 1);
  const IntegerMatrix matrix(entries, 40, 40, kernel());
  MatrixProduct(kernel(), 40).multiply(matrix, rows.in(), rows.out(), 0, 32, q);
  for (size_t r = 0; r < 40; ++r) {
    for (size_t i = 0; i < 32; ++i) ASSERT_EQ(rows.words[r][i], expected(entries, r, before, i, q));
  }
}

TEST_P(IntegerMatrixTest, RefusesEntriesAndColumnsBeyondItsBounds) {
  const bool whole = takes_whole_residues(kernel());
  const int32_t bound = whole ? kWholeEntryBound : kMatrixEntryBound;
  EXPECT_THROW(IntegerMatrix(std::vector<int32_t>{bound}, 1, 1, kernel()), Error);
  EXPECT_THROW(IntegerMatrix(std::vector<int32_t>{-bound}, 1, 1, kernel()), Error);
  const auto wide = [&](size_t columns) {
    return IntegerMatrix(std::vector<int32_t>(columns, kMatrixEntryBound), 1, columns, kernel());
  };
  if (whole) {
    EXPECT_NO_THROW(wide(kMaxWholeColumns));
    EXPECT_THROW(wide(kMaxWholeColumns + 1), Error);
  }
  EXPECT_THROW(IntegerMatrix(std::vector<int32_t>(kMaxMatrixColumns + 1), 1, kMaxMatrixColumns + 1, kernel()),
               Error);
}

TEST(MatrixKernels, RefuseUnknownNames) { EXPECT_THROW(select_matrix_kernel("abacus"), Error); }

}  // namespace
}  // namespace cryptotl

// The product of an integer matrix with residues on every kernel that this machine runs: name
// matrix_product/kernel/digits/rows x columns, counter multiply-adds/s. Each result is checked once against
// the scalar kernel, so that a wrong one cannot look fast.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "cryptotl/base/aligned.h"
#include "cryptotl/rns/integer_matrix.h"

namespace {

using cryptotl::IntegerMatrix;
using cryptotl::MatrixKernel;
using cryptotl::MatrixProduct;
using cryptotl::Modulus;
using Words = cryptotl::AlignedVector<uint32_t>;

constexpr size_t kPositions = 672;  // a multiple of every kernel's tile

/// Rows of residues and of the product, each by where it begins.
struct Operands {
  Operands(size_t rows, size_t columns, int32_t largest)
      : q(cryptotl::ntt_primes(1u << 30, 1u << 15, 1)[0]), entries(rows * columns), in(columns), out(rows) {
    std::mt19937_64 random(1);
    for (int32_t& entry : entries)
      entry = static_cast<int32_t>(random() % static_cast<uint64_t>(2 * largest + 1)) - largest;
    for (Words& row : in) {
      row.resize(kPositions);
      for (uint32_t& word : row) word = static_cast<uint32_t>(random() % q.value());
      in_begins.push_back(row.data());
    }
    for (Words& row : out) {
      row.resize(kPositions);
      out_begins.push_back(row.data());
    }
  }

  void multiply(const IntegerMatrix& matrix, MatrixProduct& product) {
    for (size_t first = 0; first < kPositions; first += product.width())
      product.multiply(matrix, in_begins, out_begins, first, std::min(product.width(), kPositions - first),
                       q);
  }

  Modulus q;
  std::vector<int32_t> entries;
  std::vector<Words> in, out;
  std::vector<const uint32_t*> in_begins;
  std::vector<uint32_t*> out_begins;
};

void measure(benchmark::State& state, const MatrixKernel& kernel, size_t rows, size_t columns,
             int32_t largest) {
  const MatrixKernel& scalar = *cryptotl::available_matrix_kernels().front();
  Operands operands(rows, columns, largest);
  MatrixProduct scalar_product(scalar, columns);
  operands.multiply(IntegerMatrix(operands.entries, rows, columns, scalar), scalar_product);
  const std::vector<Words> expected = operands.out;
  const IntegerMatrix matrix(operands.entries, rows, columns, kernel);
  MatrixProduct product(kernel, columns);
  operands.multiply(matrix, product);
  if (operands.out != expected) {
    state.SkipWithError("differs from the scalar kernel");
    return;
  }
  for (auto _ : state) {
    operands.multiply(matrix, product);
    benchmark::ClobberMemory();
  }
  state.counters["multiply-adds/s"] = benchmark::Counter(static_cast<double>(rows * columns * kPositions),
                                                         benchmark::Counter::kIsIterationInvariantRate);
}

}  // namespace

int main(int argc, char** argv) {
  for (const MatrixKernel* kernel : cryptotl::available_matrix_kernels()) {
    for (const auto& [digits, largest] :
         {std::pair{"2", cryptotl::kMaxNarrowEntry}, {"3", cryptotl::kMatrixEntryBound - 1}}) {
      for (const size_t width : {64, 768, 2048}) {
        const std::string name = "matrix_product/" + std::string(cryptotl::name(*kernel)) +
                                 "/digits=" + digits + "/" + std::to_string(width) + "x" +
                                 std::to_string(width);
        benchmark::RegisterBenchmark(name.c_str(), [=, most = largest](benchmark::State& state) {
          measure(state, *kernel, width, width, most);
        })->Unit(benchmark::kMillisecond);
      }
    }
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
}

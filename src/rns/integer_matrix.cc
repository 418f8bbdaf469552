#include "cryptotl/rns/integer_matrix.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>
#include <numeric>
#include <string>

#include "cryptotl/base/error.h"
#include "cryptotl/rns/kernels.h"
#include "rns/find_kernel.h"
#include "rns/matrix/kernel.h"
#include "rns/processor.h"

namespace cryptotl {
namespace {

constexpr size_t kCacheBytes = size_t{1} << 20;  // of packed residues: half of a second-level cache

size_t digits_of(std::span<const int32_t> entries) {
  int64_t largest = 0;
  for (const int32_t entry : entries) largest = std::max(largest, std::abs(int64_t{entry}));
  if (largest <= kMaxNarrowEntry) return 2;
  return largest < kMatrixEntryBound ? 3 : kWholeDigits;
}

size_t ceil_divide(size_t a, size_t b) { return (a + b - 1) / b; }

/// Calls body(first column, how many) for each part of kDepth columns.
template <typename Body>
void for_each_part(size_t columns, const Body& body) {
  for (size_t first = 0; first < columns; first += kDepth) body(first, std::min(kDepth, columns - first));
}

}  // namespace

IntegerMatrix::IntegerMatrix(std::span<const int32_t> entries, size_t rows, size_t columns,
                             const MatrixKernel& kernel)
    : kernel_(kernel), rows_(rows), columns_(columns), digits_(digits_of(entries)), tile_words_(0) {
  CRYPTOTL_ASSERT(entries.size() == rows * columns);
  const size_t most_columns = whole() ? kMaxWholeColumns : kMaxMatrixColumns;
  const int32_t bound = takes_whole_residues(kernel) ? kWholeEntryBound : kMatrixEntryBound;
  for (const int32_t entry : entries) {
    if (entry > -bound && entry < bound) continue;
    throw Error(ErrorCode::invalid_argument, "a matrix entry of " + std::to_string(entry) + "; below " +
                                                 std::to_string(bound) + " in absolute value is right");
  }
  if (columns > most_columns) {
    throw Error(ErrorCode::invalid_argument, "a matrix of " + std::to_string(columns) + " columns; " +
                                                 std::to_string(most_columns) + " at most");
  }
  for_each_part(columns, [&](size_t, size_t depth) { tile_words_ += kernel.weight_words(depth, digits_); });
  words_.resize(ceil_divide(rows, kernel.rows) * tile_words_);
  uint64_t* at = words_.data();
  for (size_t row = 0; row < rows; row += kernel.rows) {
    for_each_part(columns, [&](size_t first, size_t depth) {
      kernel.pack_weights(at, entries.data() + row * columns + first, std::min(kernel.rows, rows - row),
                          depth, columns, digits_);
      at += kernel.weight_words(depth, digits_);
    });
  }
}

bool IntegerMatrix::whole() const { return digits_ == kWholeDigits; }

MatrixProduct::MatrixProduct(const MatrixKernel& kernel, size_t most_columns) : kernel_(kernel) {
  panel_words_ = 0;
  for_each_part(most_columns, [&](size_t, size_t depth) { panel_words_ += kernel.residue_words(depth); });
  const size_t panels = std::max<size_t>(1, kCacheBytes / sizeof(uint64_t) / panel_words_);
  // A multiple of 16 positions whatever a tile's are.
  const size_t step = 16 / std::gcd(size_t{16}, kernel.positions);
  width_ = std::max(step, panels / step * step) * kernel.positions;
  packed_.resize(width_ / kernel.positions * panel_words_);
  starts_.resize(width_);
  sums_.resize(kernel.rows * width_);
}

void MatrixProduct::multiply(const IntegerMatrix& matrix, std::span<const uint32_t* const> in,
                             std::span<uint32_t* const> out, size_t first, size_t count, const Modulus& q) {
  CRYPTOTL_ASSERT(in.size() == matrix.columns() && out.size() == matrix.rows() && count <= width_ &&
                  &matrix.kernel_ == &kernel_ && !(matrix.whole() && q.value() >= kWholePrimeBound));
  const size_t positions = kernel_.positions;
  const size_t panels = ceil_divide(count, positions);
  std::ranges::fill(starts_, 0);
  // Part after part of the columns, and in each all panels, as they are read.
  uint64_t* packed = packed_.data();
  for_each_part(matrix.columns(), [&](size_t column, size_t depth) {
    for (size_t panel = 0; panel < panels; ++panel, packed += kernel_.residue_words(depth)) {
      const size_t at = panel * positions;
      kernel_.pack_residues(packed, starts_.data() + at, in.data() + column, depth, first + at,
                            std::min(positions, count - at), matrix.digits_);
    }
  });
  const uint64_t* weights = matrix.words_.data();
  for (size_t row = 0; row < matrix.rows(); row += kernel_.rows) {
    const size_t rows = std::min(kernel_.rows, matrix.rows() - row);
    for (size_t r = 0; r < kernel_.rows; ++r)
      std::copy_n(starts_.data(), panels * positions, sums_.data() + r * width_);
    const uint64_t* residues = packed_.data();
    for_each_part(matrix.columns(), [&](size_t, size_t depth) {
      for (size_t panel = 0; panel < panels; ++panel, residues += kernel_.residue_words(depth)) {
        kernel_.multiply(sums_.data() + panel * positions, width_, weights, residues, depth, matrix.digits_);
      }
      weights += kernel_.weight_words(depth, matrix.digits_);
    });
    for (size_t r = 0; r < rows; ++r) {
      kernel_.reduce(out[row + r] + first, sums_.data() + r * width_, count, q.value(), q.negated_inverse(),
                     q.montgomery_square());
    }
  }
}

namespace {

struct Available {
  std::array<const MatrixKernel*, 6> kernels = {&scalar_matrix_kernel};
  size_t count = 1;
};

/// Whether a kernel gives what the scalar one gives, here and now. Asked of the tiles alone: processors and
/// systems that have them are many, and not all have been seen.
bool agrees_with_scalar(const MatrixKernel& kernel) {
  constexpr size_t kRows = 17;
  constexpr size_t kColumns = kDepth + 3;
  constexpr size_t kPositions = 80;
  const Modulus q(ntt_primes(1u << 30, 1u << 14, 1)[0]);
  std::vector<int32_t> entries(kRows * kColumns);
  for (size_t i = 0; i < entries.size(); ++i)
    entries[i] = static_cast<int32_t>(i * 2654435761u % (2 * kMatrixEntryBound - 1)) - kMatrixEntryBound + 1;
  AlignedVector<uint32_t> residues(kColumns * kPositions);
  for (size_t i = 0; i < residues.size(); ++i)
    residues[i] = static_cast<uint32_t>(i * 2246822519u) % q.value();
  std::vector<const uint32_t*> in;
  for (size_t k = 0; k < kColumns; ++k) in.push_back(residues.data() + k * kPositions);
  AlignedVector<uint32_t> products[2];
  const MatrixKernel* const both[] = {&scalar_matrix_kernel, &kernel};
  for (size_t i = 0; i < 2; ++i) {
    products[i].resize(kRows * kPositions);
    std::vector<uint32_t*> out;
    for (size_t r = 0; r < kRows; ++r) out.push_back(products[i].data() + r * kPositions);
    const IntegerMatrix matrix(entries, kRows, kColumns, *both[i]);
    MatrixProduct product(*both[i], kColumns);
    for (size_t first = 0; first < kPositions; first += product.width())
      product.multiply(matrix, in, out, first, std::min(product.width(), kPositions - first), q);
  }
  return products[0] == products[1];
}

Available detect() {
  Available out;
#if defined(CRYPTOTL_X86_KERNELS)
  const ProcessorFeatures features = processor_features();
  if (features.avx2) out.kernels[out.count++] = &avx2_matrix_kernel;
  if (features.avx512) out.kernels[out.count++] = &avx512_matrix_kernel;
  if (features.avx512 && features.vnni) out.kernels[out.count++] = &vnni_matrix_kernel;
  if (features.avx512 && features.ifma) out.kernels[out.count++] = &ifma_matrix_kernel;
  if (features.amx && agrees_with_scalar(amx_matrix_kernel)) out.kernels[out.count++] = &amx_matrix_kernel;
#endif
  return out;
}

const MatrixKernel& find(std::string_view wanted) {
  return find_kernel(available_matrix_kernels(), "matrix kernel", wanted);
}

/// No better than the instruction set that all other kernels are held to.
const MatrixKernel& preferred() {
  if (const char* const forced = std::getenv("CRYPTOTL_MATRIX_ISA")) return find(forced);
  const std::string_view others = kernels().name;
  return others == "avx512" ? *available_matrix_kernels().back() : find(others);
}

constinit std::atomic<const MatrixKernel*> chosen = nullptr;

}  // namespace

std::span<const MatrixKernel* const> available_matrix_kernels() {
  static const Available available = detect();
  return {available.kernels.data(), available.count};
}

const MatrixKernel& matrix_kernel() {
  const MatrixKernel* const forced = chosen.load(std::memory_order_relaxed);
  return forced != nullptr ? *forced : preferred();
}

void select_matrix_kernel(std::string_view wanted) { chosen.store(&find(wanted), std::memory_order_relaxed); }

std::string_view name(const MatrixKernel& kernel) { return kernel.name; }

bool takes_whole_residues(const MatrixKernel& kernel) { return kernel.most_digits == kWholeDigits; }

}  // namespace cryptotl

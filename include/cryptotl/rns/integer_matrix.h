#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "cryptotl/base/aligned.h"
#include "cryptotl/rns/modulus.h"

namespace cryptotl {

struct MatrixKernel;

/// The largest absolute value of an entry, plus one.
inline constexpr int32_t kMatrixEntryBound = 1 << 17;
/// Entries up to this one take two bytes of the kernels that multiply bytes, larger ones three.
inline constexpr int32_t kMaxNarrowEntry = 127 * 257;
/// The most columns: sums of so many products of an entry and a residue stay below 2^60.
inline constexpr size_t kMaxMatrixColumns = 4096;
/// Larger entries, below this one, are centred residues of a prime below kWholePrimeBound, and meet residues
/// of such primes alone.
inline constexpr int32_t kWholeEntryBound = 1 << 25;
inline constexpr uint32_t kWholePrimeBound = 1 << 26;
/// The most columns of a matrix that has one.
inline constexpr size_t kMaxWholeColumns = 1024;
/// Whether a kernel takes them: those that multiply words do, those that multiply bytes do not.
bool takes_whole_residues(const MatrixKernel& kernel);

/// A matrix of small signed integers, laid out for one of the kernels that multiply it with residues: the
/// product of a plain matrix with encrypted rows, which is linear in each residue of the rows (Bae, Cheon,
/// Hanrot, Park and Stehle, eprint 2024/1284). Immutable, shared between threads.
class IntegerMatrix {
 public:
  /// `entries` [rows][columns]. Throws invalid_argument for an entry at or beyond the kernel's bound, or more
  /// than kMaxMatrixColumns or kMaxWholeColumns columns.
  IntegerMatrix(std::span<const int32_t> entries, size_t rows, size_t columns, const MatrixKernel& kernel);

  size_t rows() const { return rows_; }
  size_t columns() const { return columns_; }
  /// Whether an entry is at or beyond kMatrixEntryBound.
  bool whole() const;
  size_t bytes() const { return words_.size() * sizeof(uint64_t); }
  const MatrixKernel& kernel() const { return kernel_; }

 private:
  friend class MatrixProduct;
  const MatrixKernel& kernel_;
  size_t rows_;
  size_t columns_;
  size_t digits_;      ///< bytes of an entry
  size_t tile_words_;  ///< of one tile of rows
  AlignedVector<uint64_t> words_;
};

/// Memory for products of matrices with residues, for one thread at a time.
class MatrixProduct {
 public:
  /// For matrices of at most so many columns that are laid out for this kernel.
  MatrixProduct(const MatrixKernel& kernel, size_t most_columns);

  /// Positions of the rows that one call takes at most: what of so many columns fits a second-level cache.
  size_t width() const { return width_; }

  /// out[r][i] = sum_c matrix[r][c] in[c][i] mod q for positions first <= i < first + count, count at most
  /// width(), and rows given by their beginnings. Residues are below q, first and count multiples of 16. All
  /// of `in` is read before `out` is written, so rows of `out` may be rows of `in`. Equal to the bit whatever
  /// the kernel. A whole() matrix takes a q below kWholePrimeBound.
  void multiply(const IntegerMatrix& matrix, std::span<const uint32_t* const> in,
                std::span<uint32_t* const> out, size_t first, size_t count, const Modulus& q);

 private:
  const MatrixKernel& kernel_;
  size_t width_;
  size_t panel_words_;  ///< of the packed columns of one tile
  AlignedVector<uint64_t> packed_;
  AlignedVector<int64_t> starts_;  ///< what a sum begins with at each position
  AlignedVector<int64_t> sums_;
};

/// The kernels that this machine can run, scalar first, the best last: "scalar", "avx2", "avx512" (32-bit
/// multiplications), "ifma" (52-bit multiply-adds), "vnni" (products of bytes), "amx" (of tiles of bytes).
std::span<const MatrixKernel* const> available_matrix_kernels();

/// The best one, or what CRYPTOTL_ISA or select_kernels() leaves of them, or what select_matrix_kernel() or
/// CRYPTOTL_MATRIX_ISA forces. Thread-safe.
const MatrixKernel& matrix_kernel();
/// Forces one by its name; throws invalid_argument, which names the available ones, for any other.
void select_matrix_kernel(std::string_view name);
std::string_view name(const MatrixKernel& kernel);

}  // namespace cryptotl

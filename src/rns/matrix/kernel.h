#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace cryptotl {

/// The loops of a matrix product, once for each instruction set. A tile is `rows` rows of the matrix times
/// `positions` of the residues' positions, over `depth` columns of the matrix at most kDepth; rows and
/// columns beyond the matrix's own are zeros. Pointers stand on 64-byte boundaries.
struct MatrixKernel {
  std::string_view name;
  size_t rows;
  size_t positions;
  size_t most_digits;  ///< of an entry

  /// 64-bit words of a tile of the matrix, of entries of `digits` bytes, and of a tile of residues.
  size_t (*weight_words)(size_t depth, size_t digits);
  size_t (*residue_words)(size_t depth);
  /// Lays out `rows` rows (at most a tile's) of entries that stand `stride` apart.
  void (*pack_weights)(uint64_t* out, const int32_t* entries, size_t rows, size_t depth, size_t stride,
                       size_t digits);
  /// Lays out positions `first` and on, `count` of them, of `depth` rows of residues, and adds to starts[i]
  /// what a sum over them begins with where entries have `digits` bytes.
  void (*pack_residues)(uint64_t* out, int64_t* starts, const uint32_t* const* rows, size_t depth,
                        size_t first, size_t count, size_t digits);
  /// sums[r * stride + i] += the products of a tile.
  void (*multiply)(int64_t* sums, size_t stride, const uint64_t* weights, const uint64_t* residues,
                   size_t depth, size_t digits);
  /// out[i] = sums[i] mod q for |sums[i]| < 2^61.
  void (*reduce)(uint32_t* out, const int64_t* sums, size_t count, uint32_t q, uint32_t negated_inverse,
                 uint32_t montgomery_square);
};

/// Of an entry that is a whole residue of a prime below kWholePrimeBound.
inline constexpr size_t kWholeDigits = 4;
/// Columns that one tile takes: the matrix's part stays in the first-level cache.
inline constexpr size_t kDepth = 256;

extern const MatrixKernel scalar_matrix_kernel;
#if defined(CRYPTOTL_X86_KERNELS)
extern const MatrixKernel avx2_matrix_kernel;
extern const MatrixKernel avx512_matrix_kernel;
extern const MatrixKernel ifma_matrix_kernel;
extern const MatrixKernel vnni_matrix_kernel;
extern const MatrixKernel amx_matrix_kernel;
#endif

}  // namespace cryptotl

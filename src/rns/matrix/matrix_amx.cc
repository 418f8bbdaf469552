// Tiles of bytes: AMX-INT8. A tile of the matrix holds one digit of 16 rows and 64 columns, a tile of
// residues one byte of 64 columns and 16 positions, and one instruction adds their product to a tile of 16 x
// 16 sums.
#include <immintrin.h>

#include "rns/matrix/bytes-inl.h"

namespace cryptotl {
namespace {

constexpr size_t kRows = 16;
constexpr size_t kColumns = 64;
constexpr size_t kGroups = 4;  // of 16 positions
constexpr size_t kTileBytes = 1024;

size_t weight_words(size_t depth, size_t digits) {
  return round_up(depth, kColumns) / kColumns * digits * kTileBytes / 8;
}
size_t group_words(size_t depth) { return kResidueBytes * kBytePositions * round_up(depth, kColumns) / 8; }
size_t residue_words(size_t depth) { return kGroups * group_words(depth); }

/// [depth/64][digit][16 rows][64 columns].
void pack_weights(uint64_t* out, const int32_t* entries, size_t rows, size_t depth, size_t stride,
                  size_t digits) {
  auto* at = reinterpret_cast<int8_t*>(out);
  for (size_t k = 0; k < depth; k += kColumns) {
    for (size_t d = 0; d < digits; ++d) {
      for (size_t r = 0; r < kRows; ++r) {
        for (size_t l = 0; l < kColumns; ++l)
          *at++ = r < rows && k + l < depth ? entry_digit(entries[r * stride + k + l], d) : int8_t{0};
      }
    }
  }
}

void pack_residues(uint64_t* out, int64_t*, const uint32_t* const* rows, size_t depth, size_t first,
                   size_t count, size_t) {
  for (size_t group = 0; group < kGroups; ++group, out += group_words(depth)) {
    const size_t done = group * kBytePositions;
    const size_t left = count > done ? count - done : 0;
    pack_residue_bytes(out, rows, depth, kColumns, first + done, left);
  }
}

/// Eight tiles of 16 rows of 64 bytes.
struct alignas(64) TileConfiguration {
  uint8_t palette = 1;
  uint8_t start_row = 0;
  uint8_t reserved[14] = {};
  uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
  uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};

/// sums += place[0] + 2^8 place[1] + ..., 16 rows of 16.
void add_places(int64_t* sums, size_t stride, const int32_t (*places)[kRows * kBytePositions], size_t count) {
  for (size_t r = 0; r < kRows; ++r) {
    int64_t* const row = sums + r * stride;
    for (size_t i = 0; i < kBytePositions; ++i) {
      int64_t sum = row[i];
      for (size_t p = 0; p < count; ++p)
        sum += int64_t{places[p][r * kBytePositions + i]} * (int64_t{1} << (8 * p));
      row[i] = sum;
    }
  }
}

// Tiles 0 to 5 are sums of a place each, 6 a digit of entries, 7 a byte of residues.
void multiply_group(int64_t* sums, size_t stride, const int8_t* weights, const uint8_t* residues,
                    size_t depth, size_t digits) {
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  _tile_zero(4);
  _tile_zero(5);
  constexpr size_t kResidueStride = kResidueBytes * kBytePositions * 4;
  for (size_t k = 0; k < depth; k += kColumns, residues += kColumns / 4 * kResidueStride) {
    for (size_t d = 0; d < digits; ++d, weights += kTileBytes) {
      _tile_loadd(6, weights, kColumns);
      // The digit shifts the place that a byte belongs to.
#define CRYPTOTL_BYTE(byte, place)                                      \
  _tile_loadd(7, residues + (byte)*kBytePositions * 4, kResidueStride); \
  _tile_dpbsud(place, 6, 7);
      if (d == 0) {
        CRYPTOTL_BYTE(0, 0) CRYPTOTL_BYTE(1, 1) CRYPTOTL_BYTE(2, 2) CRYPTOTL_BYTE(3, 3)
      } else if (d == 1) {
        CRYPTOTL_BYTE(0, 1) CRYPTOTL_BYTE(1, 2) CRYPTOTL_BYTE(2, 3) CRYPTOTL_BYTE(3, 4)
      } else {
        CRYPTOTL_BYTE(0, 2) CRYPTOTL_BYTE(1, 3) CRYPTOTL_BYTE(2, 4) CRYPTOTL_BYTE(3, 5)
      }
#undef CRYPTOTL_BYTE
    }
  }
  alignas(64) int32_t places[6][kRows * kBytePositions];
  _tile_stored(0, places[0], 64);
  _tile_stored(1, places[1], 64);
  _tile_stored(2, places[2], 64);
  _tile_stored(3, places[3], 64);
  _tile_stored(4, places[4], 64);
  _tile_stored(5, places[5], 64);
  add_places(sums, stride, places, 6);
}

void multiply(int64_t* sums, size_t stride, const uint64_t* weights, const uint64_t* residues, size_t depth,
              size_t digits) {
  const TileConfiguration configuration;
  _tile_loadconfig(&configuration);
  for (size_t group = 0; group < kGroups; ++group) {
    multiply_group(sums + group * kBytePositions, stride, reinterpret_cast<const int8_t*>(weights),
                   reinterpret_cast<const uint8_t*>(residues + group * group_words(depth)), depth, digits);
  }
  _tile_release();
}

}  // namespace

constinit const MatrixKernel amx_matrix_kernel = {
    "amx",         kRows,        kGroups* kBytePositions, 3,        weight_words,
    residue_words, pack_weights, pack_residues,           multiply, reduce_sums};

}  // namespace cryptotl

// The AMX kernel's layouts on machines without AMX: its file once more, with the tile instructions as the
// processor's manual describes them (Intel SDM, volume 2: TDPBSUD, TILELOADD, TILESTORED).
#include <gtest/gtest.h>
#include <immintrin.h>

#include <cstring>
#include <random>
#include <vector>

#if defined(__x86_64__)

namespace {

struct EmulatedTiles {
  bool configured = false;
  uint8_t bytes[8][16][64];
  void load(size_t tile, const void* base, size_t stride) {
    ASSERT_TRUE(configured);
    for (size_t r = 0; r < 16; ++r)
      std::memcpy(bytes[tile][r], static_cast<const uint8_t*>(base) + r * stride, 64);
  }
  void store(size_t tile, void* base, size_t stride) const {
    for (size_t r = 0; r < 16; ++r) std::memcpy(static_cast<uint8_t*>(base) + r * stride, bytes[tile][r], 64);
  }
  void multiply(size_t sums, size_t a, size_t b) {
    for (size_t m = 0; m < 16; ++m) {
      for (size_t n = 0; n < 16; ++n) {
        int32_t sum = 0;
        std::memcpy(&sum, bytes[sums][m] + 4 * n, 4);
        for (size_t k = 0; k < 16; ++k) {
          for (size_t l = 0; l < 4; ++l)
            sum += static_cast<int8_t>(bytes[a][m][4 * k + l]) * int32_t{bytes[b][k][4 * n + l]};
        }
        std::memcpy(bytes[sums][m] + 4 * n, &sum, 4);
      }
    }
  }
};

EmulatedTiles tiles;

}  // namespace

#undef _tile_zero
#undef _tile_loadd
#undef _tile_stored
#undef _tile_dpbsud
#define _tile_loadconfig(configuration) \
  (tiles.configured = *reinterpret_cast<const uint8_t*>(configuration) == 1)
#define _tile_release() (tiles.configured = false)
#define _tile_zero(tile) std::memset(tiles.bytes[tile], 0, sizeof(tiles.bytes[tile]))
#define _tile_loadd(tile, base, stride) tiles.load(tile, base, stride)
#define _tile_stored(tile, base, stride) tiles.store(tile, base, stride)
#define _tile_dpbsud(sums, a, b) tiles.multiply(sums, a, b)
#define amx_matrix_kernel emulated_amx_matrix_kernel
#include "cryptotl/rns/integer_matrix.h"
#include "rns/matrix/matrix_amx.cc"
#include "rns/polynomials.h"

namespace cryptotl {
namespace {

TEST(EmulatedTiles, MultiplyAsTheScalarKernel) {
  const Modulus q(ntt_primes(1u << 30, 1u << 14, 1)[0]);
  std::mt19937 generator(1);
  for (const auto& [rows, columns, positions] :
       {std::array<size_t, 3>{1, 1, 16}, {17, 65, 64}, {20, 300, 80}}) {
    for (const int32_t bound : {kMaxNarrowEntry + 1, kMatrixEntryBound}) {
      std::uniform_int_distribution<int32_t> entry(1 - bound, bound - 1);
      std::vector<int32_t> entries(rows * columns);
      for (int32_t& value : entries) value = entry(generator);
      std::vector<Words> in, products[2];
      std::vector<const uint32_t*> begins;
      for (size_t k = 0; k < columns; ++k)
        in.push_back(random_residues(positions, q, static_cast<uint32_t>(k)));
      for (const Words& row : in) begins.push_back(row.data());
      const MatrixKernel* const kernels[] = {available_matrix_kernels().front(), &emulated_amx_matrix_kernel};
      for (size_t i = 0; i < 2; ++i) {
        products[i].assign(rows, Words(positions));
        std::vector<uint32_t*> out;
        for (Words& row : products[i]) out.push_back(row.data());
        const IntegerMatrix matrix(entries, rows, columns, *kernels[i]);
        MatrixProduct(*kernels[i], columns).multiply(matrix, begins, out, 0, positions, q);
      }
      EXPECT_EQ(products[0], products[1]) << rows << " x " << columns << ", entries below " << bound;
    }
  }
}

}  // namespace
}  // namespace cryptotl

#endif

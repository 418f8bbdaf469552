#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "cryptotl/rns/automorphism.h"
#include "cryptotl/rns/mixed_radix.h"
#include "cryptotl/rns/modulus.h"
#include "cryptotl/rns/ntt.h"

namespace cryptotl {

/// What one key switching reads, block by block. With s the source block of block t under the automorphism,
///   out0[t] = move(sum_j key[t][j][0] digits[j][s] 2^-32 + joined[s]) + added[0][t],
///   out1[t] = move(sum_j key[t][j][1] digits[j][s] 2^-32) + added[1][t],
/// where move permutes the lanes of a block (automorphism.h).
struct SwitchedBlocks {
  const uint32_t* key = nullptr;  ///< [n/16][count][2][16], Montgomery form, in the outputs' order
  const uint32_t* digits = nullptr;
  size_t digit_stride = 0;            ///< words between two digits
  size_t count = 0;                   ///< digits, at most 16
  const uint32_t* sources = nullptr;  ///< the automorphism's, from the first block on
  const uint32_t* lanes = nullptr;
  const uint32_t* joined = nullptr;               ///< none where null
  const uint32_t* added[2] = {nullptr, nullptr};  ///< both or none; from the first block on
  size_t prefetch_words = 0;                      ///< how far ahead in `key` memory is asked for
};

/// The loops that all the time goes into, once for each instruction set. All arithmetic is exact and every
/// output is fully reduced to [0, q), so all tables give equal bits. Inputs are below q unless said
/// otherwise; n is a multiple of 16; pointers stand on 64-byte boundaries; an output may be one of its inputs
/// where the comment says `in place` or the loop is elementwise (add to subtract_multiply_scalar, and a of
/// subtract_lifted), and overlaps nothing otherwise. None allocates or throws.
struct KernelTable {
  std::string_view name;  ///< "scalar", "avx2" or "avx512"

  /// In place: coefficients to NTT form. Input below 4q.
  void (*ntt_forward)(uint32_t* values, const NttTables& tables);
  /// In place: NTT form to coefficients, the factor N^-1 included.
  void (*ntt_inverse)(uint32_t* values, const NttTables& tables);

  void (*add)(uint32_t* out, const uint32_t* a, const uint32_t* b, size_t n, const Modulus& q);
  void (*subtract)(uint32_t* out, const uint32_t* a, const uint32_t* b, size_t n, const Modulus& q);
  void (*negate)(uint32_t* out, const uint32_t* a, size_t n, const Modulus& q);
  /// out = a b mod q.
  void (*multiply)(uint32_t* out, const uint32_t* a, const uint32_t* b, size_t n, const Modulus& q);
  /// out = a b 2^-32 mod q: the product with an operand in Montgomery form.
  void (*multiply_montgomery)(uint32_t* out, const uint32_t* a, const uint32_t* b, size_t n,
                              const Modulus& q);
  /// out = out + a b mod q.
  void (*multiply_add)(uint32_t* out, const uint32_t* a, const uint32_t* b, size_t n, const Modulus& q);
  /// out = a s mod q.
  void (*multiply_scalar)(uint32_t* out, const uint32_t* a, uint32_t scalar, size_t n, const Modulus& q);
  /// out = (a - b) s mod q: the last step of ModDown and rescale. b below 2q.
  void (*subtract_multiply_scalar)(uint32_t* out, const uint32_t* a, const uint32_t* b, uint32_t scalar,
                                   size_t n, const Modulus& q);
  /// out = x mod q, all primes of x and q of equally many bits.
  void (*lift)(uint32_t* out, const MixedRadix& x, size_t n, const Modulus& q);
  /// out = (a - x) s mod q, primes as for lift.
  void (*subtract_lifted)(uint32_t* out, const uint32_t* a, const MixedRadix& x, uint32_t scalar, size_t n,
                          const Modulus& q);
  /// The NTT form of lift(x) in one go.
  void (*ntt_forward_lifted)(uint32_t* out, const MixedRadix& x, const NttTables& tables);

  /// Two sums of `count` <= 16 products, each reduced once, with one operand in Montgomery form:
  ///   out0[16 t + l] = sum_j pairs[t][j][0][l] singles[t][j][l] 2^-32 mod q, out1 the same with
  ///   pairs[t][j][1],
  /// for two streams [n/16][count][2][16] and [n/16][count][16]: rotated ciphertexts and diagonals.
  void (*dot_pairs)(uint32_t* out0, uint32_t* out1, const uint32_t* pairs, const uint32_t* singles,
                    size_t count, size_t n, const Modulus& q);
  /// One such sum of two streams [n/16][count][16].
  void (*dot)(uint32_t* out, const uint32_t* a, const uint32_t* b, size_t count, size_t n, const Modulus& q);
  /// Key switching and automorphism of n/16 blocks; block t of an output begins at word t * out_block. With
  /// out_block 16 an output may be what is added to it.
  void (*switch_key)(uint32_t* out0, uint32_t* out1, size_t out_block, const SwitchedBlocks& in, size_t n,
                     const Modulus& q);

  /// out[16 t + l] = in[source] of n/16 blocks: what X -> X^g does in NTT form, from the block on that
  /// `sources` begins with (automorphism.h); block t of the output starts at word t * out_block.
  void (*permute_blocks)(uint32_t* out, size_t out_block, const uint32_t* in, const uint32_t* sources,
                         const uint32_t* lanes, size_t n);
  /// All blocks.
  void (*permute)(uint32_t* out, size_t out_block, const uint32_t* in, const Automorphism& automorphism);
};

/// The best table that this processor and operating system run (CPUID and XCR0 checked), or the one that the
/// environment variable CRYPTOTL_ISA or select_kernels() forces. Thread-safe; fixed at the first call.
const KernelTable& kernels();

/// Every table that this machine can run, scalar first.
std::span<const KernelTable* const> available_kernels();

/// Forces "scalar", "avx2" or "avx512" for the whole process; throws invalid_argument (which names the
/// available ones) where the machine lacks it. Not to be called while kernels run.
void select_kernels(std::string_view name);

}  // namespace cryptotl

#include "cryptotl/rns/kernel_speeds.h"

#include <algorithm>
#include <chrono>
#include <limits>

#include "cryptotl/rns/integer_matrix.h"
#include "cryptotl/rns/kernels.h"

namespace cryptotl {
namespace {

// The sizes of a usual pass: N = 8192, three digits a key, sixteen rotations a sum, and a stream that no
// second level cache holds.
constexpr size_t kLogN = 13;
constexpr size_t kN = size_t{1} << kLogN;
constexpr size_t kDigits = 3;
constexpr size_t kTerms = 16;
constexpr size_t kStreamWords = size_t{16} << 20;
constexpr size_t kPrefetchWords = 1024;

template <typename Work>
double quickest(size_t runs, const Work& work) {
  double least = std::numeric_limits<double>::infinity();
  for (size_t i = 0; i < runs; ++i) {
    const auto start = std::chrono::steady_clock::now();
    work();
    least = std::min(
        least, std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - start).count());
  }
  return least;
}

class Measurement {
 public:
  Measurement()
      : tables_(Modulus(ntt_primes(1u << 30, 2 * kN, 1)[0]), kLogN),
        automorphism_(kLogN, 3),
        stream_(kStreamWords, 1),
        values_(kDigits * kN, 1),
        pairs_(2 * kTerms * kN, 1),
        out_(2 * kN) {}

  KernelSpeeds run() {
    KernelSpeeds speeds;
    speeds.transform = quickest(20, [&] { kernel_.ntt_forward(out_.data(), tables_); }) / (kN * kLogN);
    speeds.pass =
        quickest(
            20, [&] { kernel_.add(out_.data(), values_.data(), values_.data() + kN, kN, tables_.modulus); }) /
        kN;
    constexpr size_t kKeyWords = 2 * kDigits * kN;
    speeds.cached_key = quickest(10, [&] { switch_key(stream_.data()); }) / kKeyWords;
    const size_t keys = kStreamWords / kKeyWords;
    speeds.streamed_key = quickest(2,
                                   [&] {
                                     for (size_t i = 0; i < keys; ++i)
                                       switch_key(stream_.data() + i * kKeyWords);
                                   }) /
                          static_cast<double>(keys * kKeyWords);
    const size_t sums = kStreamWords / (kTerms * kN);
    speeds.diagonal =
        quickest(2,
                 [&] {
                   for (size_t i = 0; i < sums; ++i) {
                     kernel_.dot_pairs(out_.data(), out_.data() + kN, pairs_.data(),
                                       stream_.data() + i * kTerms * kN, kTerms, kN, tables_.modulus);
                   }
                 }) /
        static_cast<double>(sums * kTerms * kN);
    speeds.multiply_add = multiply_add(kMaxNarrowEntry);
    speeds.wide_multiply_add = multiply_add(kMatrixEntryBound - 1);
    // Kernels of words do not tell entries apart; elsewhere a residue is two.
    speeds.whole_multiply_add = (takes_whole_residues(matrix_kernel()) ? 1 : 2) * speeds.multiply_add;
    return speeds;
  }

 private:
  double multiply_add(int32_t entry) {
    constexpr size_t kRows = 96;
    constexpr size_t kColumns = 768;
    const IntegerMatrix matrix(std::vector<int32_t>(kRows * kColumns, entry), kRows, kColumns,
                               matrix_kernel());
    MatrixProduct product(matrix_kernel(), kColumns);
    const size_t width = std::min(product.width(), kN);
    const std::vector<const uint32_t*> in(kColumns, values_.data());
    const std::vector<uint32_t*> out(kRows, out_.data());
    return quickest(3, [&] { product.multiply(matrix, in, out, 0, width, tables_.modulus); }) /
           static_cast<double>(kRows * kColumns * width);
  }

  void switch_key(const uint32_t* key) {
    const SwitchedBlocks in = {.key = key,
                               .digits = values_.data(),
                               .digit_stride = kN,
                               .count = kDigits,
                               .sources = automorphism_.sources.data(),
                               .lanes = automorphism_.lanes.data(),
                               .prefetch_words = kPrefetchWords};
    kernel_.switch_key(out_.data(), out_.data() + kN, 16, in, kN, tables_.modulus);
  }

  const KernelTable& kernel_ = kernels();
  NttTables tables_;
  Automorphism automorphism_;
  AlignedVector<uint32_t> stream_, values_, pairs_, out_;
};

}  // namespace

KernelSpeeds KernelSpeeds::reference() { return {0.095, 0.23, 0.12, 0.26, 0.08, 0.026, 0.026, 0.026}; }

KernelSpeeds measure_kernels() { return Measurement().run(); }

const KernelSpeeds& machine_speeds() {
  static const KernelSpeeds speeds = measure_kernels();
  return speeds;
}

}  // namespace cryptotl

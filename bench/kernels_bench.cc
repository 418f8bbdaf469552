// Every kernel on every table that this machine runs: name op/target/N, counters butterflies/s and GB/s
// (bytes read and written by the kernel). Each result is checked once against the scalar table, so that a
// wrong kernel cannot look fast. Before it reports, run with --benchmark_repetitions=10 and take the median.

#include <benchmark/benchmark.h>

#include <functional>
#include <random>
#include <string>
#include <vector>

#include "cryptotl/base/aligned.h"
#include "cryptotl/rns/kernels.h"

namespace {

using cryptotl::Automorphism;
using cryptotl::KernelTable;
using cryptotl::MixedRadix;
using cryptotl::Modulus;
using cryptotl::NttTables;
using cryptotl::SwitchedBlocks;
using Words = cryptotl::AlignedVector<uint32_t>;

constexpr size_t kBlock = 16;
constexpr size_t kMostDigits = 3;

Words random_words(size_t n, uint32_t bound, uint64_t seed) {
  std::mt19937_64 random(seed);
  Words words(n);
  for (uint32_t& word : words) word = static_cast<uint32_t>(random() % bound);
  return words;
}

// What the kernels work on: all of it fits in L2 but for the longest streams of dot_pairs, dot and
// switch_key.
struct Operands {
  explicit Operands(size_t log_n, size_t terms = 1)
      : n(size_t{1} << log_n),
        primes(cryptotl::ntt_primes(1u << 30, static_cast<uint32_t>(2 * n), 1 + kMostDigits)),
        q(primes[0]),
        tables(q, log_n),
        automorphism(log_n, 3),
        a(random_words(n, primes.back(), 1)),
        b(random_words(n, primes.back(), 2)),
        out(a),
        out1(n),
        pairs(random_words(2 * terms * n, q.value(), 3)),
        singles(random_words(terms * (n + kBlock), q.value(), 4)) {}

  /// Integers of one to three digits, in the primes that are not q.
  MixedRadix integers(size_t digits) const {
    MixedRadix x;
    for (size_t k = 0; k < digits; ++k) x.push(k % 2 == 0 ? a.data() : b.data(), primes[1 + k]);
    return x;
  }
  SwitchedBlocks switched(size_t digits) const {
    return {.key = pairs.data(),
            .digits = singles.data(),
            .digit_stride = n + kBlock,
            .count = digits,
            .sources = automorphism.sources.data(),
            .lanes = automorphism.lanes.data(),
            .joined = a.data(),
            .added = {a.data(), b.data()},
            .prefetch_words = 1024};
  }

  size_t n;
  std::vector<uint32_t> primes;  ///< falling
  Modulus q;
  NttTables tables;
  Automorphism automorphism;
  Words a, b, out, out1, pairs, singles;
};

using Call = std::function<void(const KernelTable&, Operands&)>;

bool agrees_with_scalar(const Call& call, const KernelTable& table, const Operands& operands) {
  Operands expected = operands;
  Operands found = operands;
  call(*cryptotl::available_kernels().front(), expected);
  call(table, found);
  return found.out == expected.out && found.out1 == expected.out1;
}

struct Cost {
  double butterflies = 0;
  double words = 0;
};

void measure(benchmark::State& state, const KernelTable& table, const Call& call, size_t log_n, size_t terms,
             const Cost& cost) {
  Operands operands(log_n, terms);
  if (!agrees_with_scalar(call, table, operands)) {
    state.SkipWithError("differs from the scalar table");
    return;
  }
  for (auto _ : state) {
    call(table, operands);
    benchmark::ClobberMemory();
  }
  const auto per_second = [](double amount) {
    return benchmark::Counter(amount, benchmark::Counter::kIsIterationInvariantRate);
  };
  if (cost.butterflies > 0) state.counters["butterflies/s"] = per_second(cost.butterflies);
  state.counters["GB/s"] = per_second(cost.words * sizeof(uint32_t) * 1e-9);
}

void add(const std::string& op, const Call& call, size_t log_n, double words_a_value, size_t terms = 1) {
  const double n = static_cast<double>(size_t{1} << log_n);
  Cost cost{.words = words_a_value * n};
  if (op.starts_with("ntt")) cost.butterflies = n / 2 * static_cast<double>(log_n);
  for (const KernelTable* table : cryptotl::available_kernels()) {
    const std::string name = op + "/" + std::string(table->name) + "/N=" + std::to_string(size_t{1} << log_n);
    benchmark::RegisterBenchmark(name.c_str(), [=](benchmark::State& state) {
      measure(state, *table, call, log_n, terms, cost);
    })->Unit(benchmark::kMicrosecond);
  }
}

void add_all(size_t log_n) {
  add(
      "ntt_forward", [](auto& k, auto& o) { k.ntt_forward(o.out.data(), o.tables); }, log_n, 2);
  add(
      "ntt_inverse", [](auto& k, auto& o) { k.ntt_inverse(o.out.data(), o.tables); }, log_n, 2);
  add(
      "add", [](auto& k, auto& o) { k.add(o.out.data(), o.a.data(), o.b.data(), o.n, o.q); }, log_n, 3);
  add(
      "subtract", [](auto& k, auto& o) { k.subtract(o.out.data(), o.a.data(), o.b.data(), o.n, o.q); }, log_n,
      3);
  add(
      "negate", [](auto& k, auto& o) { k.negate(o.out.data(), o.a.data(), o.n, o.q); }, log_n, 2);
  add(
      "multiply", [](auto& k, auto& o) { k.multiply(o.out.data(), o.a.data(), o.b.data(), o.n, o.q); }, log_n,
      3);
  add(
      "multiply_montgomery",
      [](auto& k, auto& o) { k.multiply_montgomery(o.out.data(), o.a.data(), o.b.data(), o.n, o.q); }, log_n,
      3);
  add(
      "multiply_add",
      [](auto& k, auto& o) { k.multiply_add(o.out.data(), o.a.data(), o.b.data(), o.n, o.q); }, log_n, 4);
  add(
      "multiply_scalar",
      [](auto& k, auto& o) { k.multiply_scalar(o.out.data(), o.a.data(), 12345, o.n, o.q); }, log_n, 2);
  add(
      "subtract_multiply_scalar",
      [](auto& k, auto& o) {
        k.subtract_multiply_scalar(o.out.data(), o.a.data(), o.b.data(), 12345, o.n, o.q);
      },
      log_n, 3);
  for (size_t digits = 1; digits <= kMostDigits; ++digits) {
    const std::string of_digits = "/digits=" + std::to_string(digits);
    const double words = static_cast<double>(digits) + 1;
    add(
        "lift" + of_digits,
        [digits](auto& k, auto& o) { k.lift(o.out.data(), o.integers(digits), o.n, o.q); }, log_n, words);
    add(
        "subtract_lifted" + of_digits,
        [digits](auto& k, auto& o) {
          k.subtract_lifted(o.out.data(), o.b.data(), o.integers(digits), 12345, o.n, o.q);
        },
        log_n, words + 1);
    add(
        "ntt_forward_lifted" + of_digits,
        [digits](auto& k, auto& o) { k.ntt_forward_lifted(o.out.data(), o.integers(digits), o.tables); },
        log_n, words);
  }
  add(
      "permute", [](auto& k, auto& o) { k.permute(o.out.data(), kBlock, o.a.data(), o.automorphism); }, log_n,
      2);
  add(
      "permute_blocks",
      [](auto& k, auto& o) {
        k.permute_blocks(o.out.data(), kBlock, o.a.data(), o.automorphism.sources.data(),
                         o.automorphism.lanes.data(), o.n);
      },
      log_n, 2);
  for (const size_t terms : {1, 2, 3, 4, 5, 8, 16}) {
    const std::string of_terms = "/terms=" + std::to_string(terms);
    const double count = static_cast<double>(terms);
    add(
        "dot_pairs" + of_terms,
        [terms](auto& k, auto& o) {
          k.dot_pairs(o.out.data(), o.out1.data(), o.pairs.data(), o.singles.data(), terms, o.n, o.q);
        },
        log_n, 3 * count + 2, terms);
    add(
        "dot" + of_terms,
        [terms](auto& k, auto& o) { k.dot(o.out.data(), o.pairs.data(), o.singles.data(), terms, o.n, o.q); },
        log_n, 2 * count + 1, terms);
    add(
        "switch_key" + of_terms,
        [terms](auto& k, auto& o) {
          k.switch_key(o.out.data(), o.out1.data(), kBlock, o.switched(terms), o.n, o.q);
        },
        log_n, 3 * count + 5, terms);
  }
}

}  // namespace

int main(int argc, char** argv) {
  for (const size_t log_n : {12, 13, 14}) add_all(log_n);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
}

// How near the parts of an encrypted pass come to what the machine can do: bytes that come from memory and
// 32-bit multiplications against the machine's measured rates of both, one thread. Prints a Markdown table.
//   cryptotl_roofline_bench [--json]

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>
#include <random>
#include <string_view>

#include "cryptotl/ckks/public_key.h"
#include "cryptotl/ckks/secret_key.h"
#include "cryptotl/execute/latency.h"
#include "cryptotl/plan/activation_circuit.h"
#include "cryptotl/plan/planner.h"
#include "cryptotl/rns/kernels.h"

namespace {

using namespace cryptotl;

constexpr size_t kPasses = 41;
constexpr size_t kWidth = 768;
constexpr size_t kOutputs = 766;

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

template <typename Work>
double best_rate(double amount, const Work& work) {
  double best = 0;
  for (int run = 0; run < 7; ++run) {
    const auto start = std::chrono::steady_clock::now();
    work();
    best = std::max(best, amount / seconds_since(start));
  }
  return best;
}

// --- The machine's limits
// -------------------------------------------------------------------------------------------------------------

/// Bytes a second of reading what no cache holds, which is what a pass does with keys and diagonals.
double memory_rate() {
  const AlignedVector<uint32_t> words(size_t{64} << 20, 1);
  volatile uint64_t sink = 0;
  return best_rate(static_cast<double>(words.size() * sizeof(uint32_t)), [&] {
    uint64_t sums[32] = {};
    const auto* const pairs = reinterpret_cast<const uint64_t*>(words.data());
    for (size_t i = 0; i < words.size() / 2; i += 32) {
      __builtin_prefetch(pairs + i + 512);
      __builtin_prefetch(pairs + i + 520);
      __builtin_prefetch(pairs + i + 528);
      __builtin_prefetch(pairs + i + 536);
      for (size_t k = 0; k < 32; ++k) sums[k] += pairs[i + k];
    }
    for (const uint64_t sum : sums) sink = sink + sum;
  });
}

constexpr size_t kRounds = 10'000'000;
constexpr double kChains = 12;  // of multiplications that do not wait for one another

void multiply_scalar() {
  for (size_t i = 0; i < kRounds; ++i) {
    uint64_t x[12];
    for (uint64_t& value : x) asm volatile("imul $3, %1, %0" : "=r"(value) : "r"(i));
  }
}

#if defined(__x86_64__)
#define CRYPTOTL_MULTIPLY(v, i) "vpmuludq %%" #v #i ", %%" #v "12, %%" #v #i "\n\t"
// clang-format off
#define CRYPTOTL_TWELVE(v) \
  CRYPTOTL_MULTIPLY(v, 0) CRYPTOTL_MULTIPLY(v, 1) CRYPTOTL_MULTIPLY(v, 2) CRYPTOTL_MULTIPLY(v, 3) \
  CRYPTOTL_MULTIPLY(v, 4) CRYPTOTL_MULTIPLY(v, 5) CRYPTOTL_MULTIPLY(v, 6) CRYPTOTL_MULTIPLY(v, 7) \
  CRYPTOTL_MULTIPLY(v, 8) CRYPTOTL_MULTIPLY(v, 9) CRYPTOTL_MULTIPLY(v, 10) CRYPTOTL_MULTIPLY(v, 11)
// clang-format on
#define CRYPTOTL_CLOBBERED \
  "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12"

void multiply_avx2() {
  for (size_t i = 0; i < kRounds; ++i) asm volatile(CRYPTOTL_TWELVE(ymm)::: CRYPTOTL_CLOBBERED);
}
void multiply_avx512() {
  for (size_t i = 0; i < kRounds; ++i) asm volatile(CRYPTOTL_TWELVE(zmm)::: CRYPTOTL_CLOBBERED);
}
#endif

/// 32-bit multiplications a second in the vectors of the kernels in use.
double multiplication_rate() {
  void (*rounds)() = multiply_scalar;
  double lanes = 1;
#if defined(__x86_64__)
  if (kernels().name == "avx2") rounds = multiply_avx2, lanes = 4;
  if (kernels().name == "avx512") rounds = multiply_avx512, lanes = 8;
#endif
  return best_rate(kChains * lanes * static_cast<double>(kRounds), rounds);
}

// --- What the parts of a pass do
// ------------------------------------------------------------------------------------------------------

/// Counts of one part: transforms, words of keys and diagonals that come from memory, and multiplications
/// beside those of the transforms.
struct Work {
  double transforms = 0;
  double streamed_words = 0;
  double multiplications = 0;
};

/// The counts of a plan's parts, from shapes alone: the same formulas whatever the code does.
class WorkModel {
 public:
  explicit WorkModel(const LatencyPlan& plan)
      : plan_(plan),
        n_(std::exp2(static_cast<double>(plan.params.log_n))),
        special_(static_cast<double>(plan.params.special_primes.size())) {}

  Work of(std::string_view part, size_t layer) const {
    const MatrixPlan& matrix = plan_.matrices[layer];
    const double limbs = static_cast<double>(matrix.limbs);
    const double babies = static_cast<double>(matrix.baby_steps);
    const double giants = std::ceil(static_cast<double>(plan_.packing.diagonals(layer)) / babies);
    const double diagonals = giants * babies;
    const double left = limbs - static_cast<double>(matrix.drop);
    if (part == "decomposition") return {limbs + digits(limbs) * extended(limbs) - limbs, 0, 0};
    if (part == "baby steps and diagonals") {
      const double keys = (babies - 1) * key_words(limbs);
      const double words = diagonals * extended(limbs) * n_;
      // One reduction of a sum of digits or babies takes two multiplications.
      const double reductions = 2 * 2 * n_ * extended(limbs) * (babies - 1 + giants);
      return {0, keys + words, keys + 2 * words + reductions};
    }
    if (part == "giant steps") {
      Work sum;
      for (double i = 0; i + 1 < giants; ++i) add(sum, switching(limbs, 1, i == 0));
      return sum;
    }
    if (part == "folds") {
      Work sum;
      for (const auto& fold : folds_of(plan_.packing, layer))
        add(sum, switching(limbs, static_cast<double>(fold.size()), true));
      return sum;
    }
    if (part == "rescale") return {2 * extended(limbs), 0, 2 * 3 * left * n_};
    // Coefficients to fractions of Q by 128-bit products, of four multiplications each.
    if (part == "modulus switch") return {2 * left, 0, 2 * (1 + 4) * left * n_};
    if (part == "diagonals on c_0") {
      const double words = diagonals * limbs * n_;
      return {limbs, words, words + 2 * n_ * limbs * giants};
    }
    return {};
  }

  Work activation(size_t layer, bool prepared) const {
    Work sum;
    const std::vector<Register> registers = plan_.registers(layer);
    size_t index = 0;
    for (const Product& product : activation_products(plan_.activations[layer].degree)) {
      const double limbs =
          static_cast<double>(std::min(registers[product.left].limbs, registers[product.right].limbs));
      if (prepared && index++ == 0) {
        add(sum, {2 * limbs, 0, 6 * limbs * n_});
        continue;
      }
      add(sum, {limbs + digits(limbs) * extended(limbs) - limbs, key_words(limbs),
                key_words(limbs) + 16 * limbs * n_});
      add(sum, {2 * extended(limbs), 0, 6 * limbs * n_});
    }
    return sum;
  }

  /// Multiplications of one transform: three a butterfly (Shoup's product and the two of its remainder).
  double transform_multiplications() const { return 1.5 * n_ * static_cast<double>(plan_.params.log_n); }

 private:
  static void add(Work& sum, const Work& more) {
    sum.transforms += more.transforms;
    sum.streamed_words += more.streamed_words;
    sum.multiplications += more.multiplications;
  }
  double digits(double limbs) const { return std::ceil(limbs / special_); }
  double extended(double limbs) const { return limbs + special_; }
  double key_words(double limbs) const { return 2 * n_ * digits(limbs) * extended(limbs); }
  /// One decomposition and `keys` keys.
  Work switching(double limbs, double keys, bool from_memory) const {
    return {extended(limbs) + digits(limbs) * extended(limbs), from_memory ? keys * key_words(limbs) : 0,
            keys * key_words(limbs) + 4 * extended(limbs) * n_ * keys + 8 * limbs * n_};
  }

  const LatencyPlan& plan_;
  double n_;
  double special_;
};

// --- The pass
// ---------------------------------------------------------------------------------------------------------------------

FoldedNetwork random_network(std::mt19937_64& generator) {
  std::normal_distribution<double> weight(0.0, std::sqrt(1.0 / kWidth));
  const auto dense = [&](size_t outputs) {
    Dense out{Matrix(outputs, kWidth), std::vector<double>(outputs)};
    for (double& value : out.weight.values) value = weight(generator);
    for (double& value : out.bias) value = weight(generator);
    return out;
  };
  Network network;
  network.input_width = kWidth;
  network.layers.push_back(dense(kWidth));
  network.layers.push_back(Polynomial{{0.49383, 0.59259, 0.092593, -0.0061728}});
  network.layers.push_back(dense(kOutputs));
  return fold(network).value();
}

Matrix random_rows(size_t rows, std::mt19937_64& generator) {
  std::uniform_real_distribution<double> uniform(0.0, 1.0);
  Matrix out(rows, kWidth);
  for (double& value : out.values) value = uniform(generator);
  return out;
}

struct Row {
  std::string name;
  double milliseconds = 0;
  Work work;
};

/// The median time of every part over many passes.
std::vector<Row> measure(LatencyRunner& runner, const Ciphertext& input, const LatencyKeys& keys,
                         const Ticket* ticket) {
  std::vector<std::vector<double>> times;
  for (size_t pass = 0; pass < kPasses; ++pass) {
    static_cast<void>(runner.run(input, keys, ticket));
    const auto parts = runner.timeline();
    times.resize(parts.size());
    for (size_t i = 0; i < parts.size(); ++i) times[i].push_back(parts[i].microseconds);
  }
  const WorkModel model(runner.program().plan());
  std::vector<Row> rows;
  for (size_t i = 0; i < times.size(); ++i) {
    const PassPart& part = runner.timeline()[i];
    const auto middle = times[i].begin() + kPasses / 2;
    std::nth_element(times[i].begin(), middle, times[i].end());
    const bool activation = part.name == "activation";
    rows.push_back({std::string(part.name) + ", layer " + std::to_string(part.layer + 1), *middle / 1e3,
                    activation ? model.activation(part.layer, ticket != nullptr && part.layer == 0)
                               : model.of(part.name, part.layer)});
  }
  return rows;
}

struct Limits {
  double bytes_a_second = 0;
  double multiplications_a_second = 0;
  double transform_milliseconds = 0;
};

nlohmann::json row_json(const Row& row, const WorkModel& model, const Limits& limits) {
  const double bytes = row.work.streamed_words * sizeof(uint32_t);
  const double multiplications =
      row.work.multiplications + row.work.transforms * model.transform_multiplications();
  const double memory = bytes / limits.bytes_a_second * 1e3;
  const double arithmetic = multiplications / limits.multiplications_a_second * 1e3;
  return {{"part", row.name},
          {"transforms", row.work.transforms},
          {"streamed_bytes", bytes},
          {"multiplications", multiplications},
          {"memory_limit_ms", memory},
          {"multiplication_limit_ms", arithmetic},
          {"transforms_ms", row.work.transforms * limits.transform_milliseconds},
          {"measured_ms", row.milliseconds},
          {"measured_over_limit", row.milliseconds / std::max({memory, arithmetic, 1e-9})}};
}

void print(const char* title, const nlohmann::json& rows) {
  std::printf("\n### %s\n\n", title);
  std::printf(
      "| part | NTTs | MB read | M multiplications | memory limit | multiplication limit | its NTTs alone |"
      " measured | over the larger limit |\n|---|---|---|---|---|---|---|---|---|\n");
  for (const auto& row : rows) {
    std::printf("| %s | %.0f | %.1f | %.1f | %.2f ms | %.2f ms | %.2f ms | %.2f ms | %.1f |\n",
                row["part"].get<std::string>().c_str(), row["transforms"].get<double>(),
                row["streamed_bytes"].get<double>() / 1e6, row["multiplications"].get<double>() / 1e6,
                row["memory_limit_ms"].get<double>(), row["multiplication_limit_ms"].get<double>(),
                row["transforms_ms"].get<double>(), row["measured_ms"].get<double>(),
                row["measured_over_limit"].get<double>());
  }
}

}  // namespace

int main(int argc, char** argv) {
  const bool as_json = argc > 1 && std::string_view(argv[1]) == "--json";
  std::mt19937_64 generator(1);
  const FoldedNetwork network = random_network(generator);
  const Calibration calibration = calibrate(network, random_rows(100, generator));
  const LatencyPlan plan = plan_latency(network, calibration, {.speeds = machine_speeds()}).value();
  const auto program = std::make_shared<const LatencyProgram>(network, calibration, plan);
  LatencyRunner runner(program, 1);
  const SecretKey secret = SecretKey::generate(program->params());
  const auto keys =
      LatencyKeys::create(plan, make_evaluation_keys(secret, required_keys(plan)), make_public_key(secret))
          .value();
  const Encoder encoder(plan.params.log_n);
  const Matrix row = random_rows(1, generator);
  const Ciphertext input =
      encrypt(secret, encoder.encode(pack_input(plan.packing, row.row(0)), plan.input_scale),
              plan.input_scale, plan.top_limbs());
  const Ticket ticket = runner.prepare(*input.seed, *keys);

  const double points = std::exp2(static_cast<double>(plan.params.log_n));
  const Limits limits = {memory_rate(), multiplication_rate(),
                         machine_speeds().transform * points * static_cast<double>(plan.params.log_n) / 1e6};
  const WorkModel model(plan);
  nlohmann::json out = {{"instruction_set", kernels().name},
                        {"memory_bytes_per_second", limits.bytes_a_second},
                        {"multiplications_per_second", limits.multiplications_a_second},
                        {"ntt_us", limits.transform_milliseconds * 1e3}};
  const std::map<std::string, const Ticket*> kinds = {{"cold", nullptr}, {"prepared", &ticket}};
  for (const auto& [name, with] : kinds) {
    out[name] = nlohmann::json::array();
    for (const Row& part : measure(runner, input, *keys, with))
      out[name].push_back(row_json(part, model, limits));
  }
  if (as_json) {
    std::printf("%s\n", out.dump(2).c_str());
    return 0;
  }
  std::printf(
      "Kernels: %s. Memory: %.1f GB/s read. Multiplications: %.1f G/s (32 x 32 bits). An NTT of %zu points:"
      " %.1f us.\n",
      out["instruction_set"].get<std::string>().c_str(), limits.bytes_a_second / 1e9,
      limits.multiplications_a_second / 1e9, size_t{1} << plan.params.log_n,
      limits.transform_milliseconds * 1e3);
  print("Cold", out["cold"]);
  print("Prepared", out["prepared"]);
  return 0;
}

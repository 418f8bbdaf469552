#include <algorithm>
#include <cstdlib>

#include "cli/command.h"
#include "cli/table.h"
#include "cryptotl/rns/integer_matrix.h"
#include "cryptotl/rns/kernels.h"
#include "cryptotl/transfer/batch_bench.h"
#include "cryptotl/transfer/forward_bench.h"

namespace cryptotl {
namespace {

struct Options {
  ForwardBenchOptions bench;
  std::string isa;
};

constexpr const char* kInstructionSets[] = {"scalar", "avx2", "avx512"};
constexpr const char* kMatrixKernels[] = {"scalar", "avx2", "avx512", "ifma", "vnni", "amx"};

/// The server inherits it. Nothing else runs yet that could read the environment.
void set_environment(const char* variable, const std::string& value) {
  ::setenv(variable, value.c_str(), 1);  // NOLINT(concurrency-mt-unsafe)
}

/// What stands in the JSON as one line each, but for lists that are for programs.
std::string table_of(const nlohmann::json& json, const std::string& title,
                     std::initializer_list<std::string_view> left_out) {
  std::vector<std::vector<std::string>> rows = {{title, ""}};
  for (const auto& [key, value] : json.items()) {
    if (std::ranges::find(left_out, key) != left_out.end()) continue;
    const std::string text = value.is_string() ? value.get<std::string>() : value.dump();
    rows.push_back({key, value.is_number_float() ? brief(value) : text});
  }
  return text_table(rows);
}

void define(CLI::App& verb, Options& options) {
  verb.add_option("--threads", options.bench.threads, "of the server's pass")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  verb.add_option("--isa", options.isa, "scalar, avx2 or avx512 (default: the best that this machine has)")
      ->check(
          CLI::IsMember(std::vector<std::string>(std::begin(kInstructionSets), std::end(kInstructionSets))));
  verb.add_option("--inputs", options.bench.inputs, "how many passes are measured")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  CLI::Option* const widths =
      verb.add_option("--widths", options.bench.widths, "of input, hidden layers and output");
  widths->delimiter(',')
      ->check(CLI::Range(size_t{1}, kMaxEncryptedWidth))
      ->expected(3, 16)
      ->capture_default_str();
  CLI::Option* const quadratic =
      verb.add_flag("--quadratic", options.bench.quadratic, "a quadratic activation instead of the cubic");
  verb.add_option("--network", options.bench.network,
                  "folder of w1.npy, b1.npy, w2.npy, b2.npy, inputs.npy and calibration.npy, in the place of "
                  "random weights and inputs")
      ->excludes(widths)
      ->excludes(quadratic);
  verb.add_flag("--trusting", options.bench.trusting,
                "answers without masks, as cryptotl-server --trusting gives them");
  add_precision(verb, options.bench.precision);
  add_seed(verb, options.bench.seed);
}

Outcome work(const CommandLine& line, const Options& options) {
  if (!options.isa.empty()) set_environment("CRYPTOTL_ISA", options.isa);
  static_cast<void>(kernels());  // refuses what this machine lacks
  ForwardBenchOptions bench = options.bench;
  bench.quiet = line.quiet;
  bench.server_program = sibling_program("cryptotl-server");
  Outcome out;
  out.json = bench_forward(bench);
  out.text = table_of(out.json, "encrypted forward pass", {"server_ms", "prepared_ms"});
  return out;
}

struct BatchArguments {
  BatchBenchOptions bench;
  std::string isa;
  std::string activation = "cubic";
};

void define_batch(CLI::App& verb, BatchArguments& options) {
  verb.add_option("--samples", options.bench.samples, "how many inputs are measured")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  verb.add_option("--threads", options.bench.threads, "of the server, and of the plain network")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  verb.add_option(
          "--isa", options.isa,
          "a kernel for matrices: scalar, avx2, avx512 (with all else for that instruction set), ifma, "
          "vnni or amx (default: the best that this machine has)")
      ->check(CLI::IsMember(std::vector<std::string>(std::begin(kMatrixKernels), std::end(kMatrixKernels))));
  verb.add_option("--widths", options.bench.widths, "of input, hidden layers and output")
      ->delimiter(',')
      ->check(CLI::Range(size_t{1}, kMaxEncryptedWidth))
      ->expected(3, 16)
      ->capture_default_str();
  verb.add_option("--activation", options.activation, "cubic or quadratic")
      ->check(CLI::IsMember({"cubic", "quadratic"}))
      ->capture_default_str();
  verb.add_flag("--trusting", options.bench.trusting,
                "answers without masks, as cryptotl-server --trusting gives them");
  add_precision(verb, options.bench.precision);
  add_seed(verb, options.bench.seed);
}

void choose_kernels(const std::string& isa) {
  if (isa.empty()) return;
  const bool is_set = std::ranges::find(kInstructionSets, isa) != std::end(kInstructionSets);
  if (is_set) set_environment("CRYPTOTL_ISA", isa);
  set_environment("CRYPTOTL_MATRIX_ISA", isa);
  static_cast<void>(kernels());  // both refuse what this machine lacks
  static_cast<void>(matrix_kernel());
}

Outcome work_batch(const CommandLine& line, const BatchArguments& options) {
  choose_kernels(options.isa);
  BatchBenchOptions bench = options.bench;
  bench.quadratic = options.activation == "quadratic";
  bench.quiet = line.quiet;
  bench.server_program = sibling_program("cryptotl-server");
  Outcome out;
  out.json = bench_batch(bench);
  out.text = table_of(out.json, "encrypted batches", {});
  return out;
}

}  // namespace

void add_bench(CLI::App& app, CommandLine& line) {
  CLI::App* const bench = app.add_subcommand("bench", "measure");
  bench->require_subcommand(1);
  bench->footer("Example:\n  cryptotl bench forward --json");
  add_verb<Options>(*bench, line, "forward", "the encrypted pass of the paper's network with random weights",
                    "cryptotl bench forward --json --threads 1", define, work);
  add_verb<BatchArguments>(*bench, line, "batch", "batches of the same, beside plain double precision",
                           "cryptotl bench batch --json --samples 1000 --threads 1", define_batch,
                           work_batch);
}

}  // namespace cryptotl

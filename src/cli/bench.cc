#include <cstdlib>

#include "cli/command.h"
#include "cli/table.h"
#include "cryptotl/rns/kernels.h"
#include "cryptotl/transfer/forward_bench.h"

namespace cryptotl {
namespace {

struct Options {
  ForwardBenchOptions bench;
  std::string isa;
};

void define(CLI::App& verb, Options& options) {
  verb.add_option("--threads", options.bench.threads, "of the server's pass")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  verb.add_option("--isa", options.isa, "scalar, avx2 or avx512 (default: the best that this machine has)")
      ->check(CLI::IsMember({"scalar", "avx2", "avx512"}));
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
  add_precision(verb, options.bench.precision);
  add_seed(verb, options.bench.seed);
}

Outcome work(const CommandLine& line, const Options& options) {
  // The server inherits it. Nothing else runs yet that could read the environment.
  if (!options.isa.empty())
    ::setenv("CRYPTOTL_ISA", options.isa.c_str(), 1);  // NOLINT(concurrency-mt-unsafe)
  static_cast<void>(kernels());                        // refuses what this machine lacks
  ForwardBenchOptions bench = options.bench;
  bench.quiet = line.quiet;
  bench.server_program = sibling_program("cryptotl-server");
  Outcome out;
  out.json = bench_forward(bench);
  std::vector<std::vector<std::string>> rows = {{"encrypted forward pass", ""}};
  for (const auto& [key, value] : out.json.items()) {
    if (key == "server_ms" || key == "prepared_ms") continue;  // every single time is for programs
    const std::string text = value.is_string() ? value.get<std::string>() : value.dump();
    rows.push_back({key, value.is_number_float() ? brief(value) : text});
  }
  out.text = text_table(rows);
  return out;
}

}  // namespace

void add_bench(CLI::App& app, CommandLine& line) {
  CLI::App* const bench = app.add_subcommand("bench", "measure");
  bench->require_subcommand(1);
  bench->footer("Example:\n  cryptotl bench forward --json");
  add_verb<Options>(*bench, line, "forward", "the encrypted pass of the paper's network with random weights",
                    "cryptotl bench forward --json --threads 1", define, work);
}

}  // namespace cryptotl

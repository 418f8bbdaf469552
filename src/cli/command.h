#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "cryptotl/transfer/examples.h"

namespace cryptotl {

/// What a command has done: for machines (--json) and for people. One of the two goes to standard output.
struct Outcome {
  nlohmann::json json;
  std::string text;
};

/// The command line once parsed: the verb's work, still to be done, and what all verbs share.
struct CommandLine {
  std::function<Outcome()> run;
  bool json = false;
  bool quiet = false;
  std::vector<std::string> examples;  ///< one a verb
};

// Each adds one verb; parsing it sets `line.run`.
void add_pretrain(CLI::App& app, CommandLine& line);
void add_import(CLI::App& app, CommandLine& line);
void add_serve(CLI::App& app, CommandLine& line);
void add_keygen(CLI::App& app, CommandLine& line);
void add_embed(CLI::App& app, CommandLine& line);
void add_encrypt(CLI::App& app, CommandLine& line);
void add_fit(CLI::App& app, CommandLine& line);
void add_predict(CLI::App& app, CommandLine& line);
void add_evaluate(CLI::App& app, CommandLine& line);
void add_demo(CLI::App& app, CommandLine& line);
void add_bench(CLI::App& app, CommandLine& line);
void add_inspect(CLI::App& app, CommandLine& line);
void add_cache(CLI::App& app, CommandLine& line);
void add_budget(CLI::App& app, CommandLine& line);
void add_audit(CLI::App& app, CommandLine& line);

/// A subcommand with the options that all have and one example that works.
CLI::App* add_verb(CLI::App& app, CommandLine& line, const std::string& name, const std::string& what,
                   const std::string& example);

/// Adds a verb whose options live as long as its work: `define` declares them, `work` is run with them.
template <typename Options, typename Define, typename Work>
void add_verb(CLI::App& app, CommandLine& line, const std::string& name, const std::string& what,
              const std::string& example, Define define, Work work) {
  const auto options = std::make_shared<Options>();
  CLI::App* const verb = add_verb(app, line, name, what, example);
  define(*verb, *options);
  verb->callback(
      [&line, options, work] { line.run = [&line, options, work] { return work(line, *options); }; });
}

/// A table of examples on the command line.
struct DataOptions {
  std::string file, labels, label, embedder, encrypted;

  /// --data, --labels, --label, --embedder.
  void define(CLI::App& verb);
  /// The same, and --encrypted in the place of --data.
  void define_or_encrypted(CLI::App& verb);
  /// Throws unless there is --data or --encrypted.
  void require_one() const;
  /// Throws what read_examples refuses.
  Examples read(bool expects_labels) const;
};
Examples read_data(const std::string& file, const std::string& labels, const std::string& label,
                   const std::string& embedder, bool expects_labels);

/// --precision, or a --preset for it
void add_precision(CLI::App& verb, double& precision);
/// --seed, --force
void add_seed(CLI::App& verb, uint64_t& seed);
void add_force(CLI::App& verb, bool& force);

/// To standard error, one line.
void warn(const std::string& message);

/// The program of this name beside our own.
std::filesystem::path sibling_program(const std::string& name);
/// The folder that our own program lies in.
std::filesystem::path program_folder();

}  // namespace cryptotl

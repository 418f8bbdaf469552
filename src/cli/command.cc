#include "cli/command.h"

#include <iostream>

#include "cli/table.h"
#include "cryptotl/plan/planner.h"

namespace cryptotl {

CLI::App* add_verb(CLI::App& app, CommandLine& line, const std::string& name, const std::string& what,
                   const std::string& example) {
  CLI::App* const verb = app.add_subcommand(name, what);
  verb->footer("Example:\n  " + example);
  line.examples.push_back(example);
  verb->add_flag("--json", line.json, "print one JSON object");
  verb->add_flag("--quiet", line.quiet, "no progress bars");
  return verb;
}

void DataOptions::define(CLI::App& verb) {
  verb.add_option("--data", file, "CSV of numbers, CSV with a column text, or NPY")->required();
  verb.add_option("--labels", labels, "labels of an NPY file: NPY of integers, or one label a line");
  verb.add_option("--label", label,
                  "the label's column of a CSV, by name or number (default: label, or the last)");
  verb.add_option("--embedder", embedder, "where numbers come from, such as all-mpnet-base-v2");
}

void DataOptions::define_or_encrypted(CLI::App& verb) {
  define(verb);
  verb.get_option("--data")->required(false);
  CLI::Option* const other = verb.add_option(
      "--encrypted", encrypted, "in the place of --data: file that a device made with cryptotl encrypt");
  for (const char* const name : {"--data", "--label", "--embedder"}) other->excludes(verb.get_option(name));
}

void DataOptions::require_one() const {
  if (!file.empty() || !encrypted.empty()) return;
  throw Error(ErrorCode::invalid_argument, "--data is missing (or --encrypted, for what a device encrypted)");
}

Examples DataOptions::read(bool expects_labels) const {
  return read_data(file, labels, label, embedder, expects_labels);
}

Examples read_data(const std::string& file, const std::string& labels, const std::string& label,
                   const std::string& embedder, bool expects_labels) {
  TableOptions options;
  if (!label.empty()) options.label_column = label;
  options.labels = labels;
  options.expects_labels = expects_labels;
  return read_examples(file, options, embedder.empty() ? std::nullopt : std::optional(embedder)).value();
}

void add_precision(CLI::App& verb, double& precision) {
  CLI::Option* const number =
      verb.add_option_function<double>(
              "--precision",
              [&](double asked) {
                check_precision(asked).value();
                precision = asked;
              },
              "largest error of an answer's values, 1e-11 to 0.01; smaller takes longer")
          ->default_str(brief(precision));
  verb.add_option_function<std::string>(
          "--preset", [&](const std::string& preset) { precision = preset_precision(preset).value(); },
          "a precision by name: fast is 1e-4, accurate 1e-10")
      ->check(CLI::IsMember({"fast", "accurate"}))
      ->excludes(number);
}

void add_seed(CLI::App& verb, uint64_t& seed) {
  verb.add_option("--seed", seed, "of splits and training; keys and ciphertexts are random in any case")
      ->capture_default_str();
}

void add_force(CLI::App& verb, bool& force) {
  verb.add_flag("--force", force, "replace what is there already");
}

void warn(const std::string& message) { std::cerr << "cryptotl: warning: " << message << std::endl; }

std::filesystem::path program_folder() {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path();
}
std::filesystem::path sibling_program(const std::string& name) { return program_folder() / name; }

}  // namespace cryptotl

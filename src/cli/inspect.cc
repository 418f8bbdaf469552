#include "cli/command.h"
#include "cryptotl/transfer/inspection.h"

namespace cryptotl {
namespace {

struct Options {
  std::string path;
};

void define(CLI::App& verb, Options& options) {
  verb.add_option("path", options.path, "a model's or a key folder, or a file of ours")->required();
}

/// One line a value, nested ones with their path; plans as they are written.
void append(std::string& text, const std::string& path, const nlohmann::json& json) {
  if (json.is_object()) {
    const std::string folder = path.empty() ? "" : path + ".";
    for (const auto& [key, value] : json.items()) append(text, folder + key, value);
  } else if (path.ends_with("plan") && json.is_string() && json.get<std::string>().ends_with('\n')) {
    text += path + ": " + json.get<std::string>();
  } else {
    text.append(path)
        .append(": ")
        .append(json.is_string() ? json.get<std::string>() : json.dump())
        .append("\n");
  }
}

Outcome work(const CommandLine&, const Options& options) {
  Outcome out;
  out.json = inspect(options.path).value();
  append(out.text, "", out.json);
  return out;
}

}  // namespace

void add_inspect(CLI::App& app, CommandLine& line) {
  add_verb<Options>(app, line, "inspect",
                    "say what a model, a head, a plan, keys, a ciphertext, encrypted inputs or a cache are",
                    "cryptotl inspect model", define, work);
}

}  // namespace cryptotl

#include <set>

#include "cli/command.h"
#include "cryptotl/base/file.h"
#include "cryptotl/transfer/temporary_folder.h"

namespace cryptotl {
namespace {

struct Options {
  std::string data, out, labels_out;
  bool force = false;
};

void define(CLI::App& verb, Options& options) {
  verb.add_option("--data", options.data, "CSV with a column text and, perhaps, label")->required();
  verb.add_option("--out", options.out, "NPY file to be made: float64, one row a text")->required();
  verb.add_option("--labels-out", options.labels_out, "file of the labels to be made: one a line");
  add_force(verb, options.force);
}

std::string label_lines(const Examples& examples) {
  if (examples.labels.empty())
    throw Error(ErrorCode::malformed, examples.source + " has no labels for --labels-out");
  std::string out;
  for (const std::string& label : examples.labels) {
    if (label.find_first_of("\r\n") != std::string::npos) {
      throw Error(ErrorCode::malformed,
                  examples.source + ": a label of several lines does not fit --labels-out");
    }
    out += label + "\n";
  }
  return out;
}

Outcome work(const CommandLine&, const Options& options) {
  check_output_file(options.out, options.force).value();
  if (!options.labels_out.empty()) check_output_file(options.labels_out, options.force).value();
  const Examples examples = read_data(options.data, "", "", "", false);
  if (!examples.from_texts) {
    throw Error(ErrorCode::malformed, options.data + " holds no texts: a column called text is missing");
  }
  if (!options.labels_out.empty()) write_file(options.labels_out, as_bytes(label_lines(examples))).value();
  write_npy(options.out, examples.embeddings).value();
  return {{{"out", options.out},
           {"rows", examples.rows()},
           {"width", examples.embedder.width},
           {"embedder", examples.embedder.name},
           {"embedder_digest", examples.embedder.digest}},
          options.out + ": " + std::to_string(examples.rows()) + " rows of " +
              std::to_string(examples.embedder.width) + "; say --embedder " + examples.embedder.name +
              " where you use them\n"};
}

}  // namespace

void add_embed(CLI::App& app, CommandLine& line) {
  add_verb<Options>(
      app, line, "embed",
      "turn texts into vectors with the built-in embedder (examples/embed.py: sentence embeddings)",
      "cryptotl embed --data texts.csv --out texts.npy", define, work);
}

}  // namespace cryptotl

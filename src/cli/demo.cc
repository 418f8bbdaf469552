#include "cli/evaluate.h"
#include "cryptotl/transfer/temporary_folder.h"

namespace cryptotl {
namespace {

namespace fs = std::filesystem;

struct Options {
  std::string data;
  std::string out = "report.html";
  EvaluationOptions evaluation;
};

void define(CLI::App& verb, Options& options) {
  options.evaluation.shots = {10, 20, 50, 100};
  verb.add_option("--data", options.data, "folder of the examples (default: examples/mail of this program)");
  verb.add_option("--out", options.out, "HTML page to be made, in the place of an earlier one")
      ->capture_default_str();
  define_evaluation(verb, options.evaluation);
}

/// Where the sources or an installation keep the mail examples.
fs::path find_mail(const std::string& given) {
  if (!given.empty()) return given;
  const fs::path folders[] = {program_folder() / "../examples/mail",
                              program_folder() / "../share/cryptotl/examples/mail", "examples/mail"};
  for (const fs::path& folder : folders) {
    if (fs::exists(folder / "target.f16.npy")) return fs::weakly_canonical(folder);
  }
  throw Error(ErrorCode::not_found, "examples/mail is not beside this program; --data names its folder");
}

Examples read_part(const fs::path& folder, const std::string& part) {
  Examples out = read_data((folder / (part + ".f16.npy")).string(),
                           (folder / (part + ".labels.npy")).string(), "", "all-mpnet-base-v2", true);
  for (std::string& label : out.labels) label = label == "1" ? "spam" : "ham";
  out.source = "mail, " + part;
  return out;
}

Outcome work(const CommandLine& line, const Options& options) {
  check_output_file(options.out, true).value();
  const fs::path folder = find_mail(options.data);
  return run_evaluation(line, read_part(folder, "source"), read_part(folder, "target"), options.evaluation,
                        options.out);
}

}  // namespace

void add_demo(CLI::App& app, CommandLine& line) {
  add_verb<Options>(
      app, line, "demo",
      "the whole story on public mails: a provider's older mail helps a client to find spam in newer "
      "mail that the provider never sees",
      "cryptotl demo --out report.html", define, work);
}

}  // namespace cryptotl

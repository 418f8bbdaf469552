#include "cli/evaluate.h"
#include "cli/mail.h"
#include "cryptotl/transfer/temporary_folder.h"

namespace cryptotl {
namespace {

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

Outcome work(const CommandLine& line, const Options& options) {
  check_output_file(options.out, true).value();
  const std::filesystem::path folder = mail_folder(options.data);
  return run_evaluation(line, read_mail(folder, "source"), read_mail(folder, "target"), options.evaluation,
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

#include "cli/evaluate.h"

#include <unistd.h>

#include <cstdlib>

#include "cli/evaluation_text.h"
#include "cli/lower_options.h"
#include "cli/privacy_options.h"
#include "cli/session_options.h"
#include "cryptotl/base/file.h"
#include "cryptotl/transfer/report.h"
#include "cryptotl/transfer/temporary_folder.h"

namespace cryptotl {
namespace {

namespace fs = std::filesystem;

constexpr const char* kNoPart = "none";

struct Options {
  std::string source, source_labels, target, target_labels, label, embedder, report;
  EvaluationOptions evaluation;
  LowerOptions lower;
  PrivacyArguments privacy;
  std::string range;
  CacheOptions cache;
  bool no_tickets = false;
  std::vector<std::string> only;
  bool force = false;
};

void define(CLI::App& verb, Options& options) {
  verb.add_option("--source", options.source, "the provider's examples: CSV or NPY")->required();
  verb.add_option("--target", options.target, "the client's examples")->required();
  verb.add_option("--source-labels", options.source_labels, "labels of an NPY source");
  verb.add_option("--target-labels", options.target_labels, "labels of an NPY target");
  verb.add_option("--label", options.label, "the label's column of CSV files, by name or number");
  verb.add_option("--embedder", options.embedder, "where numbers come from, such as all-mpnet-base-v2");
  CLI::Option* const report = verb.add_option("--report", options.report, "HTML page to be made");
  std::vector<std::string> parts = kEvaluationParts;
  parts.emplace_back(kNoPart);
  verb.add_option("--only", options.only,
                  "of what follows the encrypted passes; parts are plain, plain_polynomial, transfer_plain, "
                  "transfer_encrypted, heads; none: the passes alone")
      ->delimiter(',')
      ->check(CLI::IsMember(parts))
      ->excludes(report);
  options.lower.define(verb);
  define_evaluation(verb, options.evaluation);
  add_mode(verb, options.evaluation.mode);
  add_no_tickets(verb, options.no_tickets);
  options.cache.define(verb, "one in the user's cache folder, emptied once the evaluation is done");
  add_force(verb, options.force);
  options.privacy.define(verb, {"--fine-tune", "--train-activation"});
  options.privacy.define_range(verb, options.range);
}

/// Where the XDG base directories have an evaluation's cache; nowhere for a user without a home to write to.
fs::path default_cache() {
  // Nothing else runs yet that could change the environment.
  const char* const caches = std::getenv("XDG_CACHE_HOME");  // NOLINT(concurrency-mt-unsafe)
  const char* const home = std::getenv("HOME");              // NOLINT(concurrency-mt-unsafe)
  fs::path folder;
  if (caches != nullptr && *caches == '/') {
    folder = caches;
  } else if (home != nullptr && *home == '/') {
    folder = fs::path(home) / ".cache";
  } else {
    return {};
  }
  std::error_code failure;
  fs::create_directories(folder, failure);
  folder /= "cryptotl";
  if (fs::create_directory(folder, failure)) fs::permissions(folder, fs::perms::owner_all, failure);
  const bool usable = ::access(folder.c_str(), W_OK | X_OK) == 0;
  return usable ? folder / "evaluate.cache" : fs::path();
}

EvaluationOptions with_cache(EvaluationOptions evaluation, const CacheOptions& cache) {
  if (cache.none) return evaluation;
  evaluation.keep_cache = !cache.file.empty();
  evaluation.cache = evaluation.keep_cache ? fs::path(cache.file) : default_cache();
  evaluation.cache_limit = cache.limit;
  // Before the long work, so that it is not done in vain.
  if (!evaluation.cache.empty()) check_feature_cache(evaluation.cache).value();
  return evaluation;
}

Outcome work(const CommandLine& line, const Options& options) {
  if (!options.report.empty()) check_output_file(options.report, options.force).value();
  PretrainingOptions lower;
  options.lower.apply(lower);
  EvaluationOptions evaluation = with_cache(options.evaluation, options.cache);
  const Examples source =
      read_data(options.source, options.source_labels, options.label, options.embedder, true);
  const Examples target =
      read_data(options.target, options.target_labels, options.label, options.embedder, true);
  require_shape(lower, source.embeddings.cols);
  if (!options.only.empty()) evaluation.parts = options.only;
  evaluation.use_tickets = !options.no_tickets;
  evaluation.shape = lower.shape;
  evaluation.train_activation = lower.train_activation;
  evaluation.replacement = lower.replacement;
  evaluation.privacy = options.privacy.read();
  evaluation.range = read_range(options.range);
  return run_evaluation(line, source, target, evaluation, options.report);
}

}  // namespace

void define_evaluation(CLI::App& verb, EvaluationOptions& options) {
  verb.add_option("--folds", options.folds, "of the cross-validation")
      ->check(CLI::Range(2, 1000))
      ->capture_default_str();
  verb.add_option("--shots", options.shots, "numbers of labels of the few-shot experiment, such as 10,20,50")
      ->delimiter(',')
      ->check(CLI::PositiveNumber);
  verb.add_option("--draws", options.draws, "of so many labels each")
      ->check(CLI::Range(2, 10'000))
      ->capture_default_str();
  verb.add_option("--epochs", options.training.epochs, "at most")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  add_precision(verb, options.precision);
  verb.add_option("--feature-noise", options.feature_noise,
                  "standard deviation of Gaussian noise that the server adds to every feature")
      ->check(CLI::NonNegativeNumber)
      ->type_name("SIGMA");
  verb.add_option("--threads", options.server_threads, "of the server's pass")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  add_seed(verb, options.seed);
}

Outcome run_evaluation(const CommandLine& line, const Examples& source, const Examples& target,
                       EvaluationOptions options, const std::string& report) {
  options.quiet = line.quiet;
  options.server_program = sibling_program("cryptotl-server");
  Outcome out;
  out.json = evaluate(source, target, options);
  for (const nlohmann::json& warning : out.json.at("cache_warnings")) warn(warning);
  out.text = evaluation_text(out.json);
  if (!report.empty()) {
    write_file(report, as_bytes(report_html(out.json))).value();
    out.text += "report:     " + report + "\n";
  }
  return out;
}

void add_evaluate(CLI::App& app, CommandLine& line) {
  add_verb<Options>(
      app, line, "evaluate", "compare learning with and without transfer, in plain and through encryption",
      "cryptotl evaluate --source source.csv --target target.csv --folds 10 --json", define, work);
}

}  // namespace cryptotl

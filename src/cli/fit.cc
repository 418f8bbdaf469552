#include "cli/command.h"
#include "cli/encrypted_data.h"
#include "cli/extraction_json.h"
#include "cli/privacy_options.h"
#include "cli/session_options.h"
#include "cryptotl/base/file.h"
#include "cryptotl/transfer/fitting.h"
#include "cryptotl/transfer/privacy_statement.h"
#include "cryptotl/transfer/temporary_folder.h"

namespace cryptotl {
namespace {

constexpr double kHeadRate = 4;  // of one linear layer on rows of length 1

struct Options {
  DataOptions data;
  SessionArguments session;
  std::vector<std::string> head;
  std::string kind;
  uint64_t seed = 0;
  bool force = false;
  PrivacyArguments privacy;
};

void define(CLI::App& verb, Options& options) {
  options.data.define_or_encrypted(verb);
  options.session.define(verb, "a head of kind local needs none");
  verb.add_option("--head", options.head, "file of the head to be made; the name of a kind counts as --kind")
      ->required()
      ->take_all();
  verb.add_option(
      "--kind", options.kind,
      "paper (the paper's upper network), linear, combined (with one's own embedding), local (no provider) "
      "or auto, which takes local unless cross-validation finds the provider's features better by more "
      "than one standard error");
  add_seed(verb, options.seed);
  add_force(verb, options.force);
  options.privacy.options.learning_rate = kHeadRate;
  options.privacy.seed = verb.get_option("--seed");
  options.privacy.define(verb, {});
  options.privacy.define_budget(verb);
}

[[noreturn]] void refuse_usage(const std::string& what) { throw Error(ErrorCode::invalid_argument, what); }

/// --head and --kind, told apart.
struct Wish {
  std::string file;
  HeadKind kind = HeadKind::automatic;
};

Wish parse_wish(const Options& options) {
  Wish wish;
  std::vector<std::string> kinds;
  if (!options.kind.empty()) kinds.push_back(options.kind);
  for (const std::string& word : options.head) {
    if (head_kind(word)) {
      kinds.push_back(word);
    } else if (wish.file.empty()) {
      wish.file = word;
    } else {
      refuse_usage("two head files, " + wish.file + " and " + word);
    }
  }
  if (wish.file.empty())
    refuse_usage("--head FILE is missing (./" + options.head.front() + " would be a file)");
  if (kinds.size() > 1) refuse_usage("two kinds of head, " + kinds[0] + " and " + kinds[1]);
  if (kinds.empty()) return wish;
  const auto kind = head_kind(kinds[0]);
  if (!kind) refuse_usage("--kind " + kinds[0] + ": paper, linear, combined, local or auto is right");
  wish.kind = *kind;
  return wish;
}

Outcome work(const CommandLine& line, const Options& options) {
  const Wish wish = parse_wish(options);
  std::optional<PrivacyOptions> privacy = options.privacy.read();
  if (privacy && (wish.kind == HeadKind::automatic || wish.kind == HeadKind::paper)) {
    refuse_usage("--dp with a head of kind " + std::string(name(wish.kind)) +
                 ": --kind local, linear or combined is right (auto looks at the labels to choose)");
  }
  const bool asks_server = wish.kind != HeadKind::local;
  if (asks_server && options.session.missing()) {
    refuse_usage("--server and --keys are missing; only a head of kind local does without");
  }
  options.data.require_one();
  const bool is_encrypted = !options.data.encrypted.empty();
  if (is_encrypted) require_features_alone(options.data.encrypted, wish.kind).value();
  if (is_encrypted && options.data.labels.empty())
    refuse_usage("labels are needed beside encrypted inputs: --labels FILE, one a row");
  check_output_file(wish.file, options.force).value();
  Examples examples;
  if (!is_encrypted) examples = options.data.read(true);
  std::optional<Session> session;
  if (asks_server) session = options.session.open();
  if (is_encrypted) examples = read_encrypted(options.data, *session, line.quiet);
  std::optional<Spending> spending;
  if (privacy) spending.emplace(examples.rows(), *privacy, options.privacy.budget, "fit " + wish.file);
  FitOptions fit;
  fit.privacy = privacy;
  fit.kind = wish.kind;
  fit.seed = options.seed;
  fit.quiet = line.quiet;
  const FitResult result = fit_head_to(examples, session ? &*session : nullptr, fit);
  for (const std::string& warning : result.warnings) warn(warning);
  const TrainedHead& head = result.trained;
  const Bytes bytes = write_head(head).value();
  if (spending) spending->spend();
  write_file(wish.file, bytes).value();
  Outcome out{{{"head", wish.file},
               {"kind", name(head.head.kind)},
               {"asked", name(head.asked)},
               {"reason", head.head.reason},
               {"rows", result.rows},
               {"labels", head.labels},
               {"embedder", head.embedder.name},
               {"predicted_error", head.predicted_error},
               {"sensitivity", head.head.sensitivity},
               {"score_bound", head.score_bound()},
               {"warnings", result.warnings}},
              wish.file + ": " + std::string(name(head.head.kind)) + " head for " +
                  std::to_string(head.labels.size()) + " labels from " + std::to_string(result.rows) +
                  " rows" + from_cache(result.extraction) + "; " + head.head.reason + "\n"};
  if (spending) {
    out.json["privacy"] = head.privacy;
    out.text += "privacy: " + privacy_text(head.privacy) + "\n" + spending->text();
  }
  if (asks_server) out.json["model_digest"] = hex(head.model);
  add_extraction(out.json, result.extraction);
  return out;
}

}  // namespace

void add_fit(CLI::App& app, CommandLine& line) {
  add_verb<Options>(
      app, line, "fit", "train a head on labelled examples through encryption",
      "cryptotl fit --server http://127.0.0.1:8000 --keys keys --data train.csv --head head.onnx", define,
      work);
}

}  // namespace cryptotl

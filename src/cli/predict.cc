#include <algorithm>
#include <sstream>

#include "cli/command.h"
#include "cli/encrypted_data.h"
#include "cli/extraction_json.h"
#include "cli/session_options.h"
#include "cryptotl/base/file.h"
#include "cryptotl/transfer/fitting.h"
#include "cryptotl/transfer/temporary_folder.h"

namespace cryptotl {
namespace {

struct Options {
  DataOptions data;
  SessionArguments session;
  std::string head, out;
  double releases = 0;
  double release_bits = ReleasePolicy{}.bits;
  bool server_only = false;
  bool force = false;

  std::optional<ReleasePolicy> policy() const {
    if (releases == 0) return std::nullopt;
    return ReleasePolicy{releases, release_bits};
  }
};

void define(CLI::App& verb, Options& options) {
  options.data.define_or_encrypted(verb);
  options.session.define(verb, "a head that was asked to be local needs none");
  CLI::Option* const head = verb.add_option("--head", options.head, "file of fit");
  verb.add_flag(
          "--server-only", options.server_only,
          "no head: the provider's own labels and scores, and no features (keys of keygen --server-only)")
      ->excludes(head);
  verb.add_option(
          "--out", options.out,
          "CSV file to be made: row (from 1), label, score (of two labels the probability of the second; of "
          "more a column score:LABEL each); empty where the encrypted answer is not safe to use")
      ->required();
  CLI::Option* const release =
      verb.add_option(
              "--release", options.releases,
              "the scores are for others: noise hides what decryption tells of the secret key, enough "
              "for so many rows under these keys in all (docs/security.md); take a precise server")
          ->check(CLI::Range(1.0, 1e12));
  verb.add_option("--release-bits", options.release_bits, "of security that the noise gives")
      ->check(CLI::Range(1.0, 128.0))
      ->capture_default_str()
      ->needs(release);
  add_force(verb, options.force);
}

TrainedHead read_head_file(const std::string& path) {
  const Bytes bytes = read_file(path, kMaxHeadBytes).value();
  auto head = read_head(bytes);
  if (!head.ok()) throw Error(head.error().code(), path + ": " + head.error().what());
  return *std::move(head);
}

/// What was done, whoever's head it was done with.
Outcome outcome(const Options& options, const Prediction& prediction,
                const std::vector<std::string>& labels) {
  for (const std::string& warning : prediction.warnings) warn(warning);
  write_file(options.out, as_bytes(scores_csv(prediction, labels))).value();
  std::map<std::string, size_t> counts;
  for (size_t i = 0; i < prediction.calls.size(); ++i) {
    if (!prediction.flagged[i]) ++counts[labels[static_cast<size_t>(prediction.calls[i].label)]];
  }
  Outcome out{{{"out", options.out},
               {"rows", prediction.calls.size()},
               {"labels", counts},
               {"server_only", options.server_only},
               {"score_bound", prediction.score_bound},
               {"warnings", prediction.warnings}},
              options.out + ": " + std::to_string(prediction.calls.size()) + " rows" +
                  from_cache(prediction.extraction)};
  for (const auto& [label, count] : counts) out.text += ", " + std::to_string(count) + " " + label;
  out.text += "\n";
  if (const auto policy = options.policy(); policy && prediction.release_deviation > 0) {
    out.json["release"] = {
        {"rows", policy->releases}, {"bits", policy->bits}, {"deviation", prediction.release_deviation}};
    std::ostringstream noise;
    noise << "released: noise of standard deviation " << prediction.release_deviation
          << " in each decrypted number; scores move by up to " << prediction.score_bound << "\n";
    out.text += noise.str();
  }
  add_extraction(out.json, prediction.extraction);
  return out;
}

Outcome by_head(const CommandLine& line, const Options& options) {
  const TrainedHead head = read_head_file(options.head);
  if (head.asks_server() && options.session.missing()) {
    throw Error(ErrorCode::invalid_argument,
                options.head + " needs the features of its server: --server and --keys");
  }
  const bool is_encrypted = !options.data.encrypted.empty();
  if (is_encrypted) require_features_alone(options.data.encrypted, head.head.kind).value();
  Examples examples;
  if (!is_encrypted) {
    examples = options.data.read(false);
    require_embedder(examples, head.embedder).value();
  }
  std::optional<Session> session;
  if (head.asks_server()) session = options.session.open();
  if (is_encrypted) examples = read_encrypted(options.data, *session, line.quiet);
  const Prediction prediction =
      predict(head, examples, session ? &*session : nullptr, line.quiet, options.policy());
  return outcome(options, prediction, head.labels);
}

Outcome by_server(const CommandLine& line, const Options& options) {
  if (options.session.missing())
    throw Error(ErrorCode::invalid_argument, "--server-only needs --server and --keys");
  const bool is_encrypted = !options.data.encrypted.empty();
  Examples examples;
  if (!is_encrypted) examples = options.data.read(false);
  Session session = options.session.open(Answers::scores);
  if (is_encrypted) examples = read_encrypted(options.data, session, line.quiet);
  const Prediction prediction = predict_server_only(examples, session, line.quiet, options.policy());
  return outcome(options, prediction, session.client.metadata().labels);
}

Outcome work(const CommandLine& line, const Options& options) {
  if (options.head.empty() && !options.server_only) {
    throw Error(ErrorCode::invalid_argument,
                "--head FILE is missing; --server-only does without, for the provider's own scores");
  }
  options.data.require_one();
  check_output_file(options.out, options.force).value();
  return options.server_only ? by_server(line, options) : by_head(line, options);
}

}  // namespace

void add_predict(CLI::App& app, CommandLine& line) {
  add_verb<Options>(app, line, "predict", "classify examples through encryption with a head",
                    "cryptotl predict --server http://127.0.0.1:8000 --keys keys --head head.onnx --data "
                    "new.csv --out scores.csv",
                    define, work);
}

}  // namespace cryptotl

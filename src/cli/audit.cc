#include <algorithm>

#include "cli/audit_text.h"
#include "cli/command.h"
#include "cli/mail.h"

namespace cryptotl {
namespace {

const std::vector<std::string> kAttacks = {"membership", "canaries", "keys", "server", "extraction"};

struct Options {
  DataOptions data;
  std::string model;
  std::vector<std::string> only;
  AuditOptions audit;
};

void define(CLI::App& verb, Options& options) {
  options.data.define(verb);
  verb.get_option("--data")->required(false)->description(
      "CSV of numbers, CSV with a column text, or NPY, with two labels (default: the mail examples' source)");
  for (const char* const option : {"--labels", "--label", "--embedder"})
    verb.get_option(option)->needs("--data");
  verb.add_option("--model", options.model,
                  "folder of a model whose network and parameters are attacked (default: the paper's network "
                  "on the data, and a small one that is pretrained on it)");
  verb.add_option("--only", options.only,
                  "attacks, with commas between: membership, canaries, keys, server, "
                  "extraction (default: all)")
      ->delimiter(',')
      ->check(CLI::IsMember(kAttacks));
  verb.add_option("--epsilon", options.audit.epsilon, "that private trainings claim")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  verb.add_option("--delta", options.audit.delta, "of the same (default: 1/(10 rows))")
      ->check(CLI::PositiveNumber);
  verb.add_option("--runs", options.audit.runs, "private trainings with canaries, of each kind")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  verb.add_option("--models", options.audit.models, "shadow models of the membership inference")
      ->check(CLI::Range(8, 1000))
      ->capture_default_str();
  add_seed(verb, options.audit.seed);
}

/// The attacks under way: what each has printed so far.
class Audit {
 public:
  Audit(const CommandLine& line, const Options& options) : line_(line), options_(options) {
    examples_ = options.data.file.empty() ? read_mail(mail_folder(""), "source") : options.data.read(true);
    if (!options.model.empty()) model_ = load_model(options.model).value();
    rows_ = audit_rows(examples_);
    if (wanted("membership") || wanted("canaries")) require_budget();
    out_.json = {{"data", examples_.source},
                 {"rows", examples_.rows()},
                 {"confidence", options.audit.confidence},
                 {"seed", options.audit.seed}};
    out_.text = "attacks on " + examples_.source + ", " + std::to_string(examples_.rows()) +
                " rows; each counts because its control succeeds\n\n";
  }

  Outcome run() {
    if (wanted("membership")) {
      add("membership",
          [&](const auto& progress) { return audit_membership(rows_, options_.audit, progress); });
    }
    if (wanted("canaries")) {
      for (const bool network : {false, true}) run_canaries(network);
    }
    if (wanted("keys") || wanted("server")) run_on_deployment();
    if (wanted("extraction")) {
      add("extraction", [&](const auto& progress) {
        return audit_extraction(examples_, rows_, model_, options_.audit, progress);
      });
    }
    return std::move(out_);
  }

 private:
  bool wanted(const std::string& attack) const {
    return options_.only.empty() || std::ranges::count(options_.only, attack) > 0;
  }

  /// What no private training keeps is refused before the controls are trained.
  void require_budget() const {
    PrivacyOptions privacy;
    privacy.epsilon = options_.audit.epsilon;
    privacy.delta = options_.audit.delta;
    plan_privacy(rows_.labels.size(), privacy);
  }

  template <typename Attack>
  auto with_bar(const std::string& what, const Attack& attack) const {
    ProgressBar bar(what, line_.quiet);
    return attack(bar.function());
  }

  template <typename Attack>
  void add(const std::string& what, const Attack& attack) {
    const auto result = with_bar(what, attack);
    out_.json[what] = to_json(result);
    out_.text += audit_text(result);
  }

  void run_canaries(bool network) {
    const std::string subject = network ? "a lower network" : "a linear head";
    const CanaryRuns result = with_bar("canaries in " + subject, [&](const auto& progress) {
      return audit_canary_runs(rows_, network, options_.audit, progress);
    });
    out_.json["canaries"][network ? "network" : "head"] = to_json(result);
    out_.text += audit_text(result, subject);
  }

  void run_on_deployment() {
    const AuditedDeployment deployment = audited_deployment(examples_, rows_, model_);
    if (wanted("keys"))
      add("keys", [&](const auto& progress) { return audit_key_recovery(deployment, progress); });
    if (wanted("server")) {
      add("server",
          [&](const auto& progress) { return audit_server_view(deployment, options_.audit, progress); });
    }
  }

  const CommandLine& line_;
  const Options& options_;
  Examples examples_;
  std::optional<Model> model_;
  AuditRows rows_;
  Outcome out_;
};

Outcome work(const CommandLine& line, const Options& options) { return Audit(line, options).run(); }

}  // namespace

void add_audit(CLI::App& app, CommandLine& line) {
  add_verb<Options>(
      app, line, "audit",
      "attack trainings, answers, ciphertexts and the network itself, and say what that reaches",
      "cryptotl audit --only canaries --epsilon 8", define, work);
}

}  // namespace cryptotl

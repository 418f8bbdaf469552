#include "cli/command.h"
#include "cli/table.h"
#include "cryptotl/transfer/privacy_budget.h"

namespace cryptotl {
namespace {

struct Options {
  std::string path;
  bool create = false;
  double epsilon = 0;
  double delta = 0;
};

void define(CLI::App& verb, Options& options) {
  verb.add_option("path", options.path, "the budget's file: one for each set of rows")->required();
  CLI::Option* const create = verb.add_flag("--create", options.create, "make it, with nothing spent");
  CLI::Option* const epsilon =
      verb.add_option("--epsilon", options.epsilon, "the most that all releases together may spend");
  CLI::Option* const delta =
      verb.add_option("--delta", options.delta, "at this delta: far below one over the number of rows");
  create->needs(epsilon)->needs(delta);
  epsilon->needs(create);
  delta->needs(create);
}

Outcome work(const CommandLine&, const Options& options) {
  if (options.create) PrivacyBudgetFile::create(options.path, {options.epsilon, options.delta, {}}).value();
  const PrivacyBudget budget = PrivacyBudgetFile::read(options.path).value();
  const double spent = budget.spent();
  nlohmann::json releases = nlohmann::json::array();
  std::string lines;
  for (const PrivacyRelease& release : budget.releases) {
    const double alone = tight_epsilon({&release.mechanism, 1}, budget.delta);
    releases.push_back({{"what", release.what},
                        {"sampling_rate", release.mechanism.sampling_rate},
                        {"noise_multiplier", release.mechanism.noise_multiplier},
                        {"steps", release.mechanism.steps},
                        {"epsilon_alone", alone}});
    lines += "  " + release.what + ": epsilon " + brief(alone) + " alone\n";
  }
  return {{{"budget", options.path},
           {"epsilon", budget.epsilon},
           {"delta", budget.delta},
           {"spent", spent},
           {"releases", std::move(releases)}},
          options.path + ": epsilon " + brief(spent) + " of " + brief(budget.epsilon) + " spent at delta " +
              brief(budget.delta) + " by " + std::to_string(budget.releases.size()) + " releases together\n" +
              lines};
}

}  // namespace

void add_budget(CLI::App& app, CommandLine& line) {
  add_verb<Options>(app, line, "budget",
                    "make or show the file that private trainings on one set of rows are accounted in",
                    "cryptotl budget source.budget --create --epsilon 8 --delta 1e-5", define, work);
}

}  // namespace cryptotl

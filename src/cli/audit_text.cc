#include "cli/audit_text.h"

#include <algorithm>
#include <cmath>

#include "cli/table.h"

namespace cryptotl {
namespace {

using Rows = std::vector<std::vector<std::string>>;

std::string percent(double share) { return fixed(100 * share, 1) + " %"; }
std::string range(const ProportionBounds& bounds) {
  return fixed(100 * bounds.low, 1) + " to " + fixed(100 * bounds.high, 1);
}
std::string epsilon_text(double epsilon) { return std::isfinite(epsilon) ? fixed(epsilon, 2) : "none"; }

std::vector<std::string> membership_row(const std::string& what, const MembershipAttack& attack) {
  return {what,
          epsilon_text(attack.spent.epsilon),
          percent(attack.accuracy),
          range(attack.accuracy_bounds),
          fixed(attack.auc, 3),
          percent(attack.true_positive_rate),
          range(attack.true_positive_bounds)};
}

std::vector<std::string> canary_row(const std::string& what, const CanaryAudit& audit) {
  return {what, std::to_string(audit.guessed.right) + " of " + std::to_string(audit.guessed.guesses),
          fixed(audit.empirical_epsilon, 2), epsilon_text(audit.claimed.epsilon)};
}

void add_views(Rows& table, const std::string& what, const std::vector<ServerViewAttack>& attacks) {
  for (const ServerViewAttack& attack : attacks) {
    table.push_back({what + ", " + name(attack.guess),
                     std::to_string(attack.right) + " of " + std::to_string(attack.guesses),
                     range(attack.bounds)});
  }
}

}  // namespace

std::string audit_text(const MembershipAudit& audit) {
  const Rows table = {
      {"trained", "claimed epsilon", "right", "99 % bounds", "AUC", "found at 1 % false", "99 % bounds"},
      membership_row("control: by heart, no defence", audit.control),
      membership_row("privately", audit.defended)};
  const double beyond = 100 * std::abs(audit.defended.accuracy - 0.5);
  return "membership inference: was a row trained on? (chance: 50 %)\n" + text_table(table) +
         "privately: " + fixed(beyond, 1) + " points from chance, " +
         (beyond <= 2 ? "within 2\n\n" : "more than 2\n\n");
}

std::string audit_text(const CanaryRuns& audit, const std::string& subject) {
  Rows table = {{"training", "right guesses", "epsilon at least (99 %)", "claimed at most"},
                canary_row("control: no noise", audit.control)};
  double largest = 0;
  for (const CanaryAudit& run : audit.runs) {
    table.push_back(canary_row("private, run " + std::to_string(table.size() - 1), run));
    largest = std::max(largest, run.empirical_epsilon);
  }
  return "canaries in " + subject + ": at delta " + brief(audit.control.claimed.delta) + "\n" +
         text_table(table) + "largest empirical epsilon " + fixed(largest, 2) +
         ", never above the claimed one\n\n";
}

std::string audit_text(const std::vector<KeyRecoveryAttack>& audit) {
  Rows table = {{"parameters", "answers", "keys from raw ones", "keys from released ones"}};
  for (const KeyRecoveryAttack& attack : audit) {
    table.push_back(
        {"N = " + std::to_string(size_t{1} << attack.log_n) + ", error " + brief(attack.predicted_error),
         std::to_string(attack.answers), std::to_string(attack.from_raw),
         std::to_string(attack.from_released)});
  }
  return "key recovery from decrypted answers that are passed on\n" + text_table(table) + "\n";
}

std::string audit_text(const ServerViewAudit& audit) {
  Rows table = {{"guessed from ciphertexts", "right", "99 % bounds"}};
  add_views(table, "control: secret of zeros", audit.control);
  add_views(table, "encrypted", audit.attacks);
  return "what the server sees (chance: 50 %)\n" + text_table(table) + "\n";
}

std::string audit_text(const ExtractionAudit& audit) {
  Rows table = {{"noise on answers", "queries until 95 % agree", "agreement at the last", "of queries"}};
  for (const ExtractionAudit::Level& level : audit.levels) {
    const ImitationPoint& last = level.copy.curve.back();
    table.push_back({level.noise == 0 ? "none" : "deviation " + brief(level.noise),
                     level.copy.queries ? std::to_string(*level.copy.queries) : "not reached",
                     percent(last.agreement), std::to_string(last.queries)});
  }
  return "extraction by queries: a copy of the network (features' deviation " +
         brief(audit.feature_deviation) + ", " + std::to_string(audit.held_out) + " rows to compare)\n" +
         text_table(table) + "\n";
}

}  // namespace cryptotl

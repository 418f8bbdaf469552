#include <cmath>

#include "cli/audit_text.h"

namespace cryptotl {
namespace {

using nlohmann::json;

json bounds_json(const ProportionBounds& bounds) { return {bounds.low, bounds.high}; }

/// JSON knows no infinity: no bound is null.
json epsilon_json(double epsilon) { return std::isfinite(epsilon) ? json(epsilon) : json(); }

json membership_json(const MembershipAttack& attack) {
  return {{"guesses", attack.guesses},
          {"accuracy", attack.accuracy},
          {"accuracy_bounds", bounds_json(attack.accuracy_bounds)},
          {"auc", attack.auc},
          {"true_positive_rate_at_1_percent", attack.true_positive_rate},
          {"true_positive_bounds", bounds_json(attack.true_positive_bounds)},
          {"fit_accuracy", attack.fit_accuracy},
          {"other_accuracy", attack.other_accuracy},
          {"claimed_epsilon", epsilon_json(attack.spent.epsilon)},
          {"delta", attack.spent.delta}};
}

json canary_json(const CanaryAudit& audit) {
  return {{"canaries", audit.guessed.canaries},
          {"guesses", audit.guessed.guesses},
          {"right", audit.guessed.right},
          {"empirical_epsilon", audit.empirical_epsilon},
          {"claimed_epsilon", epsilon_json(audit.claimed.epsilon)},
          {"delta", audit.claimed.delta},
          {"noise_multiplier", audit.claimed.mechanism.noise_multiplier}};
}

json view_json(const std::vector<ServerViewAttack>& attacks) {
  json out = json::array();
  for (const ServerViewAttack& attack : attacks) {
    out.push_back({{"guess", name(attack.guess)},
                   {"guesses", attack.guesses},
                   {"right", attack.right},
                   {"bounds", bounds_json(attack.bounds)},
                   {"at_chance", attack.at_chance}});
  }
  return out;
}

}  // namespace

json to_json(const MembershipAudit& audit) {
  return {{"control", membership_json(audit.control)}, {"defended", membership_json(audit.defended)}};
}

json to_json(const CanaryRuns& audit) {
  json runs = json::array();
  for (const CanaryAudit& run : audit.runs) runs.push_back(canary_json(run));
  return {{"control", canary_json(audit.control)}, {"runs", std::move(runs)}};
}

json to_json(const std::vector<KeyRecoveryAttack>& audit) {
  json out = json::array();
  for (const KeyRecoveryAttack& attack : audit) {
    out.push_back({{"ring_degree", size_t{1} << attack.log_n},
                   {"predicted_error", attack.predicted_error},
                   {"answers", attack.answers},
                   {"keys_from_raw", attack.from_raw},
                   {"keys_from_released", attack.from_released}});
  }
  return out;
}

json to_json(const ServerViewAudit& audit) {
  return {{"control", view_json(audit.control)}, {"attacks", view_json(audit.attacks)}};
}

json to_json(const ExtractionAudit& audit) {
  json levels = json::array();
  for (const ExtractionAudit::Level& level : audit.levels) {
    json curve = json::array();
    for (const ImitationPoint& point : level.copy.curve) {
      curve.push_back({{"queries", point.queries},
                       {"agreement", point.agreement},
                       {"feature_error", point.feature_error}});
    }
    levels.push_back({{"noise", level.noise},
                      {"queries", level.copy.queries ? json(*level.copy.queries) : json()},
                      {"curve", std::move(curve)}});
  }
  return {{"feature_deviation", audit.feature_deviation},
          {"held_out", audit.held_out},
          {"levels", std::move(levels)}};
}

}  // namespace cryptotl

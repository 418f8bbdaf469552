#pragma once

#include <algorithm>
#include <cmath>
#include <functional>
#include <optional>
#include <vector>

#include "answer_rounding.h"
#include "chain.h"
#include "outline.h"
#include "scale_search.h"

namespace cryptotl {

/// The search of all planners: every chain of primes that the guideline allows for every outline, the
/// cheapest first; for each the scales of the least predicted error, until one is precise enough.
template <typename Plan, typename Noise>
class ChainSearch {
 public:
  /// What is added to an answer and how it travels, and the predicted error with it; from the deviation of
  /// all before, and the most that it may be with all.
  using Finish = std::function<void(Plan&, const Noise&, double deviation, double most)>;

  /// `complete` sets what else follows from a chain that is set, and returns what the plan costs.
  ChainSearch(double precision, std::function<double(Plan&)> complete, Finish finish)
      : precision_(precision), complete_(std::move(complete)), finish_(std::move(finish)) {}

  /// How every answer ends: rounded for its way.
  static void round_answer(Plan& plan, const Noise&, double deviation, double most) {
    choose_answer(plan, deviation, most);
    plan.predicted_error = kTail * std::hypot(deviation, answer_rounding(plan));
  }

  /// A plan without chain and scales, and the noise of its answers.
  void add(Plan outline, Noise noise, const std::vector<bool>& rescales, const ChainRange& range = {}) {
    const auto most = static_cast<size_t>(guideline_log_qp(outline.params.log_n));
    outlines_.push_back(std::move(outline));
    noises_.push_back(std::move(noise));
    const auto visit = [&](const Chain& chain) {
      Plan plan = outlines_.back();
      use_chain(plan, chain);
      candidates_.push_back({complete_(plan), outlines_.size() - 1, chain});
    };
    for_each_chain(rescales, most, visit, range);
  }
  bool empty() const { return outlines_.empty(); }

  struct Found {
    Plan plan;
    const Noise& noise;  ///< lives as long as the search
  };
  std::optional<Found> run() {
    std::ranges::stable_sort(candidates_, {}, &Candidate::cost);
    for (const Candidate& candidate : candidates_) {
      Plan plan = outlines_[candidate.outline];
      use_chain(plan, candidate.chain);
      complete_(plan);
      const Noise& noise = noises_[candidate.outline];
      const double deviation = choose_scales(noise, plan);
      if (!std::isfinite(deviation)) continue;
      finish_(plan, noise, deviation, precision_ / kTail);
      if (plan.predicted_error <= precision_) {
        plan.noise = noise.terms(plan, Encryption::secret_key);
        return Found{std::move(plan), noise};
      }
      if (!std::isfinite(plan.predicted_error)) continue;
      if (!nearest_ || plan.predicted_error < nearest_->predicted_error) nearest_ = std::move(plan);
    }
    return std::nullopt;
  }
  /// Of those that are not precise enough, once run() has found none.
  const ProgramPlan* nearest() const { return nearest_ ? &*nearest_ : nullptr; }

 private:
  struct Candidate {
    double cost = 0;
    size_t outline = 0;  ///< index into outlines_
    Chain chain;
  };

  double precision_;
  std::function<double(Plan&)> complete_;
  Finish finish_;
  std::vector<Plan> outlines_;
  std::vector<Noise> noises_;
  std::vector<Candidate> candidates_;
  std::optional<Plan> nearest_;
};

}  // namespace cryptotl

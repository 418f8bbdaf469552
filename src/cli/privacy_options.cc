#include "cli/privacy_options.h"

#include <charconv>
#include <cmath>

#include "cli/table.h"

namespace cryptotl {
namespace {

[[noreturn]] void refuse(const std::string& what) { throw Error(ErrorCode::invalid_argument, what); }

constexpr const char* kGroup = "Differential privacy";

}  // namespace

void PrivacyArguments::define(CLI::App& verb, std::initializer_list<const char*> excluded) {
  CLI::Option* const dp = verb.add_flag("--dp", wanted, "train with differential privacy (docs/privacy.md)");
  dp->group(kGroup);
  for (const char* const option : excluded) dp->excludes(verb.get_option(option));
  const auto add = [&](const char* option, auto& value, const char* what) {
    return verb.add_option(option, value, what)->group(kGroup)->needs(dp);
  };
  add("--epsilon", epsilon, "the most that may be spent; the noise follows");
  add("--delta", options.delta, "default: 1/(10 rows)");
  add("--noise-multiplier", noise_multiplier, "in the place of --epsilon: the noise in clipping norms");
  add("--clipping-norm", options.clipping_norm, "no row's gradient counts for more")->capture_default_str();
  add("--dp-steps", options.steps, "of training")->check(CLI::Range(1, 1'000'000))->capture_default_str();
  add("--dp-batch", options.batch, "rows expected in a step (default: a quarter of all)");
  add("--dp-rate", options.learning_rate, "how far a step goes")->capture_default_str();
  add("--insecure-seed", insecure_seed,
      "draw the noise from this number: for experiments; what comes out is not private");
}

void PrivacyArguments::define_range(CLI::App& verb, std::string& range) {
  verb.add_option("--range", range,
                  "where the rows' numbers lie, as -3,3; without it rows are of length 1, as embeddings are")
      ->group(kGroup)
      ->needs("--dp");
}

void PrivacyArguments::define_budget(CLI::App& verb) {
  verb.add_option("--budget", budget, "file that what is spent is written to, and that is never overspent")
      ->group(kGroup)
      ->needs("--dp");
}

std::optional<PrivacyOptions> PrivacyArguments::read() const {
  if (!wanted) return std::nullopt;
  if (seed != nullptr && seed->count() > 0) {
    refuse(
        "--seed with --dp: whoever knows the seed can take the noise off again; without it noise comes from "
        "the system (--insecure-seed is for experiments)");
  }
  if (epsilon.has_value() == noise_multiplier.has_value())
    refuse("--dp needs a target, --epsilon, or in its place --noise-multiplier");
  if (noise_multiplier && !(*noise_multiplier > 0))
    refuse("--noise-multiplier " + brief(*noise_multiplier) + ": a number above 0 is right");
  if (insecure_seed && !budget.empty())
    refuse("--insecure-seed with --budget: what is not private cannot be accounted for");
  PrivacyOptions out = options;
  out.epsilon = epsilon;
  out.noise_multiplier = noise_multiplier;
  out.insecure_seed = insecure_seed;
  return out;
}

std::optional<Interval> read_range(const std::string& text) {
  if (text.empty()) return std::nullopt;
  Interval out;
  const char* const end = text.data() + text.size();
  const auto low = std::from_chars(text.data(), end, out.low);
  if (low.ec == std::errc() && low.ptr != end && *low.ptr == ',') {
    const auto high = std::from_chars(low.ptr + 1, end, out.high);
    const bool whole = high.ec == std::errc() && high.ptr == end;
    if (whole && std::isfinite(out.low) && std::isfinite(out.high) && out.low < out.high) return out;
  }
  refuse("--range " + text + ": two numbers, the lower first, such as -3,3 are right");
}

Spending::Spending(size_t rows, PrivacyOptions& options, const std::string& budget, std::string what)
    : release_{std::move(what), {}} {
  if (!budget.empty()) file_ = PrivacyBudgetFile::open(budget).value();
  release_.mechanism = plan_privacy(rows, options).mechanism;
  options.noise_multiplier = release_.mechanism.noise_multiplier;
  options.epsilon.reset();
  if (file_) file_->check(release_.mechanism).value();
}

void Spending::spend() {
  if (file_) file_->spend(release_).value();
}

std::string Spending::text() const {
  if (!file_) return {};
  const PrivacyBudget& budget = file_->budget();
  return "budget: epsilon " + brief(budget.spent()) + " of " + brief(budget.epsilon) + " spent at delta " +
         brief(budget.delta) + " by " + std::to_string(budget.releases.size()) + " releases\n";
}

}  // namespace cryptotl

#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>

#include "cryptotl/network/approximation.h"
#include "cryptotl/transfer/privacy_budget.h"

namespace cryptotl {

/// --dp and what goes with it.
struct PrivacyArguments {
  bool wanted = false;
  std::optional<double> epsilon, noise_multiplier;
  std::optional<uint64_t> insecure_seed;
  PrivacyOptions options;  ///< defaults, and what has been given
  std::string budget;
  const CLI::Option* seed = nullptr;  ///< --seed, where it would draw what is released: refused

  /// After the verb's own options. `excluded` are those of them that only training without privacy has.
  void define(CLI::App& verb, std::initializer_list<const char*> excluded);
  /// --range, of pretraining.
  static void define_range(CLI::App& verb, std::string& range);
  /// --budget, where something is released.
  void define_budget(CLI::App& verb);
  /// The training's, or none without --dp. Throws invalid_argument for what does not go together.
  std::optional<PrivacyOptions> read() const;
};

/// LOW,HIGH, or nothing for an empty text. Throws invalid_argument for anything else.
std::optional<Interval> read_range(const std::string& text);

/// What a training is to spend, settled before it begins: the noise that keeps to the target, and room for it
/// in the budget's file, which stays locked until the release is out.
class Spending {
 public:
  /// Settles options.noise_multiplier. Throws what plan_privacy() and the budget refuse.
  Spending(size_t rows, PrivacyOptions& options, const std::string& budget, std::string what);
  /// Writes it down; called right before what was trained is given out.
  void spend();
  /// A line, where there is a budget.
  std::string text() const;

 private:
  PrivacyRelease release_;
  std::optional<PrivacyBudgetFile> file_;
};

}  // namespace cryptotl

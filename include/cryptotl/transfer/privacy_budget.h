#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "cryptotl/base/file.h"
#include "cryptotl/learn/private_training.h"

namespace cryptotl {

/// One release: what was trained on the rows and given out.
struct PrivacyRelease {
  std::string what;  ///< for people: "pretrain model"
  SampledGaussian mechanism;
};

/// What may be spent of one set of rows, over all that is ever released of it, and what has been.
struct PrivacyBudget {
  double epsilon = 0;
  double delta = 0;
  std::vector<PrivacyRelease> releases;

  /// Of all releases together, composed by tight_epsilon() at the budget's delta: less than the sum of their
  /// epsilons.
  double spent() const;
  /// The same with one more.
  double spent_with(const SampledGaussian& mechanism) const;
};

/// invalid_argument, naming the number, unless epsilon is above 0 and delta between 1e-11 and 1.
Status check_budget(const PrivacyBudget& budget);

/// A budget's file, opened for spending: nobody else can open it meanwhile, so that what was checked still
/// holds when it is spent. JSON with a digest over it all, mode 0600, replaced as a whole. Move-only; the
/// lock goes with it.
class PrivacyBudgetFile {
 public:
  /// Makes the file with nothing spent. invalid_argument for what check_budget() refuses, and where there is
  /// a file already: replacing one would forget what was spent.
  static Status create(const std::filesystem::path& path, const PrivacyBudget& budget);
  /// not_found; malformed for what is no budget, or not as it was written; insecure_parameters where others
  /// may write to it; resource_exhausted where another process has it open.
  static Result<PrivacyBudgetFile> open(const std::filesystem::path& path);
  /// Reads it without a lock.
  static Result<PrivacyBudget> read(const std::filesystem::path& path);

  const PrivacyBudget& budget() const { return budget_; }
  /// insecure_parameters where a release would overspend; says what is left of what. Nothing is written.
  Status check(const SampledGaussian& mechanism) const;
  /// The same, and writes the release down. To be called before it is given out: what breaks off between the
  /// two has spent for nothing, never the other way round.
  Status spend(const PrivacyRelease& release);

 private:
  PrivacyBudgetFile(std::filesystem::path path, FileDescriptor lock, PrivacyBudget budget)
      : path_(std::move(path)), lock_(std::move(lock)), budget_(std::move(budget)) {}
  std::filesystem::path path_;
  FileDescriptor lock_;
  PrivacyBudget budget_;
};

}  // namespace cryptotl

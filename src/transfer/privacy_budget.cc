#include "cryptotl/transfer/privacy_budget.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmath>

#include "cryptotl/base/file.h"
#include "cryptotl/base/number_text.h"
#include "transfer/sealed_json.h"

namespace cryptotl {
namespace {

using Json = nlohmann::json;

constexpr const char* kBudgetFormat = "cryptotl-privacy-budget";
constexpr int kBudgetVersion = 1;
constexpr size_t kMaxBytes = size_t{1} << 20;  // some thousand releases
constexpr double kLeastDelta = 1e-11;          // what the accountant's truncated tails leave, and some room

Json to_json(const PrivacyBudget& budget) {
  Json releases = Json::array();
  for (const PrivacyRelease& release : budget.releases) {
    releases.push_back({{"what", release.what},
                        {"sampling_rate", release.mechanism.sampling_rate},
                        {"noise_multiplier", release.mechanism.noise_multiplier},
                        {"steps", release.mechanism.steps}});
  }
  return {{"format", kBudgetFormat},
          {"format_version", kBudgetVersion},
          {"epsilon", budget.epsilon},
          {"delta", budget.delta},
          {"releases", std::move(releases)}};
}

Result<PrivacyBudget> parse(const std::filesystem::path& path, ByteView bytes) {
  const auto json = open_sealed_json(bytes, path);
  if (!json.ok()) return json.error();
  try {
    if (json->value("format", "") != kBudgetFormat)
      return in_file(path, ErrorCode::malformed, "not a privacy budget");
    if (json->at("format_version") != kBudgetVersion) {
      return in_file(path, ErrorCode::unsupported_version,
                     "format version " + json->at("format_version").dump() + "; this build reads version " +
                         std::to_string(kBudgetVersion));
    }
    PrivacyBudget out{json->at("epsilon").get<double>(), json->at("delta").get<double>(), {}};
    for (const Json& one : json->at("releases")) {
      PrivacyRelease release{one.at("what").get<std::string>(),
                             {one.at("sampling_rate").get<double>(), one.at("noise_multiplier").get<double>(),
                              one.at("steps").get<size_t>()}};
      const Status sound = check_mechanism(release.mechanism);
      if (!sound.ok()) return in_file(path, ErrorCode::malformed, sound.error().what());
      out.releases.push_back(std::move(release));
    }
    const Status sound = check_budget(out);
    if (!sound.ok()) return in_file(path, ErrorCode::malformed, sound.error().what());
    return out;
  } catch (const Json::exception& error) {
    return in_file(path, ErrorCode::malformed, error.what());
  }
}

/// Whether the path still stands for the file that was opened: another process may have replaced it while we
/// waited for nothing more than the system.
bool is_still_there(const std::filesystem::path& path, const struct stat& opened) {
  struct stat now {};
  return ::stat(path.c_str(), &now) == 0 && now.st_ino == opened.st_ino && now.st_dev == opened.st_dev;
}

std::vector<SampledGaussian> mechanisms_of(const PrivacyBudget& budget) {
  std::vector<SampledGaussian> out;
  for (const PrivacyRelease& release : budget.releases) out.push_back(release.mechanism);
  return out;
}

}  // namespace

double PrivacyBudget::spent() const { return tight_epsilon(mechanisms_of(*this), delta); }

double PrivacyBudget::spent_with(const SampledGaussian& mechanism) const {
  std::vector<SampledGaussian> all = mechanisms_of(*this);
  all.push_back(mechanism);
  return tight_epsilon(all, delta);
}

Status check_budget(const PrivacyBudget& budget) {
  if (!(budget.epsilon > 0 && std::isfinite(budget.epsilon))) {
    return Error(ErrorCode::invalid_argument,
                 "privacy: an epsilon of " + number_text(budget.epsilon, 4) + "; a number above 0 is right");
  }
  if (!(budget.delta >= kLeastDelta && budget.delta < 1)) {
    return Error(ErrorCode::invalid_argument,
                 "privacy: a delta of " + number_text(budget.delta, 4) + "; " + number_text(kLeastDelta, 4) +
                     " and more, far below one over the number of rows, is right");
  }
  return {};
}

Status PrivacyBudgetFile::create(const std::filesystem::path& path, const PrivacyBudget& budget) {
  CRYPTOTL_TRY(check_budget(budget));
  std::error_code failure;
  if (std::filesystem::exists(std::filesystem::symlink_status(path, failure))) {
    return in_file(path, ErrorCode::invalid_argument,
                   "there already; a budget is not replaced, since that would forget what was spent");
  }
  return write_file(path, as_bytes(seal_json(to_json(budget))), FileMode::owner_only);
}

Result<PrivacyBudget> PrivacyBudgetFile::read(const std::filesystem::path& path) {
  const auto bytes = read_file(path, kMaxBytes);
  if (!bytes.ok()) return bytes.error();
  return parse(path, *bytes);
}

Result<PrivacyBudgetFile> PrivacyBudgetFile::open(const std::filesystem::path& path) {
  FileDescriptor lock(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!lock.open()) {
    if (errno == ENOENT) {
      return in_file(path, ErrorCode::not_found, "there is no such file; cryptotl budget --create makes one");
    }
    return in_file(path, ErrorCode::invalid_argument, "cannot be opened as a privacy budget");
  }
  struct stat info {};
  if (::fstat(lock.number(), &info) != 0 || !S_ISREG(info.st_mode))
    return in_file(path, ErrorCode::invalid_argument, "not a file");
  if (::flock(lock.number(), LOCK_EX | LOCK_NB) != 0 || !is_still_there(path, info)) {
    return in_file(path, ErrorCode::resource_exhausted,
                   "another process is spending from this budget; try again once it is done");
  }
  if ((info.st_mode & (S_IWGRP | S_IWOTH)) != 0 || info.st_uid != ::geteuid()) {
    return in_file(path, ErrorCode::insecure_parameters,
                   "others may write to this budget; mode 0600 and your own file is right");
  }
  auto budget = read(path);
  if (!budget.ok()) return budget.error();
  return PrivacyBudgetFile(path, std::move(lock), *std::move(budget));
}

Status PrivacyBudgetFile::check(const SampledGaussian& mechanism) const {
  CRYPTOTL_TRY(check_mechanism(mechanism));
  const double after = budget_.spent_with(mechanism);
  if (after <= budget_.epsilon) return {};
  return in_file(path_, ErrorCode::insecure_parameters,
                 "this would spend epsilon " + number_text(after, 4) + " in all, of " +
                     number_text(budget_.epsilon, 4) + " at delta " + number_text(budget_.delta, 4) +
                     " (spent so far: " + number_text(budget_.spent(), 4) +
                     "); ask for a smaller epsilon or more noise");
}

Status PrivacyBudgetFile::spend(const PrivacyRelease& release) {
  if (!lock_.open())
    return in_file(path_, ErrorCode::resource_exhausted, "another process has it; open it again");
  CRYPTOTL_TRY(check(release.mechanism));
  PrivacyBudget after = budget_;
  after.releases.push_back(release);
  const std::string text = seal_json(to_json(after));
  if (text.size() > kMaxBytes) return in_file(path_, ErrorCode::too_large, "has no room for another release");
  CRYPTOTL_TRY(write_file(path_, as_bytes(text), FileMode::owner_only));
  budget_ = std::move(after);
  // The lock was the old file's. Where another process has the new one by now, it is theirs to spend from.
  lock_ = FileDescriptor(::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (lock_.open() && ::flock(lock_.number(), LOCK_EX | LOCK_NB) != 0) lock_ = FileDescriptor();
  return {};
}

}  // namespace cryptotl

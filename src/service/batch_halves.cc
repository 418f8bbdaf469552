#include "service/batch_halves.h"

#include <iostream>
#include <nlohmann/json.hpp>

#include "cryptotl/base/random.h"
#include "service/whole_number.h"

namespace cryptotl {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kSuffix = ".half";

/// Names model and plan.
std::string prefix_of(const Digest& model, const BatchPlan& plan) {
  const std::string json = plan.to_json().dump();
  return hex(digest(Label("batch halves").add(model).add(as_bytes(json)).view())).substr(0, 16) + "-";
}

/// Epoch and number in PREFIX-EPOCH-NUMBER.half, whatever the prefix.
std::optional<std::pair<uint64_t, uint64_t>> parse_name(std::string_view name) {
  if (!name.ends_with(kSuffix)) return std::nullopt;
  name.remove_suffix(kSuffix.size());
  const size_t last = name.rfind('-');
  if (last == std::string_view::npos || last == 0) return std::nullopt;
  const size_t middle = name.rfind('-', last - 1);
  if (middle == std::string_view::npos) return std::nullopt;
  const auto epoch = whole_number(name.substr(middle + 1, last - middle - 1));
  const auto number = whole_number(name.substr(last + 1));
  if (!epoch || !number) return std::nullopt;
  return std::pair(*epoch, *number);
}

}  // namespace

BatchHalves::BatchHalves(fs::path folder, std::shared_ptr<const BatchProgram> program, const Digest& model,
                         size_t limit)
    : folder_(std::move(folder)),
      program_(std::move(program)),
      model_(model),
      prefix_(prefix_of(model, program_->plan())),
      most_(limit / BatchHalf::file_bytes(program_->plan())) {}

fs::path BatchHalves::path_of(uint64_t number) const {
  return folder_ / (prefix_ + std::to_string(*epoch_) + "-" + std::to_string(number) + std::string(kSuffix));
}

void BatchHalves::turn_to(uint64_t epoch) {
  if (epoch_ == epoch) return;
  epoch_ = epoch;
  present_.clear();
  wanted_.clear();
  std::error_code failure;
  for (const auto& entry : fs::directory_iterator(folder_, failure)) {
    const std::string name = entry.path().filename().string();
    const auto parsed = parse_name(name);
    if (!parsed) continue;
    std::error_code ignored;
    if (parsed->first != epoch) {
      fs::remove(entry.path(), ignored);
    } else if (name.starts_with(prefix_)) {
      present_.insert(parsed->second);
    }
  }
}

std::shared_ptr<const BatchHalf> BatchHalves::find(uint64_t epoch, uint64_t number) {
  fs::path path;
  {
    const std::lock_guard lock(mutex_);
    turn_to(epoch);
    if (!present_.contains(number)) {
      if (usable_ && number < most_) wanted_.insert(number);
      return nullptr;
    }
    path = path_of(number);
  }
  auto half = BatchHalf::read(path, *program_, batch_seed(model_, epoch), number);
  if (half.ok()) return *std::move(half);
  std::cerr << "removed " << path.string() << ": " << half.error().what() << std::endl;
  const std::lock_guard lock(mutex_);
  std::error_code ignored;
  fs::remove(path, ignored);
  if (epoch_ == epoch) {
    present_.erase(number);
    wanted_.insert(number);
  }
  return nullptr;
}

std::optional<uint64_t> BatchHalves::missing(uint64_t epoch) {
  const std::lock_guard lock(mutex_);
  turn_to(epoch);
  if (wanted_.empty() || !usable_) return std::nullopt;
  return *wanted_.begin();
}

void BatchHalves::put(uint64_t epoch, const BatchHalf& half) {
  fs::path path;
  {
    const std::lock_guard lock(mutex_);
    turn_to(epoch);
    path = path_of(half.number());
  }
  std::error_code failure;
  fs::create_directory(folder_, failure);  // where it fails, so does what follows
  const Status written = half.write(path, *program_);
  const std::lock_guard lock(mutex_);
  wanted_.erase(half.number());
  if (written.ok()) {
    if (epoch_ == epoch) present_.insert(half.number());
    return;
  }
  std::cerr << "no more batches are worked ahead for: " << written.error().what() << std::endl;
  usable_ = false;
}

void BatchHalves::give_up(uint64_t number) {
  const std::lock_guard lock(mutex_);
  wanted_.erase(number);
}

size_t BatchHalves::waiting(uint64_t epoch) {
  const std::lock_guard lock(mutex_);
  turn_to(epoch);
  return usable_ ? wanted_.size() : 0;
}

size_t BatchHalves::count(uint64_t epoch) {
  const std::lock_guard lock(mutex_);
  turn_to(epoch);
  return present_.size();
}

}  // namespace cryptotl

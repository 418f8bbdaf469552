#include "cryptotl/ckks/one_time_seed.h"

#include <unistd.h>

#include <utility>

#include "cryptotl/base/secret_buffer.h"

namespace cryptotl {

OneTimeSeed::OneTimeSeed() : seed_(random_seed()), process_(::getpid()) {}

OneTimeSeed::~OneTimeSeed() { wipe(seed_); }

OneTimeSeed::OneTimeSeed(OneTimeSeed&& other) noexcept
    : seed_(other.seed_), process_(std::exchange(other.process_, 0)) {
  wipe(other.seed_);
}

OneTimeSeed& OneTimeSeed::operator=(OneTimeSeed&& other) noexcept {
  if (this == &other) return *this;
  seed_ = other.seed_;
  process_ = std::exchange(other.process_, 0);
  wipe(other.seed_);
  return *this;
}

const Seed& OneTimeSeed::announced() const {
  require_unspent();
  return seed_;
}

void OneTimeSeed::require_unspent() const {
  if (process_ == 0) {
    throw Error(ErrorCode::invalid_argument, "this seed has encrypted its one message; draw another");
  }
  if (process_ != ::getpid()) {
    throw Error(ErrorCode::insecure_parameters,
                "this seed belongs to the process that drew it, which may encrypt with it too; draw another");
  }
}

Seed OneTimeSeed::spend() {
  require_unspent();
  const Seed seed = seed_;
  process_ = 0;
  wipe(seed_);
  return seed;
}

}  // namespace cryptotl

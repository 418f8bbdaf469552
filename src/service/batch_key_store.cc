#include "service/batch_key_store.h"

#include <algorithm>

#include "cryptotl/ckks/wire.h"

namespace cryptotl {
namespace {

Error not_here(const Digest& name) {
  return Error(ErrorCode::missing_key,
               "the batch keys " + hex(name) + " are not on this server (any more); make new ones");
}

}  // namespace

BatchKeyStore::BatchKeyStore(const BatchMetadata& offer, const ServiceLimits& limits)
    : plan_(offer.plan), params_(offer.params), upload_bytes_(offer.key_bytes()), limits_(limits) {}

BatchKeyStore::Place BatchKeyStore::place_of(const Digest& name) {
  return std::ranges::find_if(sets_, [&](const KeySet& set) { return set.name == name; });
}

void BatchKeyStore::forget(Place place) {
  forgotten_order_.push_back(place->name);
  forgotten_.insert(place->name);
  while (forgotten_order_.size() > limits_.forgotten_key_sets) {
    forgotten_.erase(forgotten_order_.front());
    forgotten_order_.pop_front();
  }
  bytes_ -= place->keys->bytes();
  sets_.erase(place);
}

void BatchKeyStore::forget_expired_locked() {
  const auto oldest = Clock::now() - limits_.batch_keys_time;
  while (!sets_.empty() && sets_.back().used <= oldest) forget(std::prev(sets_.end()));
}

void BatchKeyStore::forget_expired() {
  const std::lock_guard lock(mutex_);
  forget_expired_locked();
}

std::optional<BatchKeyStore::Clock::time_point> BatchKeyStore::next_expiry() {
  const std::lock_guard lock(mutex_);
  if (sets_.empty()) return std::nullopt;
  return sets_.back().used + limits_.batch_keys_time;
}

size_t BatchKeyStore::bytes() {
  const std::lock_guard lock(mutex_);
  return bytes_;
}

bool BatchKeyStore::contains(const Digest& name, uint64_t epoch) { return find(name, epoch).ok(); }

Result<BatchKeyStore::Keys> BatchKeyStore::find(const Digest& name, uint64_t epoch) {
  const std::lock_guard lock(mutex_);
  forget_expired_locked();
  const Place place = place_of(name);
  if (place == sets_.end() || place->epoch != epoch) return not_here(name);
  place->used = Clock::now();
  sets_.splice(sets_.begin(), sets_, place);
  return place->keys;
}

Status BatchKeyStore::claim(const Digest& name, uint64_t number, const Digest& batch) {
  const std::lock_guard lock(mutex_);
  const Place place = place_of(name);
  if (place == sets_.end()) return not_here(name);
  const auto [known, is_new] = place->batches.emplace(number, batch);
  if (is_new || known->second == batch) return {};
  return Error(ErrorCode::parameter_mismatch,
               "batch " + std::to_string(number) +
                   " of these keys has come with other rows before; one number serves one batch, so this "
                   "client has been copied or is wrong: make new keys");
}

Result<BatchKeyStore::Keys> BatchKeyStore::read(ByteView bytes) const {
  const auto set = read_key_set(bytes, params_, required_keys(plan_));
  if (!set.ok()) return set.error();
  auto keys = BatchKeys::create(plan_, set->evaluation, set->public_key);
  if (!keys.ok() && keys.error().code() == ErrorCode::missing_key) {
    return Error(ErrorCode::parameter_mismatch,
                 std::string("not the keys of this plan: ") + keys.error().what());
  }
  return keys;
}

void BatchKeyStore::put(const Digest& name, uint64_t epoch, Keys keys) {
  const std::lock_guard lock(mutex_);
  // The same keys again change nothing: what is known of their batches stays.
  if (place_of(name) != sets_.end()) return;
  bytes_ += keys->bytes();
  sets_.push_front({name, epoch, std::move(keys), Clock::now(), {}});
  while ((bytes_ > limits_.batch_keys_bytes || sets_.size() > limits_.batch_key_sets) && sets_.size() > 1)
    forget(std::prev(sets_.end()));
}

BatchKeyStore::Upload::Upload(BatchKeyStore& store, const Digest& name, uint64_t epoch)
    : store_(store), name_(name), epoch_(epoch) {}

BatchKeyStore::Upload::~Upload() {
  if (!counted_) return;
  const std::lock_guard lock(store_.mutex_);
  --store_.uploads_;
}

Status BatchKeyStore::Upload::begin() {
  const std::lock_guard lock(store_.mutex_);
  store_.forget_expired_locked();
  if (store_.forgotten_.contains(name_)) {
    return Error(ErrorCode::parameter_mismatch,
                 "the batch keys " + hex(name_) + " had their time on this server; make new ones");
  }
  if (const Place place = store_.place_of(name_); place != store_.sets_.end() && place->epoch != epoch_) {
    return Error(ErrorCode::parameter_mismatch, "the batch keys " + hex(name_) + " are those of epoch " +
                                                    std::to_string(place->epoch) +
                                                    "; one key meets one epoch's seed");
  }
  if (store_.uploads_ >= store_.limits_.waiting_uploads) {
    return Error(ErrorCode::resource_exhausted,
                 std::to_string(store_.uploads_) + " uploads of batch keys are under way; try again later");
  }
  ++store_.uploads_;
  counted_ = true;
  bytes_.reserve(store_.upload_bytes_);
  return {};
}

void BatchKeyStore::Upload::add(ByteView bytes) { bytes_.insert(bytes_.end(), bytes.begin(), bytes.end()); }

Status BatchKeyStore::Upload::finish() {
  if (digest(bytes_) != name_) {
    return Error(ErrorCode::malformed, "the body's digest is not the one in the path");
  }
  auto keys = store_.read(bytes_);
  if (!keys.ok()) return keys.error();
  store_.put(name_, epoch_, *std::move(keys));
  return {};
}

}  // namespace cryptotl

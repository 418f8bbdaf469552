#pragma once

#include <chrono>
#include <deque>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>

#include "cryptotl/execute/batch.h"
#include "cryptotl/service/batch_metadata.h"
#include "cryptotl/service/limits.h"

namespace cryptotl {

/// The clients' keys for batches, named by the BLAKE2b of their bytes, in memory alone: the secret key of a
/// batch job lives no longer than one process either. Those used last are kept within the limits' bytes,
/// number and time. What has been forgotten does not come back: with a key set goes what is known of its
/// batches, and one number serves one batch. Thread-safe.
class BatchKeyStore {
 public:
  using Clock = std::chrono::steady_clock;
  using Keys = std::shared_ptr<const BatchKeys>;

  BatchKeyStore(const BatchMetadata& offer, const ServiceLimits& limits);

  bool contains(const Digest& name, uint64_t epoch);
  /// missing_key where there are none (any more) of this epoch.
  Result<Keys> find(const Digest& name, uint64_t epoch);
  /// Notes that `number` stands for the batch whose rows have this digest. parameter_mismatch where it stands
  /// for another one, missing_key where the keys have been forgotten meanwhile.
  Status claim(const Digest& name, uint64_t number, const Digest& batch);

  /// One key set on its way in.
  class Upload {
   public:
    Upload(BatchKeyStore& store, const Digest& name, uint64_t epoch);
    ~Upload();
    Upload(const Upload&) = delete;
    Upload& operator=(const Upload&) = delete;

    /// resource_exhausted for too many at a time, parameter_mismatch for keys that had their time.
    Status begin();
    void add(ByteView bytes);
    /// Takes them. malformed where the digest is another, and what the readers and BatchKeys::create refuse.
    Status finish();

   private:
    BatchKeyStore& store_;
    const Digest name_;
    const uint64_t epoch_;
    Bytes bytes_;
    bool counted_ = false;
  };

  void forget_expired();
  /// When the next key set will have been unused for too long.
  std::optional<Clock::time_point> next_expiry();
  /// Of keys in memory.
  size_t bytes();

 private:
  struct KeySet {
    Digest name{};
    uint64_t epoch = 0;
    Keys keys;
    Clock::time_point used;
    std::map<uint64_t, Digest> batches;  ///< that numbers stand for
  };
  using Place = std::list<KeySet>::iterator;

  Place place_of(const Digest& name);
  void forget(Place place);
  void forget_expired_locked();
  Result<Keys> read(ByteView bytes) const;
  void put(const Digest& name, uint64_t epoch, Keys keys);

  const BatchPlan plan_;
  const ParamsPtr params_;
  const size_t upload_bytes_;
  const ServiceLimits limits_;

  std::mutex mutex_;
  std::list<KeySet> sets_;  ///< used last stands first
  size_t bytes_ = 0;
  size_t uploads_ = 0;
  std::set<Digest> forgotten_;
  std::deque<Digest> forgotten_order_;
};

}  // namespace cryptotl

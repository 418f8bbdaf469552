#pragma once

#include <filesystem>
#include <list>
#include <map>
#include <memory>
#include <mutex>

#include "cryptotl/execute/latency.h"
#include "cryptotl/service/limits.h"

namespace cryptotl {

/// The plan that a set of keys is for.
struct KeyPlan {
  KeyPlan(const LatencyPlan& plan, ParamsPtr params);

  LatencyPlan plan;
  ParamsPtr params;
  size_t key_bytes = 0;  ///< the exact size of every set
};

/// The clients' evaluation keys, of one plan or several side by side: each set is one file
/// FOLDER/DIGEST.keys, named by the BLAKE2b of its bytes, that appears whole or not at all; the sets used
/// last are also kept prepared in memory. A KeyPlan that a call names must outlive the store. Thread-safe;
/// several processes may share a folder, with other plans, too.
class KeyStore {
 public:
  /// Makes the folder where it is missing, and removes what an interrupted upload left behind.
  static Result<std::unique_ptr<KeyStore>> open(const std::filesystem::path& folder,
                                                const ServiceLimits& limits);

  /// Whether there is a file of this name and of the plan's size.
  bool contains(const KeyPlan& plan, const Digest& keys) const;

  /// The keys, prepared for the plan. missing_key where there are none, and where the file's bytes are not
  /// those that its name stands for: such a file is removed, so that the keys can be sent again.
  /// parameter_mismatch for keys of another plan, which stay.
  Result<std::shared_ptr<const LatencyKeys>> find(const KeyPlan& plan, const Digest& keys);

  /// One key set on its way in, in a temporary file that goes with this object.
  class Upload {
   public:
    Upload(KeyStore& store, const KeyPlan& plan, const Digest& keys);
    ~Upload();
    Upload(const Upload&) = delete;
    Upload& operator=(const Upload&) = delete;

    Status begin();
    Status add(ByteView bytes);
    /// Stores the file under its name. malformed where the digest is another, and what read_key_set and
    /// LatencyKeys::create refuse.
    Status finish();

   private:
    Error failed(const char* what) const;
    KeyStore& store_;
    const KeyPlan& plan_;
    Digest keys_;
    Hasher hasher_;
    bool counted_ = false;
    int descriptor_ = -1;
    std::string temporary_;
  };

 private:
  using Prepared = std::shared_ptr<const LatencyKeys>;
  struct CacheEntry {
    const KeyPlan* plan = nullptr;
    Digest keys{};
    Prepared prepared;
    bool is(const KeyPlan& other_plan, const Digest& other_keys) const {
      return plan == &other_plan && keys == other_keys;
    }
  };

  KeyStore(const std::filesystem::path& folder, const ServiceLimits& limits)
      : folder_(folder), limits_(limits) {}
  std::filesystem::path path_of(const Digest& keys) const;
  void remove_leftovers() const;
  size_t stored_bytes() const;
  Status admit(const KeyPlan& plan, const Digest& keys);
  Result<Prepared> load(const KeyPlan& plan, const Digest& keys);
  static Result<Prepared> prepare(const KeyPlan& plan, const std::filesystem::path& path, const Digest& keys);
  Prepared cached(const KeyPlan& plan, const Digest& keys);
  void remember(const KeyPlan& plan, const Digest& keys, Prepared prepared);

  const std::filesystem::path folder_;
  const ServiceLimits limits_;

  std::mutex upload_mutex_;
  size_t uploads_ = 0;
  size_t upload_bytes_ = 0;  ///< that these take once they are there

  /// Held while a set is read and prepared, which takes a few times its size in memory.
  std::mutex load_mutex_;

  std::mutex cache_mutex_;
  std::list<CacheEntry> cache_;  ///< used last stands first
  size_t cache_bytes_ = 0;
};

}  // namespace cryptotl

#pragma once

#include <filesystem>
#include <list>
#include <map>
#include <memory>
#include <mutex>

#include "cryptotl/execute/latency.h"
#include "cryptotl/service/limits.h"

namespace cryptotl {

/// The clients' evaluation keys: each set is one file FOLDER/DIGEST.keys, named by the BLAKE2b of its bytes,
/// that appears whole or not at all; the sets used last are also kept prepared in memory. Thread-safe;
/// several processes may share a folder.
class KeyStore {
 public:
  /// Makes the folder where it is missing, and removes what an interrupted upload left behind.
  static Result<std::unique_ptr<KeyStore>> open(const std::filesystem::path& folder, const LatencyPlan& plan,
                                                const ParamsPtr& params, const ServiceLimits& limits);

  /// The exact size of every key set.
  size_t key_bytes() const { return key_bytes_; }

  /// Whether there is a file of this name and the right size.
  bool contains(const Digest& keys) const;

  /// The prepared keys. missing_key where there are none, and where the file's bytes are not those that its
  /// name stands for: such a file is removed, so that the keys can be sent again.
  Result<std::shared_ptr<const LatencyKeys>> find(const Digest& keys);

  /// One key set on its way in, in a temporary file that goes with this object.
  class Upload {
   public:
    Upload(KeyStore& store, const Digest& keys);
    ~Upload();
    Upload(const Upload&) = delete;
    Upload& operator=(const Upload&) = delete;

    Status begin();
    Status add(ByteView bytes);
    /// Stores the file under its name. malformed where the digest is another, and what read_evaluation_keys
    /// and LatencyKeys::create refuse.
    Status finish();

   private:
    Error failed(const char* what) const;
    KeyStore& store_;
    Digest keys_;
    Hasher hasher_;
    bool counted_ = false;
    int descriptor_ = -1;
    std::string temporary_;
  };

 private:
  KeyStore(const std::filesystem::path& folder, const LatencyPlan& plan, const ParamsPtr& params,
           const ServiceLimits& limits);
  std::filesystem::path path_of(const Digest& keys) const;
  void remove_leftovers() const;
  size_t stored_bytes() const;
  Status admit(const Digest& keys);
  Result<std::shared_ptr<const LatencyKeys>> load(const Digest& keys);
  Result<std::shared_ptr<const LatencyKeys>> prepare(const std::filesystem::path& path,
                                                     const Digest& keys) const;
  std::shared_ptr<const LatencyKeys> cached(const Digest& keys);
  void remember(const Digest& keys, std::shared_ptr<const LatencyKeys> prepared);

  const std::filesystem::path folder_;
  const LatencyPlan plan_;
  const ParamsPtr params_;
  const ServiceLimits limits_;
  const size_t key_bytes_;

  std::mutex upload_mutex_;
  size_t uploads_ = 0;

  /// Held while a set is read and prepared, which takes a few times its size in memory.
  std::mutex load_mutex_;

  std::mutex cache_mutex_;
  std::list<std::pair<Digest, std::shared_ptr<const LatencyKeys>>> cache_;  ///< used last stands first
  size_t cache_bytes_ = 0;
};

}  // namespace cryptotl

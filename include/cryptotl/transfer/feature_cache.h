#pragma once

#include <filesystem>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cryptotl/service/metadata.h"

namespace cryptotl {

/// What is kept of one row.
struct CachedFeatures {
  bool flagged = false;          ///< the answer was beyond the safe range; its features are not kept
  std::vector<double> features;  ///< [features]; none where flagged
};

/// Names a row, scaled and clipped as it is encrypted, for the cache.
Digest input_digest(std::span<const double> scaled_row);

/// Decrypted features of rows that a server has answered, in an SQLite file of mode 0600, so that a run which
/// broke off goes on where it was. A row is found again by the digests of three things: its input, the model,
/// and the plan. The input is the scaled values as they were encrypted or, where a device encrypted them, the
/// ciphertext. Of a flagged row only that it is flagged is kept: otherwise
/// it would be asked for again, and the server would learn from it. Each row carries a digest over all of
/// this; one that does not fit is as good as missing.
///
/// Several processes may use one file at a time. What has been added is on disk after at most a second of
/// work, or with flush(). Rows that no run has used for longest make room for new ones; those of the present
/// run never do. Not thread-safe, one object a process and file.
class FeatureCache {
 public:
  static constexpr size_t kDefaultLimit = size_t{1} << 30;

  /// Opens the file for one model and plan, and makes it where it is missing. `limit` bounds its bytes. A
  /// file that is there is left as it is and refused: malformed where it is none of ours or damaged,
  /// unsupported_version where a newer version made it, insecure_parameters where it is another user's or
  /// others may read it, invalid_argument where it cannot be written, resource_exhausted where another
  /// process holds it for five seconds.
  static Result<FeatureCache> open(const std::filesystem::path& path, const ModelMetadata& model,
                                   size_t limit = kDefaultLimit);

  /// Flushes.
  ~FeatureCache();
  FeatureCache(FeatureCache&&) noexcept;
  FeatureCache& operator=(FeatureCache&&) noexcept;

  const std::filesystem::path& path() const;

  /// What is kept of the row whose input has this digest: input_digest, or the digest of the bytes of a
  /// ciphertext. Throws malformed where the file is damaged.
  std::optional<CachedFeatures> find(const Digest& input);
  /// Keeps a row; no features mark it as flagged. Never fails: where the file cannot be written any more, or
  /// is full, nothing further is kept, and warnings() says so.
  void add(const Digest& input, std::span<const double> features);
  void flush();
  /// Removes every row of this model and plan.
  void forget();

  /// Rows that were added and are on disk.
  size_t kept() const;
  /// One line each on damaged rows and on why nothing is kept any more.
  std::vector<std::string> warnings() const;

 private:
  struct State;
  explicit FeatureCache(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// What FeatureCache::open would refuse of the file, where there is one, and a missing folder.
Status check_feature_cache(const std::filesystem::path& path);

/// {"kind", "format_version", "rows", "flagged_rows", "bytes", "models": [{"model_digest", "plan_digest",
/// "rows"}]}. Refuses what FeatureCache::open refuses; not_found where there is no file.
Result<nlohmann::json> describe_feature_cache(const std::filesystem::path& path);

/// Removes the file, of whatever version, damaged or readable by others, but nothing else than a feature
/// cache of the calling user, and not while another process writes to it. A process that has it open keeps
/// nothing from then on.
Status remove_feature_cache(const std::filesystem::path& path);

/// The file in a key folder: who has the secret key may see the features anyway.
inline constexpr const char* kFeatureCacheFile = "features.cache";
inline constexpr const char* kFeatureCacheJournal = "features.cache-journal";

}  // namespace cryptotl

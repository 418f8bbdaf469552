#pragma once

#include <array>
#include <filesystem>
#include <optional>

#include "cryptotl/base/progress.h"
#include "cryptotl/ckks/secret_key.h"
#include "cryptotl/service/client.h"
#include "cryptotl/transfer/feature_cache.h"

namespace cryptotl {

/// A client's keys for one server's model: the secret key, the evaluation keys that the server needs, and the
/// public key, for its answers and for devices that encrypt for the client. On disk they are a folder:
/// secret.key (mode 0600), evaluation.keys, keys.json, which says whose they are, and for the devices
/// public.key and plan.json. The cache of decrypted features joins them later.
class ClientKeys {
 public:
  /// New keys for the model's plan, in memory alone. Nothing but the operating system's randomness is in
  /// them.
  static ClientKeys generate(const ModelMetadata& model);

  /// Writes the folder, whole or not at all; `replace` as in StagedFolder.
  Status save(const std::filesystem::path& folder, bool replace) const;

  /// Reads the folder; parameter_mismatch where the keys were made for another model, other parameters, or
  /// for scores instead of features or the other way round, insecure_parameters where others than the owner
  /// may read the secret key.
  static Result<ClientKeys> open(const std::filesystem::path& folder, const ModelMetadata& model);

  /// What the keys are for.
  Answers answers() const { return answers_; }
  const SecretKey& secret() const { return secret_; }
  /// Of the public key that was made with these keys; none in a folder from before there was one.
  const std::optional<Digest>& public_key_fingerprint() const { return public_key_; }
  /// What names the evaluation keys and the public key at the server: the digest of both.
  const Digest& evaluation_keys() const { return evaluation_keys_; }

  /// Sends the evaluation keys and the public key unless the server has them. missing_key where it does not
  /// and the folder has lost them.
  Status upload(ServiceClient& client, const ProgressFunction& progress = {}) const;

 private:
  explicit ClientKeys(SecretKey secret) : secret_(std::move(secret)) {}
  /// Evaluation keys and public key, whole and those that were generated.
  Result<std::array<Bytes, 2>> key_bytes() const;

  SecretKey secret_;
  Answers answers_ = Answers::features;
  Digest evaluation_keys_{};
  std::optional<Digest> public_key_;
  Digest model_{};
  Bytes generated_;               ///< the evaluation keys, where they are not on disk
  Bytes for_devices_[2];          ///< public.key and plan.json, likewise
  std::filesystem::path folder_;  ///< else
};

inline constexpr const char* kSecretKeyFile = "secret.key";
inline constexpr const char* kEvaluationKeyFile = "evaluation.keys";
inline constexpr const char* kKeyManifestFile = "keys.json";
/// For devices that encrypt; no secret in them.
inline constexpr const char* kPublicKeyFile = "public.key";
inline constexpr const char* kPlanFile = "plan.json";
/// All that a key folder may hold, and what goes when new keys take its place: the cache with what a killed
/// process may have left beside it, too.
inline constexpr std::array kKeyFiles = {kSecretKeyFile,      kEvaluationKeyFile, kKeyManifestFile,
                                         kPublicKeyFile,      kPlanFile,          kFeatureCacheFile,
                                         kFeatureCacheJournal};

}  // namespace cryptotl

#include "cryptotl/transfer/client_keys.h"

#include <nlohmann/json.hpp>

#include "cryptotl/base/file.h"
#include "cryptotl/ckks/secret_key_file.h"
#include "cryptotl/ckks/wire.h"
#include "cryptotl/transfer/plan_file.h"
#include "cryptotl/transfer/temporary_folder.h"
#include "transfer/sealed_json.h"

namespace cryptotl {
namespace {

using Json = nlohmann::json;

constexpr const char* kKeysFormat = "cryptotl-keys";
constexpr int kKeysVersion = 2;  // 1: the public key did not go to the server
constexpr size_t kManifestLimit = 1 << 16;

/// What goes to the server, one after the other.
constexpr const char* kFilesOfKeys[] = {kEvaluationKeyFile, kPublicKeyFile};

Bytes joined(Bytes first, ByteView second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

/// What keys.json says.
struct Manifest {
  std::string params_id, key_id, model_digest, evaluation_keys;
  std::string answers;
  std::string public_key;  ///< empty in one from before there were public keys
};

Result<Manifest> read_manifest(const std::filesystem::path& path) {
  const auto bytes = read_file(path, kManifestLimit);
  if (!bytes.ok() && bytes.error().code() == ErrorCode::not_found) {
    return in_file(path, ErrorCode::not_found, "there are no keys; make them with cryptotl keygen");
  }
  if (!bytes.ok()) return bytes.error();
  const auto json = open_sealed_json(*bytes, path);
  if (!json.ok()) return json.error();
  try {
    if (json->at("format") != kKeysFormat)
      return in_file(path, ErrorCode::malformed, "not the manifest of a key folder");
    if (json->at("format_version") != kKeysVersion) {
      return in_file(path, ErrorCode::unsupported_version,
                     "format version " + json->at("format_version").dump() + "; this build reads version " +
                         std::to_string(kKeysVersion) + ": make new keys with cryptotl keygen");
    }
    return Manifest{json->at("params_id"),
                    json->at("key_id"),
                    json->at("model_digest"),
                    json->at("evaluation_keys"),
                    json->value("answers", std::string(name(Answers::features))),
                    json->value("public_key", "")};
  } catch (const Json::exception& error) {
    return in_file(path, ErrorCode::malformed, error.what());
  }
}

Result<Digest> digest_from(const std::string& digits) {
  const auto bytes = from_hex(digits);
  Digest out{};
  if (!bytes.ok() || bytes->size() != out.size()) return Error(ErrorCode::malformed, "not a digest");
  std::ranges::copy(*bytes, out.begin());
  return out;
}

}  // namespace

ClientKeys ClientKeys::generate(const ModelMetadata& model) {
  ClientKeys out(SecretKey::generate(model.params));
  out.generated_ = write_evaluation_keys(make_evaluation_keys(out.secret_, required_keys(model.plan)));
  out.model_ = model.model_digest;
  out.answers_ = model.answers;
  const PublicKey public_key = make_public_key(out.secret_);
  out.public_key_ = fingerprint(public_key);
  out.for_devices_[0] = write_public_key(public_key);
  out.evaluation_keys_ = digest(joined(out.generated_, out.for_devices_[0]));
  const std::string plan = write_plan_file(model);
  out.for_devices_[1].assign(plan.begin(), plan.end());
  return out;
}

Status ClientKeys::save(const std::filesystem::path& folder, bool replace) const {
  auto staged = StagedFolder::begin(folder, kKeyFiles, replace);
  if (!staged.ok()) return staged.error();
  const auto keys = key_bytes();
  if (!keys.ok()) return keys.error();
  Json manifest = {{"format", kKeysFormat},
                   {"format_version", kKeysVersion},
                   {"params_id", hex(secret_.params()->id())},
                   {"key_id", hex(secret_.id())},
                   {"model_digest", hex(model_)},
                   {"answers", name(answers_)},
                   {"evaluation_keys", hex(evaluation_keys_)}};
  if (public_key_) manifest["public_key"] = hex(*public_key_);
  CRYPTOTL_TRY(write_secret_key(staged->path() / kSecretKeyFile, secret_));
  CRYPTOTL_TRY(write_file(staged->path() / kEvaluationKeyFile, (*keys)[0]));
  CRYPTOTL_TRY(write_file(staged->path() / kPublicKeyFile, (*keys)[1]));
  if (!for_devices_[1].empty()) CRYPTOTL_TRY(write_file(staged->path() / kPlanFile, for_devices_[1]));
  CRYPTOTL_TRY(write_file(staged->path() / kKeyManifestFile, as_bytes(seal_json(manifest))));
  return staged->commit(std::filesystem::perms::owner_all);
}

Result<ClientKeys> ClientKeys::open(const std::filesystem::path& folder, const ModelMetadata& model) {
  const auto manifest = read_manifest(folder / kKeyManifestFile);
  if (!manifest.ok()) return manifest.error();
  if (manifest->answers != name(model.answers)) {
    return in_file(folder, ErrorCode::parameter_mismatch,
                   "these keys are for " + manifest->answers + ", not for " +
                       std::string(name(model.answers)) + "; make others with cryptotl keygen" +
                       (model.answers == Answers::scores ? " --server-only" : ""));
  }
  if (manifest->params_id != hex(model.params->id())) {
    return in_file(
        folder, ErrorCode::parameter_mismatch,
        "these keys are for other parameters than the server's; make new ones with cryptotl keygen");
  }
  if (manifest->model_digest != hex(model.model_digest)) {
    return in_file(folder, ErrorCode::parameter_mismatch,
                   "these keys are for model " + manifest->model_digest.substr(0, 16) + "; the server's is " +
                       hex(model.model_digest).substr(0, 16) + ": make new ones with cryptotl keygen");
  }
  auto secret = read_secret_key(folder / kSecretKeyFile, model.params);
  if (!secret.ok()) return secret.error();
  if (manifest->key_id != hex(secret->id())) {
    return in_file(folder, ErrorCode::parameter_mismatch, "secret.key is another key than keys.json names");
  }
  const auto evaluation = digest_from(manifest->evaluation_keys);
  if (!evaluation.ok())
    return in_file(folder / kKeyManifestFile, ErrorCode::malformed, "evaluation_keys is no digest");
  ClientKeys out(*std::move(secret));
  if (!manifest->public_key.empty()) {
    const auto public_key = digest_from(manifest->public_key);
    if (!public_key.ok())
      return in_file(folder / kKeyManifestFile, ErrorCode::malformed, "public_key is no digest");
    out.public_key_ = *public_key;
  }
  out.evaluation_keys_ = *evaluation;
  out.model_ = model.model_digest;
  out.answers_ = model.answers;
  out.folder_ = folder;
  return out;
}

Result<std::array<Bytes, 2>> ClientKeys::key_bytes() const {
  if (folder_.empty()) return std::array<Bytes, 2>{generated_, for_devices_[0]};
  std::array<Bytes, 2> out;
  for (const size_t i : {0, 1}) {
    auto bytes = read_file(folder_ / kFilesOfKeys[i]);
    if (!bytes.ok()) {
      return Error(
          ErrorCode::missing_key,
          std::string("the server does not have these evaluation keys, and ") + bytes.error().what());
    }
    out[i] = *std::move(bytes);
  }
  if (digest(joined(out[0], out[1])) != evaluation_keys_) {
    return in_file(folder_ / kEvaluationKeyFile, ErrorCode::malformed,
                   "corrupted: these bytes and those of public.key are not the ones that keys.json names");
  }
  return out;
}

Status ClientKeys::upload(ServiceClient& client, const ProgressFunction& progress) const {
  const auto there = client.has_keys(evaluation_keys_);
  if (!there.ok()) return there.error();
  if (*there) return {};
  const auto bytes = key_bytes();
  if (!bytes.ok()) return bytes.error();
  const auto sent = client.upload_keys(joined((*bytes)[0], (*bytes)[1]), progress);
  if (!sent.ok()) return sent.error();
  return {};
}

}  // namespace cryptotl

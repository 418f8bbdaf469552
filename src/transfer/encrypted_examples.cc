#include "cryptotl/transfer/encrypted_examples.h"

#include "cryptotl/base/file.h"
#include "cryptotl/data/label_file.h"
#include "cryptotl/transfer/plan_file.h"

namespace cryptotl {
namespace {

std::string brief(const Digest& digest) { return hex(digest).substr(0, 16); }

Status require_ours(const EncryptedInputs& inputs, const ClientKeys& keys, const ModelMetadata& model) {
  const EncryptedInputsHeader& header = inputs.header();
  const auto mismatch = [&](const std::string& what) {
    return in_file(inputs.path(), ErrorCode::parameter_mismatch, what);
  };
  if (header.key_id != keys.secret().id()) {
    return mismatch("encrypted for the owner of key " + hex(header.key_id) + "; these keys are key " +
                    hex(keys.secret().id()));
  }
  if (!keys.public_key_fingerprint()) {
    return in_file(inputs.path(), ErrorCode::missing_key,
                   "these keys were made without a public key; make new ones with cryptotl keygen");
  }
  if (header.public_key != *keys.public_key_fingerprint()) {
    return in_file(inputs.path(), ErrorCode::insecure_parameters,
                   "encrypted with a public key of fingerprint " + brief(header.public_key) +
                       " that bears our key id, but ours has " + brief(*keys.public_key_fingerprint()) +
                       ": give the device public.key anew and compare fingerprints");
  }
  if (header.model != model.model_digest) {
    return mismatch("encrypted for model " + brief(header.model) + "; the server's is " +
                    brief(model.model_digest));
  }
  if (header.plan != plan_digest(model.plan)) {
    return mismatch("encrypted by plan " + brief(header.plan) + " of this model; the server's is " +
                    brief(plan_digest(model.plan)));
  }
  return {};
}

}  // namespace

Result<Examples> read_encrypted_examples(const std::filesystem::path& path,
                                         const std::filesystem::path& labels, const ClientKeys& keys,
                                         const ModelMetadata& model, const ProgressFunction& progress) {
  auto inputs = EncryptedInputs::open(path, model.params, model.plan.top_limbs());
  if (!inputs.ok()) return inputs.error();
  CRYPTOTL_TRY(require_ours(*inputs, keys, model));
  Examples out;
  out.source = path.string();
  out.embedder = model.embedder;
  if (!labels.empty()) {
    auto read = read_label_file(labels);
    if (!read.ok()) return read.error();
    if (read->size() != inputs->count()) {
      return in_file(labels, ErrorCode::malformed,
                     std::to_string(read->size()) + " labels for the " + std::to_string(inputs->count()) +
                         " rows of " + path.string());
    }
    out.labels = *std::move(read);
  }
  CRYPTOTL_TRY(inputs->verify(progress));
  out.embeddings = Matrix(inputs->count(), 0);
  out.encrypted = std::make_shared<const EncryptedInputs>(*std::move(inputs));
  return out;
}

Status require_features_alone(const std::string& source, HeadKind kind) {
  if (kind == HeadKind::paper || kind == HeadKind::linear) return {};
  return Error(ErrorCode::invalid_argument,
               source + " holds encrypted inputs, so that there are no embeddings for a head of kind " +
                   std::string(name(kind)) + "; paper or linear is right");
}

}  // namespace cryptotl

#include "cryptotl/transfer/input_encryption.h"

#include "cryptotl/base/file.h"
#include "cryptotl/ckks/encoder.h"
#include "cryptotl/transfer/plan_file.h"
#include "cryptotl/transfer/temporary_folder.h"

namespace cryptotl {
namespace {

namespace fs = std::filesystem;

}  // namespace

Result<PublicKey> read_public_key_file(const fs::path& path, const ParamsPtr& params) {
  const auto file = FileReader::open(path);
  if (!file.ok()) return file.error();
  Bytes first(kHeaderBytes);
  const auto size = file->read(0, first);
  if (!size.ok()) return size.error();
  const auto header = read_header(ByteView(first).first(*size));
  if (!header.ok()) return in_file(path, header.error());
  if (header->kind == ObjectKind::secret_key) {
    return Error(ErrorCode::insecure_parameters,
                 path.string() + " is a secret key, which must never leave its owner; public.key is right");
  }
  const auto bytes = read_file(path, public_key_bytes(*params));
  if (!bytes.ok()) return bytes.error();
  auto key = read_public_key(*bytes, params);
  if (!key.ok()) return in_file(path, key.error());
  return key;
}

EncryptedRows encrypt_inputs(const ModelMetadata& model, const PublicKey& key, const Examples& examples,
                             const fs::path& path, const ProgressFunction& progress) {
  require_embedder(examples, model.embedder).value();
  require_same_params(*key.params, *model.params);
  const LatencyPlan& plan = model.plan;
  ScaledRows scaled = scale_rows(model, examples.embeddings);
  const EncryptedInputsHeader header = {
      model.params->id(),
      key.key_id,
      model.model_digest,
      plan_digest(plan),
      fingerprint(key),
      scaled.rows.rows,
      ciphertext_bytes(*model.params, 2, plan.top_limbs(), false),
  };
  // Work that takes long is done in a folder that goes even where a signal ends the program.
  const TemporaryFolder staged =
      TemporaryFolder::make(path.has_parent_path() ? path.parent_path() : fs::path("."),
                            "." + path.filename().string() + ".")
          .value();
  const Encoder encoder(plan.params.log_n);
  auto writer = EncryptedInputsWriter::begin(staged.path() / "inputs", header).value();
  for (size_t i = 0; i < scaled.rows.rows; ++i) {
    const auto message =
        encoder.encode_message(pack_input(plan.packing, scaled.rows.row(i)), plan.input_scale);
    writer.add(write_ciphertext(encrypt_public(key, message, plan.input_scale, plan.top_limbs()))).value();
    if (progress) progress(i + 1, scaled.rows.rows);
  }
  writer.finish().value();
  std::error_code failure;
  fs::rename(staged.path() / "inputs", path, failure);
  if (failure) {
    throw Error(ErrorCode::invalid_argument, "cannot write " + path.string() + ": " + failure.message());
  }
  return {header, std::move(scaled.clipped)};
}

}  // namespace cryptotl

#pragma once

#include <filesystem>

#include "cryptotl/ckks/encrypted_inputs.h"
#include "cryptotl/transfer/examples.h"
#include "cryptotl/transfer/scaled_rows.h"

namespace cryptotl {

// What a device does that gathers inputs for the owner of a key: it encrypts with the owner's public key and
// holds nothing secret. Nothing here links a secret key or decryption; a test looks for both with nm.

/// A file as write_public_key gives it. insecure_parameters for a file of a secret key, of which no more than
/// the header is read.
Result<PublicKey> read_public_key_file(const std::filesystem::path& path, const ParamsPtr& params);

struct EncryptedRows {
  EncryptedInputsHeader header;
  std::vector<size_t> clipped;  ///< as in ScaledRows; it stands in no file
};

/// Scales the rows with the provider's scaler, encrypts each and writes them to `path`, whole or not at all;
/// whatever was there is replaced. Throws parameter_mismatch where examples and model do not fit, and the
/// errors of writing.
EncryptedRows encrypt_inputs(const ModelMetadata& model, const PublicKey& key, const Examples& examples,
                             const std::filesystem::path& path, const ProgressFunction& progress = {});

}  // namespace cryptotl

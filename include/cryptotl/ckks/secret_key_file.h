#pragma once

#include <filesystem>

#include "cryptotl/ckks/secret_key.h"

namespace cryptotl {

/// Writes the secret key to a file of mode 0600, whole or not at all. The only way out of the process.
Status write_secret_key(const std::filesystem::path& path, const SecretKey& key);

/// Reads it back; parameter_mismatch for other parameters, insecure_parameters where others than the owner
/// may read the file.
Result<SecretKey> read_secret_key(const std::filesystem::path& path, const ParamsPtr& params);

}  // namespace cryptotl

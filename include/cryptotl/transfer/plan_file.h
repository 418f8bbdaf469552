#pragma once

#include <filesystem>
#include <string>

#include "cryptotl/service/metadata.h"

namespace cryptotl {

/// Names a plan: BLAKE2b-256 of its JSON. Ciphertexts that were packed by one plan mean nothing to another.
Digest plan_digest(const LatencyPlan& plan);

/// What a server publishes, as a file for devices that do not reach it: all that encrypting takes, and
/// neither the provider's output layer nor statistics of its features.
std::string write_plan_file(const ModelMetadata& model);

/// Reads it back and checks it as ModelMetadata::from_json does. malformed where the bytes do not match their
/// digest.
Result<ModelMetadata> read_plan_file(const std::filesystem::path& path);

}  // namespace cryptotl

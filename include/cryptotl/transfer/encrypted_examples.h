#pragma once

#include <filesystem>

#include "cryptotl/learn/head.h"
#include "cryptotl/transfer/client_keys.h"
#include "cryptotl/transfer/examples.h"

namespace cryptotl {

/// What the owner of the keys gets of a device's file of encrypted inputs: its rows, to be sent as they are,
/// and the labels of `labels` (one a row; empty for none). Before the file is read as a whole it is compared
/// with keys and model: parameter_mismatch, naming both sides, where it is for another key, model, plan or
/// parameters; insecure_parameters where it was encrypted with another public key than these keys have, under
/// their id; missing_key where they have none. malformed for damage and for another number of labels.
/// `progress` counts bytes.
Result<Examples> read_encrypted_examples(const std::filesystem::path& path,
                                         const std::filesystem::path& labels, const ClientKeys& keys,
                                         const ModelMetadata& model, const ProgressFunction& progress = {});

/// invalid_argument where a head of this kind takes embeddings, which encrypted inputs do not show; `source`
/// opens the message.
Status require_features_alone(const std::string& source, HeadKind kind);

}  // namespace cryptotl

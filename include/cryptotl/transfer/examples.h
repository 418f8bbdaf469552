#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cryptotl/ckks/encrypted_inputs.h"
#include "cryptotl/data/embedder.h"
#include "cryptotl/data/feature_file.h"

namespace cryptotl {

/// Rows of a data set as a model takes them: one vector each, and which embedder it came from.
struct Examples {
  std::string source;  ///< the file, for messages
  Matrix embeddings;   ///< [rows][width], not scaled
  EmbedderIdentity embedder;
  bool from_texts = false;
  std::vector<std::string> labels;  ///< [rows], or empty
  /// Rows that a device encrypted, in the place of embeddings, which then have no columns.
  std::shared_ptr<const EncryptedInputs> encrypted = nullptr;

  size_t rows() const { return embeddings.rows; }
  /// Rows of each label.
  std::map<std::string, size_t> label_counts() const;
};

/// The embedder of numbers of which nobody said where they come from.
inline constexpr const char* kUnnamedEmbedder = "none";

/// Reads a table as read_table does and turns texts into vectors with the built-in embedder. `embedder` is
/// what the caller says of a table of numbers, such as "all-mpnet-base-v2"; parameter_mismatch where it
/// contradicts the table.
Result<Examples> read_examples(const std::filesystem::path& path, const TableOptions& options,
                               const std::optional<std::string>& embedder);

/// parameter_mismatch unless the examples have the embedder and the width that `model` takes; says what to
/// do.
Status require_embedder(const Examples& examples, const EmbedderIdentity& model);

}  // namespace cryptotl

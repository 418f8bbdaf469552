#pragma once

#include <string>
#include <vector>

#include "cryptotl/transfer/feature_cache.h"
#include "cryptotl/transfer/scaled_rows.h"

namespace cryptotl {

/// What one client saw of its passes, in milliseconds; one entry a row that the server was asked for. Of rows
/// that went in a batch, each has its share of what the batch took.
struct PassTimes {
  std::vector<double> encrypt;     ///< packing, encoding, encrypting, serialising; or reading from a file
  std::vector<double> round_trip;  ///< from request bytes to answer bytes, as the client sees it
  std::vector<double> server;      ///< the same, as the server measures it
  std::vector<double> decrypt;     ///< parsing, decrypting, decoding
};

struct Extraction {
  Matrix features;              ///< [rows][features or scores]; a flagged row's are zero
  std::vector<bool> flagged;    ///< the answer is beyond the safe range and must not be used
  std::vector<size_t> clipped;  ///< as in ScaledRows
  size_t cached = 0;            ///< rows that came from the cache
  size_t prepared = 0;          ///< rows for which the server had worked ahead
  bool batched = false;         ///< the others came in batches, else one by one
  std::vector<std::string> cache_warnings;
  PassTimes times;

  /// The rows that are not flagged, ascending.
  std::vector<size_t> usable() const;
  /// One line each on clipped and on flagged rows (counted from 1), where there are any, and on the cache.
  std::vector<std::string> warnings(const ModelMetadata& model) const;
};

/// Rows on their way to the server: what a cache holds of them is filled in, the others have to be asked for.
/// Which ones those are is settled here, before the first request, and depends on no answer of this run.
struct PendingRows {
  Matrix scaled;                ///< within the plan's input range; none where a device encrypted the rows
  std::vector<Digest> inputs;   ///< names each row for the cache; none without one
  std::vector<size_t> missing;  ///< ascending
  Extraction out;
};

/// Throws parameter_mismatch for another width than the model's. `cache` may be null.
PendingRows pending_rows(const ModelMetadata& model, const Matrix& embeddings, FeatureCache* cache);
/// Of `count` rows that a device encrypted, with the digests of their ciphertexts where there is a cache.
PendingRows pending_rows(const ModelMetadata& model, size_t count, std::vector<Digest> inputs,
                         FeatureCache* cache);

}  // namespace cryptotl

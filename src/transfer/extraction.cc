#include "cryptotl/transfer/extraction.h"

#include <algorithm>

namespace cryptotl {
namespace {

/// Takes what is kept from the cache.
PendingRows with_cached(PendingRows rows, FeatureCache* cache) {
  Extraction& out = rows.out;
  for (size_t i = 0; i < out.features.rows; ++i) {
    const auto kept = cache != nullptr ? cache->find(rows.inputs[i]) : std::nullopt;
    if (!kept) {
      rows.missing.push_back(i);
      continue;
    }
    out.flagged[i] = kept->flagged;
    std::ranges::copy(kept->features, out.features.row(i).begin());
    ++out.cached;
  }
  if (cache != nullptr) cache->flush();
  return rows;
}

Extraction nothing_yet(size_t rows, size_t features, std::vector<size_t> clipped) {
  Extraction out;
  out.features = Matrix(rows, features);
  out.flagged.resize(rows);
  out.clipped = std::move(clipped);
  return out;
}

}  // namespace

std::vector<size_t> Extraction::usable() const {
  std::vector<size_t> rows;
  for (size_t i = 0; i < flagged.size(); ++i) {
    if (!flagged[i]) rows.push_back(i);
  }
  return rows;
}

std::vector<std::string> Extraction::warnings(const ModelMetadata& model) const {
  std::vector<std::string> out;
  std::vector<size_t> flagged_rows;
  for (size_t i = 0; i < flagged.size(); ++i) {
    if (flagged[i]) flagged_rows.push_back(i);
  }
  if (const auto line = clip_warning(model, clipped)) out.push_back(*line);
  if (!flagged_rows.empty()) {
    out.push_back(std::to_string(flagged_rows.size()) +
                  (flagged_rows.size() == 1 ? " answer lies" : " answers lie") +
                  " beyond the model's safe range and may be wrong, in row " + list_rows(flagged_rows));
  }
  out.insert(out.end(), cache_warnings.begin(), cache_warnings.end());
  return out;
}

PendingRows pending_rows(const ModelMetadata& model, const Matrix& embeddings, FeatureCache* cache) {
  ScaledRows scaled = scale_rows(model, embeddings);
  PendingRows rows;
  rows.out = nothing_yet(embeddings.rows, model.plan.output_width(), std::move(scaled.clipped));
  rows.scaled = std::move(scaled.rows);
  for (size_t i = 0; cache != nullptr && i < embeddings.rows; ++i)
    rows.inputs.push_back(input_digest(rows.scaled.row(i)));
  return with_cached(std::move(rows), cache);
}

PendingRows pending_rows(const ModelMetadata& model, size_t count, std::vector<Digest> inputs,
                         FeatureCache* cache) {
  PendingRows rows;
  rows.out = nothing_yet(count, model.plan.output_width(), std::vector<size_t>(count));
  rows.inputs = std::move(inputs);
  return with_cached(std::move(rows), cache);
}

}  // namespace cryptotl

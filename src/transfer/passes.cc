#include "cryptotl/transfer/passes.h"

#include <optional>

namespace cryptotl {
namespace {

std::string bar_title(size_t cached) {
  return cached == 0 ? "encrypted passes" : "passes (" + std::to_string(cached) + " from cache)";
}

Error with_what_is_kept(const Error& error, const FeatureCache& cache) {
  const size_t rows = cache.kept();
  if (rows == 0) return error;
  return Error(error.code(), std::string(error.what()) + "; " + std::to_string(rows) +
                                 (rows == 1 ? " row is" : " rows are") + " kept in " + cache.path().string() +
                                 ", from where the same command goes on");
}

}  // namespace

Extraction run_passes(ServiceClient& client, const ClientKeys& keys, const Examples& examples,
                      FeatureCache* cache, bool use_tickets, bool quiet) {
  FeatureExtractor extractor(client, keys, {.tickets = use_tickets});
  std::optional<ProgressBar> bar;  // named once it is known how many rows are missing
  const auto progress = [&](size_t done, size_t missing) {
    if (!bar) bar.emplace(bar_title(examples.rows() - missing), quiet);
    bar->update(done, missing);
  };
  try {
    return examples.encrypted ? extractor.extract(*examples.encrypted, progress, cache)
                              : extractor.extract(examples.embeddings, progress, cache);
  } catch (const Error& error) {
    if (cache == nullptr) throw;
    cache->flush();
    throw with_what_is_kept(error, *cache);
  }
}

}  // namespace cryptotl

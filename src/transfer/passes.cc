#include "cryptotl/transfer/passes.h"

#include <iostream>
#include <optional>

#include "cryptotl/transfer/batch_extractor.h"

namespace cryptotl {
namespace {

std::string bar_title(size_t cached, Mode mode) {
  if (mode == Mode::batch) return "encrypted batches";
  return cached == 0 ? "encrypted passes" : "passes (" + std::to_string(cached) + " from cache)";
}

void tell(const ModeChoice& choice, size_t cached) {
  std::cerr << "mode: " << name(choice.mode) << " (" << choice.reason;
  if (cached > 0) std::cerr << "; " << cached << " more from the cache";
  std::cerr << ")" << std::endl;
}

Error with_what_is_kept(const Error& error, const FeatureCache& cache) {
  const size_t rows = cache.kept();
  if (rows == 0) return error;
  return Error(error.code(), std::string(error.what()) + "; " + std::to_string(rows) +
                                 (rows == 1 ? " row is" : " rows are") + " kept in " + cache.path().string() +
                                 ", from where the same command goes on");
}

/// Of inputs in plain, whichever way is quicker for those that are missing.
Extraction run_plain(ServiceClient& client, const ClientKeys& keys, const Examples& examples,
                     FeatureCache* cache, const PassOptions& options, const ProgressFunction& progress,
                     Mode& mode) {
  PendingRows rows = pending_rows(client.metadata(), examples.embeddings, cache);
  const ModeChoice choice = choose_mode(options.mode, rows.missing.size(), client.metadata(), false);
  mode = choice.mode;
  if (options.mode == Mode::automatic && !options.quiet && !rows.missing.empty())
    tell(choice, rows.out.cached);
  if (mode == Mode::batch) return BatchExtractor(client).extract(std::move(rows), progress, cache);
  FeatureExtractor extractor(client, keys, {.tickets = options.use_tickets});
  return extractor.extract(std::move(rows), progress, cache);
}

}  // namespace

Extraction run_passes(ServiceClient& client, const ClientKeys& keys, const Examples& examples,
                      FeatureCache* cache, const PassOptions& options) {
  Mode mode = Mode::latency;
  std::optional<ProgressBar> bar;  // named once it is known how many rows are missing
  const auto progress = [&](size_t done, size_t missing) {
    if (!bar) bar.emplace(bar_title(examples.rows() - missing, mode), options.quiet);
    bar->update(done, missing);
  };
  try {
    if (!examples.encrypted) return run_plain(client, keys, examples, cache, options, progress, mode);
    choose_mode(options.mode, examples.rows(), client.metadata(), true);  // refuses batches
    FeatureExtractor extractor(client, keys, {.tickets = options.use_tickets});
    return extractor.extract(*examples.encrypted, progress, cache);
  } catch (const Error& error) {
    if (cache == nullptr) throw;
    cache->flush();
    throw with_what_is_kept(error, *cache);
  }
}

}  // namespace cryptotl

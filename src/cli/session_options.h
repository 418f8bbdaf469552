#pragma once

#include "cli/command.h"
#include "cryptotl/transfer/fitting.h"

namespace cryptotl {

/// --cache, --no-cache and --cache-limit.
struct CacheOptions {
  std::string file;
  bool none = false;
  uint64_t limit = FeatureCache::kDefaultLimit;

  /// `where` says which file is taken where --cache names none.
  void define(CLI::App& verb, const std::string& where);
};

/// --no-tickets
void add_no_tickets(CLI::App& verb, bool& none);
/// --mode
void add_mode(CLI::App& verb, Mode& mode);

/// How fit and predict reach their server: --server, --keys, --retry, --no-tickets and those of the cache.
struct SessionArguments {
  std::string server, keys;
  double retry_seconds = 60;
  bool no_tickets = false;
  Mode mode = Mode::automatic;
  CacheOptions cache;

  /// `without` says when no server is needed.
  void define(CLI::App& verb, const std::string& without);
  bool missing() const { return server.empty() || keys.empty(); }
  /// Throws what Session::open refuses.
  Session open(Answers answers = Answers::features) const;
};

}  // namespace cryptotl

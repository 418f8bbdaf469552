#pragma once

#include "cryptotl/transfer/examples.h"
#include "cryptotl/transfer/extractor.h"
#include "cryptotl/transfer/mode.h"

namespace cryptotl {

struct PassOptions {
  Mode mode = Mode::automatic;
  bool use_tickets = true;  ///< where inputs go one by one
  bool quiet = false;
};

/// Extraction one by one or in batches, of ciphertexts where a device encrypted the examples, with a line
/// that says which and why, where that is not asked for, and a progress bar that tells how many rows came
/// from the cache, which may be null. An error in the middle says how much is kept. Throws as choose_mode and
/// the extractors.
Extraction run_passes(ServiceClient& client, const ClientKeys& keys, const Examples& examples,
                      FeatureCache* cache, const PassOptions& options);

}  // namespace cryptotl

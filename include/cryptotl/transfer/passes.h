#pragma once

#include "cryptotl/transfer/examples.h"
#include "cryptotl/transfer/extractor.h"

namespace cryptotl {

/// Extraction, of ciphertexts where a device encrypted the examples, with a progress bar that tells how many
/// rows came from the cache, which may be null, and with seeds announced ahead where tickets are to be used.
/// An error in the middle says how much is kept.
Extraction run_passes(ServiceClient& client, const ClientKeys& keys, const Examples& examples,
                      FeatureCache* cache, bool use_tickets, bool quiet);

}  // namespace cryptotl

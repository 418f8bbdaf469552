#pragma once

#include <map>
#include <span>
#include <vector>

#include "cryptotl/base/progress.h"
#include "cryptotl/ckks/batch_encryption.h"
#include "cryptotl/service/client.h"
#include "cryptotl/transfer/extraction.h"

namespace cryptotl {

/// The client's side of batches: as FeatureExtractor, for thousands of rows in one run of the server. Each
/// job has a secret key of its own, in this object's memory alone; where the server loses its keys, the
/// batches that are left go under a new one. Rows are encrypted while others are sent, and answers decrypted
/// while others come: neither is ever whole in memory. What goes to the server never depends on a decrypted
/// value. Not thread-safe.
class BatchExtractor {
 public:
  /// The client, whose server takes batches, must outlive the extractor. Throws not_found where it takes
  /// none.
  explicit BatchExtractor(ServiceClient& client);

  /// Asks for what is missing, in the batches of batches_of(), the last one partly filled; a batch's rows
  /// are kept in `cache`, which may be null, once it has been decrypted. `progress` counts rows. Throws the
  /// first error of a batch: of the server, of the connection, or of an answer that is not what the plan
  /// calls for (malformed).
  Extraction extract(PendingRows rows, const ProgressFunction& progress = {}, FeatureCache* cache = nullptr);

  /// What the server says of every batch so far.
  const std::vector<BatchTimes>& batches() const { return batches_; }

 private:
  /// A secret key with what names it at the server.
  struct Job {
    BatchMetadata offer;
    BatchKey key;
    Digest keys{};
    uint64_t batches = 0;  ///< that were encrypted
  };
  Job& begin_job(size_t inputs);
  /// For the next batch of so many inputs: the one at hand, or a new one where it has served its batches.
  Job& job(size_t inputs);
  /// One batch, of these rows.
  Result<BatchTimes> send(Job& job, PendingRows& rows, std::span<const size_t> samples, FeatureCache* cache,
                          const ProgressFunction& progress);

  ServiceClient& client_;
  std::map<size_t, Job> jobs_;  ///< by the samples of their batches
  std::vector<BatchTimes> batches_;
};

}  // namespace cryptotl

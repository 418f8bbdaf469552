#pragma once

#include <httplib.h>

#include <memory>

#include "service/batch_key_store.h"
#include "service/batch_message.h"
#include "service/batch_runners.h"

namespace cryptotl {

/// One batch on its way through a runner, which it holds until the answer's last row has gone or the client
/// has. Rows are taken as they come and answers made as they are written, so neither is ever whole in memory.
class BatchJob {
 public:
  BatchJob(BatchRunners::Turn turn, const BatchMetadata& offer, BatchKeyStore::Keys keys, bool trusting);

  /// For the batch of this seed and number; `half` may be null.
  void begin(const Digest& seed, uint64_t number, std::shared_ptr<const BatchHalf> half);
  /// The next bytes of the body: rows, one after the other.
  Status take(ByteView bytes);
  /// Once all rows are there: the digest over those in their headers, which names the batch.
  Digest digest();
  /// Computes all but the answers.
  void run();
  /// Makes the answers' rows the response's body; the job lives as long as that takes.
  static void answer(std::shared_ptr<BatchJob> job, httplib::Response& response);

 private:
  bool write_next(httplib::DataSink& sink);
  BatchTimes times() const;

  BatchRunners::Turn turn_;
  const BatchKeyStore::Keys keys_;
  const bool trusting_;
  const size_t row_bytes_;
  const size_t answer_rows_;
  const size_t response_bytes_;
  uint64_t number_ = 0;
  bool prepared_ = false;
  Bytes row_;  ///< the begin of the next one
  Hasher digest_;
  size_t answered_ = 0;
};

}  // namespace cryptotl

#include "service/batch_job.h"

#include <algorithm>
#include <iostream>

#include "cryptotl/ckks/wire.h"

namespace cryptotl {
namespace {

/// Rows that are made at a time: enough for every thread of the runner, and a few megabytes.
constexpr size_t kAnswerRows = 32;

}  // namespace

BatchJob::BatchJob(BatchRunners::Turn turn, const BatchMetadata& offer, BatchKeyStore::Keys keys,
                   bool trusting)
    : turn_(std::move(turn)),
      keys_(std::move(keys)),
      trusting_(trusting),
      row_bytes_(offer.row_bytes()),
      answer_rows_(offer.plan.output_rows()),
      response_bytes_(offer.response_bytes() + kBatchTailBytes) {
  row_.reserve(row_bytes_);
}

void BatchJob::begin(const Digest& seed, uint64_t number, std::shared_ptr<const BatchHalf> half) {
  number_ = number;
  prepared_ = half != nullptr;
  turn_.runner().begin(seed, number, keys_->key_id(), std::move(half));
}

Status BatchJob::take(ByteView bytes) {
  while (!bytes.empty()) {
    const size_t count = std::min(bytes.size(), row_bytes_ - row_.size());
    row_.insert(row_.end(), bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(count));
    bytes = bytes.subspan(count);
    if (row_.size() < row_bytes_) break;
    const size_t index = turn_.runner().rows_taken();
    const Status taken = turn_.runner().take_row(row_);
    if (!taken.ok()) {
      return Error(taken.error().code(), "row " + std::to_string(index) + ": " + taken.error().what());
    }
    // The runner has found it to be the row's.
    digest_.add(ByteView(row_).subspan(kDigestOffset, sizeof(Digest)));
    row_.clear();
  }
  return {};
}

Digest BatchJob::digest() { return digest_.finish(); }

void BatchJob::run() { turn_.runner().run(*keys_); }

BatchTimes BatchJob::times() const {
  const BatchRunner::Times& times = turn_.runner().times();
  BatchTimes out;
  out.prepared = prepared_;
  out.server_ms = 1e3 * times.sum();
  out.read_ms = 1e3 * times.read;
  for (const double seconds : times.matrices) out.matrix_ms.push_back(1e3 * seconds);
  out.activation_ms = 1e3 * times.activations;
  out.answer_ms = 1e3 * times.answers;
  return out;
}

bool BatchJob::write_next(httplib::DataSink& sink) {
  const size_t count = std::min(kAnswerRows, answer_rows_ - answered_);
  for (const Bytes& row : turn_.runner().answer_rows(answered_, count, *keys_, trusting_)) {
    if (!sink.write(reinterpret_cast<const char*>(row.data()), row.size())) return false;
  }
  answered_ += count;
  if (answered_ < answer_rows_) return true;
  const std::string tail = write_batch_tail(number_, times());
  return sink.write(tail.data(), tail.size());
}

void BatchJob::answer(std::shared_ptr<BatchJob> job, httplib::Response& response) {
  const size_t length = job->response_bytes_;
  response.set_content_provider(length, "application/octet-stream",
                                [job](size_t, size_t, httplib::DataSink& sink) {
                                  // The head has gone: all that is left is to end the connection, and the
                                  // client tries again.
                                  try {
                                    return job->write_next(sink);
                                  } catch (const std::exception& error) {
                                    std::cerr << "a batch's answer broke off: " << error.what() << std::endl;
                                    return false;
                                  }
                                });
}

}  // namespace cryptotl

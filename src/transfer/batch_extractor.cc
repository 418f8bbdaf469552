#include "cryptotl/transfer/batch_extractor.h"

#include <algorithm>
#include <cmath>

#include "cryptotl/base/stopwatch.h"
#include "cryptotl/ckks/wire.h"
#include "cryptotl/service/limits.h"
#include "cryptotl/transfer/mode.h"
#include "transfer/answers.h"
#include "transfer/rows_ahead.h"

namespace cryptotl {
namespace {

/// Rows that are encrypted ahead: a megabyte.
constexpr size_t kWindow = 8;
/// Keys under which one batch is sent, where the server loses them.
constexpr size_t kMostKeys = 3;

/// As a batch holds them: a feature a row, or a block of them; less 1/2, which keeps slots small (packing.h).
Matrix samples_of(const Matrix& scaled, std::span<const size_t> rows, const BatchPlan& plan) {
  Matrix out(plan.input_rows(), rows.size() * plan.block);
  for (size_t i = 0; i < rows.size(); ++i) {
    for (size_t feature = 0; feature < scaled.cols; ++feature)
      out(feature / plan.block, i * plan.block + feature % plan.block) = scaled(rows[i], feature) - 0.5;
  }
  return out;
}

/// Takes a batch's answer apart, row by row.
class AnswerReader {
 public:
  AnswerReader(const BatchMetadata& offer, const BatchKey& key, PendingRows& rows,
               std::span<const size_t> samples)
      : plan_(offer.plan),
        secret_(key.secret()),
        encoder_(offer.params->log_n()),
        out_(rows.out),
        samples_(samples),
        safe_(samples.size(), true) {}

  Status take(size_t row, ByteView bytes) {
    const Stopwatch time;
    if (row == 0) begin();
    try {
      const std::vector<double> coefficients = decrypt_answer(bytes, plan_, secret_);
      wrapped_ = wrapped_ || may_have_wrapped(plan_, coefficients);
      const std::vector<double> slots = encoder_.decode(coefficients, plan_.answer_scale());
      const size_t first = row * plan_.block;
      const size_t outputs = std::min(plan_.block, plan_.output_width() - first);
      for (size_t i = 0; i < samples_.size(); ++i) {
        for (size_t p = 0; p < outputs; ++p) {
          const double value = slots[i * plan_.block + p];
          out_.features(samples_[i], first + p) = value;
          safe_[i] = safe_[i] && std::abs(value) <= plan_.output_limit;
        }
      }
    } catch (const Error& error) {
      return error;
    }
    milliseconds_ += time.milliseconds();
    return {};
  }

  /// Once all rows are there: flags what is not to be used, and keeps the rest.
  void finish(const std::vector<Digest>& inputs, FeatureCache* cache) {
    for (size_t i = 0; i < samples_.size(); ++i) {
      const size_t row = samples_[i];
      const bool safe = safe_[i] && !wrapped_;
      const std::span<double> features = out_.features.row(row);
      out_.flagged[row] = !safe;
      if (!safe) std::ranges::fill(features, 0.0);
      if (cache != nullptr)
        cache->add(inputs[row], safe ? std::span<const double>(features) : std::span<const double>());
    }
    if (cache != nullptr) cache->flush();
  }

  double milliseconds() const { return milliseconds_; }

 private:
  /// Also where an answer comes anew, after a broken one.
  void begin() {
    wrapped_ = false;
    std::ranges::fill(safe_, true);
  }

  const BatchPlan& plan_;
  const SecretKey& secret_;
  const RealEncoder encoder_;
  Extraction& out_;
  const std::span<const size_t> samples_;
  std::vector<char> safe_;  ///< [samples]
  bool wrapped_ = false;
  double milliseconds_ = 0;
};

}  // namespace

BatchExtractor::BatchExtractor(ServiceClient& client) : client_(client) {
  if (client.metadata().batches.empty())
    throw Error(ErrorCode::not_found, client.url() + ": this server takes no batches");
}

/// A new one, by what the server says now.
BatchExtractor::Job& BatchExtractor::begin_job(size_t inputs) {
  const std::vector<BatchMetadata> offers = client_.refresh_batches().value();
  const BatchMetadata& offer = offers[next_batch(offers, inputs)];
  BatchKey key(offer.params, offer.seed);
  const Bytes keys = write_key_set(make_evaluation_keys(key.secret(), required_keys(offer.plan)),
                                   make_public_key(key.secret()));
  const Digest name = client_.upload_batch_keys(offer, keys).value();
  const size_t samples = offer.plan.samples();
  return jobs_.insert_or_assign(samples, Job{offer, std::move(key), name}).first->second;
}

BatchExtractor::Job& BatchExtractor::job(size_t inputs) {
  const std::vector<BatchMetadata>& offers = client_.metadata().batches;
  const auto job = jobs_.find(offers[next_batch(offers, inputs)].plan.samples());
  const bool usable = job != jobs_.end() && job->second.batches < kBatchesAKeySet;
  return usable ? job->second : begin_job(inputs);
}

Result<BatchTimes> BatchExtractor::send(Job& current, PendingRows& rows, std::span<const size_t> samples,
                                        FeatureCache* cache, const ProgressFunction& progress) {
  const BatchPlan& plan = current.offer.plan;
  const EncryptedBatch batch = current.key.encrypt(samples_of(rows.scaled, samples, plan), plan.input_scale,
                                                   plan.top_limbs(), plan.block);
  ++current.batches;
  RowsAhead ahead(batch.rows(), kWindow, [&](size_t i) {
    return write_batch_row(*current.offer.params, current.key.secret().id(), batch.place(i), batch.row(i));
  });
  AnswerReader reader(current.offer, current.key, rows, samples);
  BatchExchange exchange;
  exchange.keys = current.keys;
  exchange.number = batch.number();
  exchange.row = [&](size_t i) { return ahead.take(i); };
  exchange.take_answer = [&](size_t row, ByteView bytes) { return reader.take(row, bytes); };
  exchange.progress = progress;
  const Stopwatch time;
  auto times = client_.run_batch(current.offer, exchange);
  if (!times.ok()) return times;
  reader.finish(rows.inputs, cache);
  const auto count = static_cast<double>(samples.size());
  PassTimes& shares = rows.out.times;
  shares.round_trip.insert(shares.round_trip.end(), samples.size(), time.milliseconds() / count);
  shares.server.insert(shares.server.end(), samples.size(), times->server_ms / count);
  shares.encrypt.insert(shares.encrypt.end(), samples.size(), ahead.milliseconds() / count);
  shares.decrypt.insert(shares.decrypt.end(), samples.size(), reader.milliseconds() / count);
  rows.out.prepared += times->prepared ? samples.size() : 0;
  return times;
}

Extraction BatchExtractor::extract(PendingRows rows, const ProgressFunction& progress, FeatureCache* cache) {
  const std::span<const size_t> missing = rows.missing;
  rows.out.batched = !missing.empty();
  size_t keys = 1;  ///< that the present batch has gone under
  for (size_t done = 0; done < missing.size();) {
    // With new keys there may be a new plan.
    Job& current = job(missing.size() - done);
    const size_t most = current.offer.plan.samples();
    const auto samples = missing.subspan(done, std::min(most, missing.size() - done));
    const ProgressFunction part = [&](size_t steps, size_t all_steps) {
      if (progress) progress(done + samples.size() * steps / all_steps, missing.size());
    };
    auto times = send(current, rows, samples, cache, part);
    if (times.ok()) {
      batches_.push_back(*std::move(times));
      done += samples.size();
      keys = 1;
    } else {
      if (times.error().code() != ErrorCode::missing_key || keys++ == kMostKeys) throw times.error();
      // A server that began anew: its keys are gone, and what it knew of our batches with them.
      jobs_.clear();
      client_.refresh_batches().value();
    }
  }
  if (cache != nullptr) rows.out.cache_warnings = cache->warnings();
  return std::move(rows.out);
}

}  // namespace cryptotl

#include "cryptotl/transfer/batch_extractor.h"

#include <algorithm>
#include <cmath>

#include "cryptotl/ckks/wire.h"
#include "cryptotl/service/limits.h"
#include "transfer/answers.h"
#include "transfer/rows_ahead.h"
#include "transfer/stopwatch.h"

namespace cryptotl {
namespace {

/// Rows that are encrypted ahead: a megabyte.
constexpr size_t kWindow = 8;
/// Keys under which one batch is sent, where the server loses them.
constexpr size_t kMostKeys = 3;

/// A feature a row, as a batch holds them: less 1/2, which keeps slots small (packing.h).
Matrix samples_of(const Matrix& scaled, std::span<const size_t> rows) {
  Matrix out(scaled.cols, rows.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    for (size_t feature = 0; feature < scaled.cols; ++feature)
      out(feature, i) = scaled(rows[i], feature) - 0.5;
  }
  return out;
}

/// Takes a batch's answer apart, output by output.
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

  Status take(size_t output, ByteView bytes) {
    const Stopwatch time;
    if (output == 0) begin();
    try {
      const std::vector<double> coefficients = decrypt_answer(bytes, plan_, secret_);
      wrapped_ = wrapped_ || may_have_wrapped(plan_, coefficients);
      const std::vector<double> slots = encoder_.decode(coefficients, plan_.answer_scale());
      for (size_t i = 0; i < samples_.size(); ++i) {
        out_.features(samples_[i], output) = slots[i];
        safe_[i] = safe_[i] && std::abs(slots[i]) <= plan_.output_limit;
      }
    } catch (const Error& error) {
      return error;
    }
    milliseconds_ += time.milliseconds();
    return {};
  }

  /// Once all outputs are there: flags what is not to be used, and keeps the rest.
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
  if (!client.metadata().batch)
    throw Error(ErrorCode::not_found, client.url() + ": this server takes no batches");
}

BatchExtractor::Job BatchExtractor::begin_job() {
  BatchMetadata offer = client_.refresh_batches().value();
  BatchKey key(offer.params, offer.seed);
  Bytes keys = write_evaluation_keys(make_evaluation_keys(key.secret(), required_keys(offer.plan)));
  const Bytes public_key = write_public_key(make_public_key(key.secret()));
  keys.insert(keys.end(), public_key.begin(), public_key.end());
  const Digest name = client_.upload_batch_keys(keys, offer.epoch).value();
  return {std::move(offer), std::move(key), name};
}

BatchExtractor::Job& BatchExtractor::job() {
  if (!job_ || job_->batches == kBatchesAKeySet) job_.emplace(begin_job());
  return *job_;
}

Result<BatchTimes> BatchExtractor::send(PendingRows& rows, std::span<const size_t> samples,
                                        FeatureCache* cache, const ProgressFunction& progress) {
  Job& current = job();
  const BatchPlan& plan = current.offer.plan;
  const EncryptedBatch batch =
      current.key.encrypt(samples_of(rows.scaled, samples), plan.input_scale, plan.top_limbs());
  ++current.batches;
  RowsAhead ahead(batch.rows(), kWindow, [&](size_t i) {
    return write_batch_row(*current.offer.params, current.key.secret().id(), batch.place(i), batch.row(i));
  });
  AnswerReader reader(current.offer, current.key, rows, samples);
  BatchExchange exchange;
  exchange.keys = current.keys;
  exchange.epoch = current.offer.epoch;
  exchange.number = batch.number();
  exchange.row = [&](size_t i) { return ahead.take(i); };
  exchange.take_answer = [&](size_t output, ByteView bytes) { return reader.take(output, bytes); };
  exchange.progress = progress;
  const Stopwatch time;
  auto times = client_.run_batch(exchange);
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
    // Known before each batch: with a new key there may be a new plan.
    const size_t most = job().offer.plan.samples();
    const auto samples = missing.subspan(done, std::min(most, missing.size() - done));
    const ProgressFunction part = [&](size_t steps, size_t all_steps) {
      if (progress) progress(done + samples.size() * steps / all_steps, missing.size());
    };
    auto times = send(rows, samples, cache, part);
    if (times.ok()) {
      batches_.push_back(*std::move(times));
      done += samples.size();
      keys = 1;
    } else {
      if (times.error().code() != ErrorCode::missing_key || keys++ == kMostKeys) throw times.error();
      job_.reset();  // a server that began anew: its keys are gone, and what it knew of our batches with them
    }
  }
  if (cache != nullptr) rows.out.cache_warnings = cache->warnings();
  return std::move(rows.out);
}

}  // namespace cryptotl

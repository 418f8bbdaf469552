#include "cryptotl/transfer/extractor.h"

#include <algorithm>
#include <cmath>
#include <future>
#include <utility>

#include "cryptotl/base/stopwatch.h"
#include "cryptotl/ckks/wire.h"
#include "transfer/answers.h"

namespace cryptotl {

FeatureExtractor::FeatureExtractor(ServiceClient& client, const ClientKeys& keys,
                                   const ExtractorOptions& options)
    : client_(client),
      keys_(keys),
      model_(client.metadata()),
      encoder_(model_.plan.params.log_n),
      overlap_(options.overlap),
      tickets_(client, keys.evaluation_keys(), options.tickets) {}

Bytes FeatureExtractor::encrypted(std::span<const double> scaled_row) {
  const LatencyPlan& plan = model_.plan;
  const auto coefficients = encoder_.encode_message(pack_input(plan.packing, scaled_row), plan.input_scale);
  return write_ciphertext(
      encrypt(keys_.secret(), coefficients, plan.input_scale, plan.top_limbs(), tickets_.next()));
}

std::vector<double> FeatureExtractor::decrypted(ByteView answer) const {
  const LatencyPlan& plan = model_.plan;
  const std::vector<double> coefficients = decrypt_answer(answer, plan, keys_.secret());
  std::vector<double> features =
      unpack_output(plan.packing, encoder_.decode(coefficients, plan.answer_scale()));
  // Noise that a server was asked to add, which the error holds, must not count for an output of its own.
  const double limit = plan.output_limit + plan.predicted_error;
  const bool safe = !may_have_wrapped(plan, coefficients) &&
                    std::ranges::all_of(features, [&](double y) { return std::abs(y) <= limit; });
  if (!safe) features.clear();
  return features;
}

InferenceAnswer FeatureExtractor::asked(ByteView request) {
  auto answer = client_.infer(request, keys_.evaluation_keys());
  if (!answer.ok() && answer.error().code() == ErrorCode::missing_key) {
    // A server that began anew with an empty store. The request is the same bytes still.
    keys_.upload(client_).value();
    answer = client_.infer(request, keys_.evaluation_keys());
  }
  return *std::move(answer);
}

Extraction FeatureExtractor::extract(const Matrix& embeddings, const ProgressFunction& progress,
                                     FeatureCache* cache) {
  return extract(pending_rows(model_, embeddings, cache), progress, cache);
}

Extraction FeatureExtractor::extract(PendingRows rows, const ProgressFunction& progress,
                                     FeatureCache* cache) {
  const auto request = [&](size_t i) { return encrypted(rows.scaled.row(i)); };
  run(rows, request, true, progress, cache);
  return std::move(rows.out);
}

Extraction FeatureExtractor::extract(const EncryptedInputs& inputs, const ProgressFunction& progress,
                                     FeatureCache* cache) {
  std::vector<Digest> digests;
  for (size_t i = 0; cache != nullptr && i < inputs.count(); ++i)
    digests.push_back(digest(inputs.ciphertext(i).value()));
  PendingRows rows = pending_rows(model_, inputs.count(), std::move(digests), cache);
  const auto request = [&](size_t i) {
    Bytes bytes = inputs.ciphertext(i).value();
    // Features of other bytes must not be kept for these.
    if (cache != nullptr && digest(bytes) != rows.inputs[i])
      throw Error(ErrorCode::malformed, inputs.path().string() + ": it changed while it was read");
    return bytes;
  };
  run(rows, request, false, progress, cache);
  return std::move(rows.out);
}

void FeatureExtractor::run(PendingRows& rows, const std::function<Bytes(size_t)>& request_of, bool take_seeds,
                           const ProgressFunction& progress, FeatureCache* cache) {
  const std::vector<size_t>& missing = rows.missing;
  Extraction& out = rows.out;
  // Between two requests, which use the same connection.
  const auto top_up = [&](size_t done) {
    if (take_seeds) tickets_.top_up(missing.size() - done);
  };
  const auto encrypt_row = [&](size_t i) {
    const Stopwatch time;
    Bytes request = request_of(i);
    out.times.encrypt.push_back(time.milliseconds());
    return request;
  };
  const auto decrypt_row = [&](size_t i, ByteView answer) {
    const Stopwatch time;
    const std::vector<double> features = decrypted(answer);
    out.times.decrypt.push_back(time.milliseconds());
    out.flagged[i] = features.empty();
    std::ranges::copy(features, out.features.row(i).begin());
    if (cache != nullptr) cache->add(rows.inputs[i], features);
  };

  top_up(0);
  Bytes next = missing.empty() ? Bytes() : encrypt_row(missing[0]);
  Bytes last;
  for (size_t i = 0; i < missing.size(); ++i) {
    const Bytes request = std::exchange(next, {});
    top_up(i + 1);
    const auto beside = [&] {
      if (i > 0) decrypt_row(missing[i - 1], last);
      if (i + 1 < missing.size()) next = encrypt_row(missing[i + 1]);
    };
    // A deferred task runs at get(), when the server is done.
    auto task = std::async(overlap_ ? std::launch::async : std::launch::deferred, beside);
    const Stopwatch time;
    InferenceAnswer answer = asked(request);
    const double round_trip = time.milliseconds();
    task.get();
    out.times.round_trip.push_back(round_trip);
    out.times.server.push_back(answer.server_ms);
    out.prepared += answer.prepared ? 1 : 0;
    last = std::move(answer.ciphertext);
    if (progress) progress(i + 1, missing.size());
  }
  if (!missing.empty()) decrypt_row(missing.back(), last);
  if (cache != nullptr) {
    cache->flush();
    out.cache_warnings = cache->warnings();
  }
}

}  // namespace cryptotl

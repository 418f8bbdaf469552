#include "cryptotl/transfer/extractor.h"

#include <algorithm>
#include <cmath>
#include <future>
#include <utility>

#include "cryptotl/ckks/wire.h"
#include "transfer/stopwatch.h"

namespace cryptotl {
namespace {

void require(bool fits, const std::string& what) {
  if (!fits) throw Error(ErrorCode::malformed, "the server's answer " + what);
}

}  // namespace

std::vector<size_t> Extraction::usable() const {
  std::vector<size_t> rows;
  for (size_t i = 0; i < flagged.size(); ++i) {
    if (!flagged[i]) rows.push_back(i);
  }
  return rows;
}

std::vector<std::string> Extraction::warnings(const ModelMetadata& model) const {
  std::vector<std::string> out;
  std::vector<size_t> flagged_rows;
  for (size_t i = 0; i < flagged.size(); ++i) {
    if (flagged[i]) flagged_rows.push_back(i);
  }
  if (const auto line = clip_warning(model, clipped)) out.push_back(*line);
  if (!flagged_rows.empty()) {
    out.push_back(std::to_string(flagged_rows.size()) +
                  (flagged_rows.size() == 1 ? " answer lies" : " answers lie") +
                  " beyond the model's safe range and may be wrong, in row " + list_rows(flagged_rows));
  }
  out.insert(out.end(), cache_warnings.begin(), cache_warnings.end());
  return out;
}

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
  const auto coefficients = encoder_.encode(pack_input(plan.packing, scaled_row), plan.input_scale);
  return write_ciphertext(
      encrypt(keys_.secret(), coefficients, plan.input_scale, plan.top_limbs(), tickets_.next()));
}

std::vector<double> FeatureExtractor::decrypted(ByteView answer) const {
  const LatencyPlan& plan = model_.plan;
  auto ciphertext = read_answer(answer, keys_.secret().params());
  require(ciphertext.ok(),
          ciphertext.ok() ? "" : std::string("cannot be read: ") + ciphertext.error().what());
  require(ciphertext->key_id == keys_.secret().id(), "is under another key than ours");
  require(
      ciphertext->modulus_bits == plan.answer_bits && ciphertext->dropped_bits == plan.answer_dropped_bits,
      "has another modulus than the plan's");
  // Only rounding may tell the server's scale from ours; what it claims is not used.
  require(std::abs(ciphertext->scale / plan.answer_scale() - 1) < 1e-9,
          "stands at another scale than the plan's");
  const std::vector<double> coefficients = decrypt(keys_.secret(), *ciphertext);
  std::vector<double> features =
      unpack_output(plan.packing, encoder_.decode(coefficients, plan.answer_scale()));
  const bool safe = !may_have_wrapped(plan, coefficients) &&
                    std::ranges::all_of(features, [&](double y) { return std::abs(y) <= plan.output_limit; });
  if (!safe) features.clear();
  return features;
}

namespace {

Extraction nothing_yet(size_t rows, size_t features, std::vector<size_t> clipped) {
  Extraction out;
  out.features = Matrix(rows, features);
  out.flagged.resize(rows);
  out.clipped = std::move(clipped);
  return out;
}

}  // namespace

std::vector<size_t> FeatureExtractor::take_cached(const std::vector<Digest>& inputs, FeatureCache* cache,
                                                  Extraction& out) {
  std::vector<size_t> missing;
  for (size_t i = 0; i < out.features.rows; ++i) {
    const auto row = cache != nullptr ? cache->find(inputs[i]) : std::nullopt;
    if (!row) {
      missing.push_back(i);
      continue;
    }
    out.flagged[i] = row->flagged;
    std::ranges::copy(row->features, out.features.row(i).begin());
    ++out.cached;
  }
  if (cache != nullptr) cache->flush();
  return missing;
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
  ScaledRows scaled = scale_rows(model_, embeddings);
  Extraction out = nothing_yet(embeddings.rows, model_.plan.output_width(), std::move(scaled.clipped));
  Requests rows;
  for (size_t i = 0; cache != nullptr && i < embeddings.rows; ++i)
    rows.inputs.push_back(input_digest(scaled.rows.row(i)));
  rows.take_seeds = true;
  rows.request = [&](size_t i) { return encrypted(scaled.rows.row(i)); };
  run(rows, out, progress, cache);
  return out;
}

Extraction FeatureExtractor::extract(const EncryptedInputs& inputs, const ProgressFunction& progress,
                                     FeatureCache* cache) {
  Extraction out =
      nothing_yet(inputs.count(), model_.plan.output_width(), std::vector<size_t>(inputs.count()));
  Requests rows;
  for (size_t i = 0; cache != nullptr && i < inputs.count(); ++i)
    rows.inputs.push_back(digest(inputs.ciphertext(i).value()));
  rows.request = [&](size_t i) {
    Bytes bytes = inputs.ciphertext(i).value();
    // Features of other bytes must not be kept for these.
    if (cache != nullptr && digest(bytes) != rows.inputs[i])
      throw Error(ErrorCode::malformed, inputs.path().string() + ": it changed while it was read");
    return bytes;
  };
  run(rows, out, progress, cache);
  return out;
}

void FeatureExtractor::run(const Requests& rows, Extraction& out, const ProgressFunction& progress,
                           FeatureCache* cache) {
  // Before the first request: which rows are asked for depends on no answer of this run.
  const std::vector<size_t> missing = take_cached(rows.inputs, cache, out);

  // Between two requests, which use the same connection.
  const auto top_up = [&](size_t done) {
    if (rows.take_seeds) tickets_.top_up(missing.size() - done);
  };
  const auto encrypt_row = [&](size_t i) {
    const Stopwatch time;
    Bytes request = rows.request(i);
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

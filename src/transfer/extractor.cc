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
  return out;
}

FeatureExtractor::FeatureExtractor(ServiceClient& client, const ClientKeys& keys, bool overlap)
    : client_(client),
      keys_(keys),
      model_(client.metadata()),
      encoder_(model_.plan.params.log_n),
      overlap_(overlap) {}

Bytes FeatureExtractor::encrypted(std::span<const double> scaled_row) const {
  const LatencyPlan& plan = model_.plan;
  const auto coefficients = encoder_.encode(pack_input(plan.packing, scaled_row), plan.input_scale);
  return write_ciphertext(encrypt(keys_.secret(), coefficients, plan.input_scale, plan.top_limbs()));
}

std::vector<double> FeatureExtractor::decrypted(ByteView answer) const {
  const LatencyPlan& plan = model_.plan;
  auto ciphertext = read_ciphertext(answer, keys_.secret().params());
  require(ciphertext.ok(),
          ciphertext.ok() ? "" : std::string("is no ciphertext: ") + ciphertext.error().what());
  require(ciphertext->key_id == keys_.secret().id(), "is under another key than ours");
  require(ciphertext->parts.size() == 2 && ciphertext->num_limbs() == plan.answer_limbs(),
          "has another shape than the plan's");
  // Only rounding may tell the server's scale from ours; what it claims is not used.
  require(std::abs(ciphertext->scale / plan.output_scale() - 1) < 1e-9,
          "stands at another scale than the plan's");
  const std::vector<double> coefficients = decrypt(keys_.secret(), *ciphertext);
  std::vector<double> features =
      unpack_output(plan.packing, encoder_.decode(coefficients, plan.output_scale()));
  const bool safe = !may_have_wrapped(plan, coefficients) &&
                    std::ranges::all_of(features, [&](double y) { return std::abs(y) <= plan.output_limit; });
  if (!safe) features.clear();
  return features;
}

namespace {

Extraction nothing_yet(size_t rows, size_t features, std::vector<size_t> clipped) {
  return {Matrix(rows, features), std::vector<bool>(rows), std::move(clipped), {}};
}

}  // namespace

Extraction FeatureExtractor::extract(const Matrix& embeddings, const ProgressFunction& progress) {
  ScaledRows scaled = scale_rows(model_, embeddings);
  Extraction out = nothing_yet(embeddings.rows, model_.plan.output_width(), std::move(scaled.clipped));
  run(
      embeddings.rows, [&](size_t i) { return encrypted(scaled.rows.row(i)); }, out, progress);
  return out;
}

Extraction FeatureExtractor::extract(const EncryptedInputs& inputs, const ProgressFunction& progress) {
  Extraction out =
      nothing_yet(inputs.count(), model_.plan.output_width(), std::vector<size_t>(inputs.count()));
  run(
      inputs.count(), [&](size_t i) { return inputs.ciphertext(i).value(); }, out, progress);
  return out;
}

void FeatureExtractor::run(size_t rows, const std::function<Bytes(size_t)>& request_of, Extraction& out,
                           const ProgressFunction& progress) {
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
  };

  Bytes next = rows == 0 ? Bytes() : encrypt_row(0);
  Bytes last;
  for (size_t i = 0; i < rows; ++i) {
    const Bytes request = std::exchange(next, {});
    const auto beside = [&] {
      if (i > 0) decrypt_row(i - 1, last);
      if (i + 1 < rows) next = encrypt_row(i + 1);
    };
    // A deferred task runs at get(), when the server is done.
    auto task = std::async(overlap_ ? std::launch::async : std::launch::deferred, beside);
    const Stopwatch time;
    auto answer = client_.infer(request, keys_.evaluation_keys());
    const double round_trip = time.milliseconds();
    task.get();
    out.times.round_trip.push_back(round_trip);
    out.times.server.push_back(answer.value().server_ms);
    last = std::move(answer->ciphertext);
    if (progress) progress(i + 1, rows);
  }
  if (rows > 0) decrypt_row(rows - 1, last);
}

}  // namespace cryptotl

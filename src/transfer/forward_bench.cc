#include "cryptotl/transfer/forward_bench.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>

#include "cryptotl/learn/pretrain.h"
#include "cryptotl/rns/kernels.h"
#include "cryptotl/transfer/extractor.h"
#include "cryptotl/transfer/scaled_rows.h"
#include "cryptotl/transfer/server_process.h"
#include "cryptotl/transfer/temporary_folder.h"
#include "transfer/bench_network.h"
#include "transfer/bench_subject.h"
#include "transfer/statistics.h"

namespace cryptotl {
namespace {

constexpr size_t kWarmUpRows = 3;

Matrix first_rows(Matrix rows, size_t count) {
  rows.rows = std::min(rows.rows, count);
  rows.values.resize(rows.rows * rows.cols);
  return rows;
}

BenchSubject read_subject(const ForwardBenchOptions& options) {
  BenchNetwork read = read_bench_network(options.network).value();
  Model model = bench_model({std::move(read.first), std::move(read.second)}, kPaperCubic, read.calibration);
  return {std::move(model), first_rows(std::move(read.inputs), options.inputs),
          first_rows(std::move(read.calibration), kWarmUpRows)};
}

void require_usable(const Extraction& extraction, const ForwardBenchOptions& options) {
  if (extraction.usable().size() == extraction.features.rows) return;
  if (options.network.empty())
    throw Error(ErrorCode::internal, "an answer to a random input lies beyond the calibrated range");
  throw Error(ErrorCode::malformed, options.network.string() +
                                        ": an answer lies beyond twice the range that calibration.npy shows");
}

void append_rows(Matrix& to, const Matrix& rows) {
  to.values.insert(to.values.end(), rows.values.begin(), rows.values.end());
  to.cols = rows.cols;
  to.rows += rows.rows;
}

/// The same rows as the cold ones, each once the server has worked ahead for its seed: as many at a time as
/// it has tickets for.
struct PreparedPasses {
  Matrix features;
  std::vector<double> server_ms;
};

PreparedPasses prepared_passes(ServiceClient& client, const ClientKeys& keys, const Matrix& inputs,
                               const ForwardBenchOptions& options) {
  FeatureExtractor extractor(client, keys, {.overlap = false});
  ProgressBar bar("prepared passes", options.quiet);
  PreparedPasses out;
  while (out.server_ms.size() < inputs.rows) {
    const size_t begin = out.server_ms.size();
    const size_t count = extractor.prepare(inputs.rows - begin);
    if (count == 0) throw Error(ErrorCode::resource_exhausted, "the server takes no tickets");
    std::vector<size_t> rows(count);
    std::iota(rows.begin(), rows.end(), begin);
    const Extraction part = extractor.extract(take_rows(inputs, rows));
    require_usable(part, options);
    if (part.prepared != count)
      throw Error(ErrorCode::internal, "an answer was not prepared although its ticket was ready");
    append_rows(out.features, part.features);
    out.server_ms.insert(out.server_ms.end(), part.times.server.begin(), part.times.server.end());
    bar.update(out.server_ms.size(), inputs.rows);
  }
  return out;
}

}  // namespace

nlohmann::json bench_forward(const ForwardBenchOptions& options) {
  const auto [model, inputs, warm_up] =
      options.network.empty()
          ? random_bench_subject(options.widths, options.quadratic, options.inputs, kWarmUpRows, options.seed)
          : read_subject(options);
  const TemporaryFolder folder =
      TemporaryFolder::make(std::filesystem::temp_directory_path(), "cryptotl-").value();
  save_model(folder.path() / "model", model).value();
  ServerProcessOptions process = {options.server_program, folder.path() / "model", folder.path() / "keys",
                                  options.threads, options.precision};
  process.more = {"--no-batch"};  // nothing but passes is measured
  if (options.trusting) process.more.emplace_back("--trusting");
  const auto server = ServerProcess::start(process).value();
  ServiceClient client = ServiceClient::connect(server->url()).value();
  const ClientKeys keys = ClientKeys::generate(client.metadata());
  keys.upload(client).value();
  FeatureExtractor extractor(client, keys, {.overlap = false, .tickets = false});
  extractor.extract(warm_up);
  ProgressBar bar("encrypted passes", options.quiet);
  const Extraction cold = extractor.extract(inputs, bar.function());
  require_usable(cold, options);
  const size_t peak_rss = server->peak_rss_bytes().value();  // tickets come on top of it
  const PreparedPasses prepared = prepared_passes(client, keys, inputs, options);

  const ModelMetadata& metadata = client.metadata();
  const double predicted = metadata.plan.predicted_error;
  if (!(largest_difference(cold.features, prepared.features) <= 2 * predicted))
    throw Error(ErrorCode::internal, "prepared answers are others than those without tickets");
  const Matrix expected = forward(model.lower, scale_rows(metadata, inputs).rows);
  return {{"server_ms_median", median(cold.times.server)},
          {"server_ms_min", std::ranges::min(cold.times.server)},
          {"server_ms", cold.times.server},
          {"prepared_ms_median", median(prepared.server_ms)},
          {"prepared_ms_min", std::ranges::min(prepared.server_ms)},
          {"prepared_ms", prepared.server_ms},
          {"round_trip_ms", median(cold.times.round_trip)},
          {"client_encrypt_ms", median(cold.times.encrypt)},
          {"client_decrypt_ms", median(cold.times.decrypt)},
          {"max_abs_error", std::max(largest_difference(cold.features, expected),
                                     largest_difference(prepared.features, expected))},
          {"rms_error", rms_difference(cold.features, expected)},
          {"predicted_error", predicted},
          {"evaluation_key_bytes", metadata.evaluation_key_bytes()},
          {"ticket_bytes", client.ticket_state(keys.evaluation_keys()).value().ticket_bytes},
          {"request_bytes", metadata.request_bytes()},
          {"response_bytes", metadata.response_bytes()},
          {"peak_rss_bytes", peak_rss},
          {"ring_degree", metadata.params->n()},
          {"log_qp", metadata.params->log_qp()},
          {"security_bits", metadata.params->security_bits()},
          {"isa", kernels().name},
          {"threads", options.threads},
          {"inputs", inputs.rows},
          {"widths", metadata.plan.packing.widths},
          {"activation", options.quadratic ? "quadratic" : "cubic"},
          {"precision", options.precision},
          {"trusting", options.trusting},
          {"cpu", processor_name()}};
}

}  // namespace cryptotl

#include "cryptotl/transfer/forward_bench.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <random>

#include "cryptotl/learn/pretrain.h"
#include "cryptotl/rns/kernels.h"
#include "cryptotl/transfer/extractor.h"
#include "cryptotl/transfer/server_process.h"
#include "cryptotl/transfer/temporary_folder.h"
#include "transfer/statistics.h"

namespace cryptotl {
namespace {

constexpr size_t kCalibrationRows = 100;

Dense random_dense(size_t outputs, size_t inputs, std::mt19937_64& generator) {
  std::normal_distribution<double> weight(0.0, std::sqrt(1.0 / static_cast<double>(inputs)));
  Dense out{Matrix(outputs, inputs), std::vector<double>(outputs)};
  for (double& value : out.weight.values) value = weight(generator);
  for (double& value : out.bias) value = weight(generator);
  return out;
}

Matrix random_rows(size_t rows, size_t cols, std::mt19937_64& generator) {
  std::uniform_real_distribution<double> uniform(0.0, 1.0);
  Matrix out(rows, cols);
  for (double& value : out.values) value = uniform(generator);
  return out;
}

Polynomial activation(const ForwardBenchOptions& options) {
  Polynomial out = kPaperCubic;
  if (options.quadratic) out.coefficients.pop_back();
  return out;
}

Model random_model(const ForwardBenchOptions& options, std::mt19937_64& generator) {
  const size_t inputs = options.widths.front();
  Model model;
  model.name = "random";
  model.lower.input_width = inputs;
  for (size_t i = 1; i < options.widths.size(); ++i) {
    if (i > 1) model.lower.layers.push_back(activation(options));
    model.lower.layers.push_back(random_dense(options.widths[i], options.widths[i - 1], generator));
  }
  model.scaler = {std::vector<double>(inputs, 0.0), std::vector<double>(inputs, 1.0)};
  model.embedder = external_embedder("random", inputs);
  model.calibration = calibrate(fold(model.lower).value(), random_rows(kCalibrationRows, inputs, generator));
  return model;
}

}  // namespace

nlohmann::json bench_forward(const ForwardBenchOptions& options) {
  std::mt19937_64 generator(options.seed);
  const Model model = random_model(options, generator);
  const size_t width = model.lower.input_width;
  const Matrix inputs = random_rows(options.inputs, width, generator);
  const Matrix expected = forward(model.lower, inputs);

  const TemporaryFolder folder =
      TemporaryFolder::make(std::filesystem::temp_directory_path(), "cryptotl-").value();
  save_model(folder.path() / "model", model).value();
  const auto server = ServerProcess::start({options.server_program, folder.path() / "model",
                                            folder.path() / "keys", options.threads, options.precision})
                          .value();
  ServiceClient client = ServiceClient::connect(server->url()).value();
  const ClientKeys keys = ClientKeys::generate(client.metadata());
  keys.upload(client).value();
  FeatureExtractor extractor(client, keys, false);
  extractor.extract(random_rows(3, width, generator));
  ProgressBar bar("encrypted passes", options.quiet);
  const Extraction measured = extractor.extract(inputs, bar.function());
  if (measured.usable().size() != options.inputs) {
    throw Error(ErrorCode::internal, "an answer to a random input lies beyond the calibrated range");
  }

  const ModelMetadata& metadata = client.metadata();
  return {{"server_ms_median", median(measured.times.server)},
          {"server_ms_min", std::ranges::min(measured.times.server)},
          {"round_trip_ms", median(measured.times.round_trip)},
          {"client_encrypt_ms", median(measured.times.encrypt)},
          {"client_decrypt_ms", median(measured.times.decrypt)},
          {"max_abs_error", largest_difference(measured.features, expected)},
          {"rms_error", rms_difference(measured.features, expected)},
          {"predicted_error", metadata.plan.predicted_error},
          {"evaluation_key_bytes", metadata.evaluation_key_bytes()},
          {"request_bytes", metadata.request_bytes()},
          {"response_bytes", metadata.response_bytes()},
          {"peak_rss_bytes", server->peak_rss_bytes().value()},
          {"ring_degree", metadata.params->n()},
          {"log_qp", metadata.params->log_qp()},
          {"security_bits", metadata.params->security_bits()},
          {"isa", kernels().name},
          {"threads", options.threads},
          {"inputs", options.inputs},
          {"widths", options.widths},
          {"activation", options.quadratic ? "quadratic" : "cubic"},
          {"precision", options.precision},
          {"cpu", processor_name()}};
}

}  // namespace cryptotl

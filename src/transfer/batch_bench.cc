#include "cryptotl/transfer/batch_bench.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <numeric>
#include <thread>

#include "cryptotl/base/stopwatch.h"
#include "cryptotl/rns/integer_matrix.h"
#include "cryptotl/rns/kernels.h"
#include "cryptotl/transfer/batch_extractor.h"
#include "cryptotl/transfer/mode.h"
#include "cryptotl/transfer/scaled_rows.h"
#include "cryptotl/transfer/server_process.h"
#include "cryptotl/transfer/temporary_folder.h"
#include "transfer/bench_subject.h"
#include "transfer/plain_network.h"
#include "transfer/statistics.h"

namespace cryptotl {
namespace {

/// For which the plain network runs at a time, and how often at least.
constexpr double kPlainSeconds = 0.5;
constexpr size_t kPlainRuns = 3;
constexpr size_t kWarmUpSamples = 8192;
constexpr std::chrono::seconds kLongestIdle{300};

double real(size_t count) { return static_cast<double>(count); }

/// The most memory of this process since the last reset.
size_t peak_rss_bytes() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    size_t kibibytes = 0;
    if (word == "VmHWM:" && status >> kibibytes) return kibibytes * 1024;
  }
  return 0;
}
void reset_peak_rss() { std::ofstream("/proc/self/clear_refs") << "5"; }

/// The plain network on the same rows: seconds of all of them, a run each.
class PlainTimes {
 public:
  PlainTimes(const Network& network, const Matrix& rows, size_t threads)
      : network_(network, threads), rows_(rows) {}

  void measure() {
    network_.run(rows_, out_);  // warms up
    const Stopwatch all;
    for (size_t runs = 0; runs < kPlainRuns || all.seconds() < kPlainSeconds; ++runs) {
      const Stopwatch time;
      network_.run(rows_, out_);
      seconds_.push_back(time.seconds());
    }
  }
  const Matrix& outputs() const { return out_; }
  double milliseconds_per_sample() const { return 1e3 * median(seconds_) / real(rows_.rows); }

 private:
  PlainNetwork network_;
  const Matrix& rows_;
  Matrix out_;
  std::vector<double> seconds_;
};

/// All samples once through the server.
struct BatchRun {
  Extraction extraction;
  std::vector<BatchTimes> batches;
  double round_trip_s = 0;

  double sum(double BatchTimes::*member) const {
    double out = 0;
    for (const BatchTimes& times : batches) out += times.*member;
    return out;
  }
  double matrix_ms(size_t layer) const {
    double out = 0;
    for (const BatchTimes& times : batches) out += times.matrix_ms[layer];
    return out;
  }
};

BatchRun run(ServiceClient& client, const Matrix& inputs, const std::string& what, bool quiet) {
  ProgressBar bar(what, quiet);
  BatchExtractor extractor(client);
  BatchRun out;
  PendingRows rows = pending_rows(client.metadata(), inputs, nullptr);
  const Stopwatch time;
  out.extraction = extractor.extract(std::move(rows), bar.function());
  out.round_trip_s = time.seconds();
  out.batches = extractor.batches();
  if (out.extraction.usable().size() != inputs.rows)
    throw Error(ErrorCode::internal, "an answer to a random input lies beyond the calibrated range");
  return out;
}

/// Until the server has worked ahead for every batch that has come.
void wait_until_prepared(ServiceClient& client) {
  const auto until = std::chrono::steady_clock::now() + kLongestIdle;
  while (client.batch_state().value().waiting > 0) {
    if (std::chrono::steady_clock::now() > until)
      throw Error(ErrorCode::resource_exhausted, "the server has no idle time to work ahead in");
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
}

void require_prepared(const BatchRun& run, bool prepared) {
  const bool right =
      std::ranges::all_of(run.batches, [&](const BatchTimes& times) { return times.prepared == prepared; });
  if (!right)
    throw Error(ErrorCode::internal, prepared ? "a batch was not prepared" : "a batch was prepared");
}

double sum(const std::vector<double>& values) { return std::accumulate(values.begin(), values.end(), 0.0); }

/// Products of matrix entries with residues a second, in 10^9, of each layer: both parts of every ciphertext.
/// Where slots are shared, of the entries of the network's own matrix.
std::vector<double> speeds(const BatchPlan& plan, const BatchRun& run) {
  std::vector<double> out;
  for (size_t i = 0; i < plan.matrices.size(); ++i) {
    const double products = real(2 * plan.matrices[i].limbs * plan.samples() * run.batches.size()) *
                            real(plan.widths[i] * plan.widths[i + 1]);
    out.push_back(products / run.matrix_ms(i) / 1e6);
  }
  return out;
}

/// What the server's working ahead does; nothing for batches that share slots.
nlohmann::json prepared_json(const BatchRun& prepared, double samples, double plain_ms) {
  const double ms = prepared.sum(&BatchTimes::server_ms);
  return {{"prepared_server_s", ms / 1e3},
          {"prepared_ms_per_sample", ms / samples},
          {"prepared_ratio_to_plain", ms / samples / plain_ms}};
}

}  // namespace

nlohmann::json bench_batch(const BatchBenchOptions& options) {
  const auto [model, inputs, warm_up] =
      random_bench_subject(options.widths, options.quadratic, options.samples,
                           std::min(options.samples, kWarmUpSamples), options.seed);
  const TemporaryFolder folder =
      TemporaryFolder::make(std::filesystem::temp_directory_path(), "cryptotl-").value();
  save_model(folder.path() / "model", model).value();
  ServerProcessOptions process;
  process.program = options.server_program;
  process.model = folder.path() / "model";
  process.key_store = folder.path() / "keys";
  process.threads = options.threads;
  process.precision = options.precision;
  if (options.trusting) process.more.emplace_back("--trusting");
  const auto server = ServerProcess::start(process).value();
  ServiceClient client = ServiceClient::connect(server->url()).value();

  PlainTimes plain(model.lower, inputs, options.threads);
  plain.measure();
  run(client, warm_up, "warming up", options.quiet);
  reset_peak_rss();
  const BatchRun cold = run(client, inputs, "encrypted batches", options.quiet);
  const size_t client_peak = peak_rss_bytes();
  const size_t server_peak = server->peak_rss_bytes().value();
  require_prepared(cold, false);
  plain.measure();
  const std::vector<BatchMetadata>& offers = client.metadata().batches;
  const std::vector<size_t> kinds = batches_of(offers, inputs.rows);
  const BatchMetadata& offer = offers[kinds.front()];
  const bool may_prepare = std::ranges::none_of(kinds, [&](size_t k) { return offers[k].plan.has_blocks(); });
  std::optional<BatchRun> prepared;
  if (may_prepare) {
    wait_until_prepared(client);
    prepared = run(client, inputs, "prepared batches", options.quiet);
    require_prepared(*prepared, true);
    plain.measure();
  }

  size_t request_bytes = 0, response_bytes = 0;
  double predicted_ms = 0;
  for (const size_t kind : kinds) {
    request_bytes += offers[kind].request_bytes();
    response_bytes += offers[kind].response_bytes();
    predicted_ms += offers[kind].batch_milliseconds;
  }
  const double samples = real(inputs.rows);
  const double server_ms = cold.sum(&BatchTimes::server_ms);
  const double plain_ms = plain.milliseconds_per_sample();
  double error = largest_difference(cold.extraction.features, plain.outputs());
  if (prepared) error = std::max(error, largest_difference(prepared->extraction.features, plain.outputs()));
  nlohmann::json out = {{"samples", inputs.rows},
                        {"batches", cold.batches.size()},
                        {"samples_a_batch", offer.plan.samples()},
                        {"block", offer.plan.block},
                        {"server_s", server_ms / 1e3},
                        {"ms_per_sample", server_ms / samples},
                        {"read_ms", cold.sum(&BatchTimes::read_ms)},
                        {"matrix_ms",
                         [&] {
                           std::vector<double> times;
                           for (size_t i = 0; i < offer.plan.matrices.size(); ++i)
                             times.push_back(cold.matrix_ms(i));
                           return times;
                         }()},
                        {"activation_ms", cold.sum(&BatchTimes::activation_ms)},
                        {"answer_ms", cold.sum(&BatchTimes::answer_ms)},
                        {"predicted_server_s", predicted_ms / 1e3},
                        {"gemm_gmac_per_s", speeds(offer.plan, cold)},
                        {"plain_fp64_ms_per_sample", plain_ms},
                        {"ratio_to_plain", server_ms / samples / plain_ms},
                        {"round_trip_s", cold.round_trip_s},
                        {"client_encrypt_s", sum(cold.extraction.times.encrypt) / 1e3},
                        {"client_decrypt_s", sum(cold.extraction.times.decrypt) / 1e3},
                        {"request_bytes_per_sample", real(request_bytes) / samples},
                        {"response_bytes_per_sample", real(response_bytes) / samples},
                        {"key_bytes", offer.key_bytes()},
                        {"server_peak_rss_bytes", server_peak},
                        {"client_peak_rss_bytes", client_peak},
                        {"max_abs_error", error},
                        {"predicted_error", client.metadata().predicted_error()},
                        {"ring_degree", offer.params->n()},
                        {"log_qp", offer.params->log_qp()},
                        {"security_bits", offer.params->security_bits()},
                        {"isa", kernels().name},
                        {"matrix_isa", name(matrix_kernel())},
                        {"threads", options.threads},
                        {"widths", options.widths},
                        {"activation", options.quadratic ? "quadratic" : "cubic"},
                        {"precision", options.precision},
                        {"trusting", options.trusting},
                        {"cpu", processor_name()}};
  if (prepared) {
    out.update(prepared_json(*prepared, samples, plain_ms));
    out["prepared_server_peak_rss_bytes"] = server->peak_rss_bytes().value();
  }
  return out;
}

}  // namespace cryptotl

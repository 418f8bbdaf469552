#pragma once

#include <filesystem>
#include <fstream>
#include <random>
#include <string>

#include "cryptotl/plan/model.h"
#include "cryptotl/plan/planner.h"
#include "cryptotl/service/server.h"
#include "cryptotl/transfer/extractor.h"
#include "cryptotl/transfer/temporary_folder.h"

namespace cryptotl {

// A provider and a client small enough for a test: 16 inputs, 12 hidden units, 6 features.
inline constexpr size_t kSmallInputs = 16;
inline constexpr size_t kSmallFeatures = 6;

inline TemporaryFolder test_folder() {
  return TemporaryFolder::make(std::filesystem::temp_directory_path(), "cryptotl-test-").value();
}

inline Matrix uniform_matrix(size_t rows, size_t cols, uint64_t seed, double low = 0, double high = 1) {
  std::mt19937_64 generator(seed);
  std::uniform_real_distribution<double> uniform(low, high);
  Matrix out(rows, cols);
  for (double& value : out.values) value = uniform(generator);
  return out;
}

inline Dense dense_of_uniform_numbers(size_t outputs, size_t inputs, uint64_t seed) {
  return {uniform_matrix(outputs, inputs, seed, -0.5, 0.5),
          uniform_matrix(1, outputs, seed + 1, -0.5, 0.5).values};
}

/// Calibrated on 50 rows in [0, 1]; the scaler leaves rows as they are.
inline Model small_model(uint64_t seed = 1) {
  Model model;
  model.lower = {kSmallInputs,
                 {dense_of_uniform_numbers(12, kSmallInputs, seed), kPaperCubic,
                  dense_of_uniform_numbers(kSmallFeatures, 12, seed + 2)}};
  model.scaler = {std::vector<double>(kSmallInputs, 0.0), std::vector<double>(kSmallInputs, 1.0)};
  model.embedder = external_embedder("numbers", kSmallInputs);
  model.labels = {"bad", "good"};
  model.output_layer = dense_of_uniform_numbers(1, kSmallFeatures, seed + 4);
  model.calibration = calibrate(fold(model.lower).value(), uniform_matrix(50, kSmallInputs, seed + 6));
  return model;
}

inline ModelMetadata metadata_of(const Model& model) {
  return ModelMetadata::of(model, plan_latency(fold(model.lower).value(), model.calibration).value());
}

/// A server in this process, with a client that has its keys there.
struct SmallWorld {
  explicit SmallWorld(Model served = small_model(), const ServiceLimits& limits = {})
      : model(std::move(served)),
        server(start(model, folder.path(), limits)),
        client(ServiceClient::connect(server->url()).value()),
        keys(ClientKeys::generate(client.metadata())) {
    keys.upload(client).value();
  }
  static std::unique_ptr<Server> start(const Model& model, const std::filesystem::path& folder,
                                       const ServiceLimits& limits = {}) {
    ServerOptions options;
    options.key_store = folder / "store";
    options.limits = limits;
    return Server::start(model, options).value();
  }

  TemporaryFolder folder = test_folder();
  Model model;
  std::unique_ptr<Server> server;
  ServiceClient client;
  ClientKeys keys;
};

/// The code of the error that a call throws; internal where it throws none.
template <typename Call>
ErrorCode code_of(const Call& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.code();
  }
  return ErrorCode::internal;
}

inline void write_text(const std::filesystem::path& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

}  // namespace cryptotl

#pragma once

#include <unistd.h>

#include <filesystem>

#include "cryptotl/ckks/encoder.h"
#include "cryptotl/ckks/secret_key.h"
#include "cryptotl/ckks/wire.h"
#include "cryptotl/plan/model.h"
#include "cryptotl/service/metadata.h"
#include "plan/random_network.h"

namespace cryptotl {

/// A model small enough that keys and passes take no time, under the parameters of every day.
inline Model small_model(uint64_t seed = 1) {
  constexpr size_t kInputs = 20;
  constexpr size_t kHidden = 24;
  constexpr size_t kOutputs = 11;
  std::mt19937_64 generator(seed);
  std::normal_distribution<double> normal(0.0, 0.2);
  const auto dense = [&](size_t rows, size_t cols) {
    Dense layer{Matrix(rows, cols), std::vector<double>(rows)};
    for (double& value : layer.weight.values) value = normal(generator);
    for (double& value : layer.bias) value = normal(generator);
    return layer;
  };
  const Matrix rows = uniform_rows(50, kInputs, seed);
  Model model;
  model.name = "small";
  model.lower = {kInputs,
                 {dense(kHidden, kInputs), Polynomial{{0.5, 0.6, 0.09, -0.006}}, dense(kOutputs, kHidden)}};
  model.scaler = MinMaxScaler::fit(rows);
  model.embedder = external_embedder("some-embedder", kInputs);
  model.calibration = calibrate(fold(model.lower).value(), rows);
  model.labels = {"ham", "spam"};
  model.output_layer = dense(1, kOutputs);
  model.feature_mean = std::vector<double>(kOutputs, 0.5);
  model.feature_deviation = std::vector<double>(kOutputs, 1.0 / 3);
  return model;
}

/// The same with an output layer for so many labels, and calibrated for its scores.
inline Model scoring_model(size_t labels) {
  Model model = small_model();
  const size_t features = model.output_layer->weight.cols;
  const size_t scores = labels == 2 ? 1 : labels;
  model.labels.clear();
  for (size_t i = 0; i < labels; ++i) model.labels.push_back("label " + std::to_string(i));
  std::mt19937_64 generator(7);
  std::normal_distribution<double> normal(0.0, 1.0);
  model.output_layer = Dense{Matrix(scores, features), std::vector<double>(scores)};
  for (double& value : model.output_layer->weight.values) value = normal(generator);
  for (double& value : model.output_layer->bias) value = normal(generator);
  model.score_calibration = calibrate(append(fold(model.lower).value(), *model.output_layer),
                                      uniform_rows(50, model.lower.input_width, 1));
  return model;
}

/// The data owner: the secret key and what it makes for one server.
struct Owner {
  explicit Owner(const ModelMetadata& model)
      : metadata(model),
        secret(SecretKey::generate(model.params)),
        public_key(make_public_key(secret)),
        encoder(model.params->log_n()),
        evaluation_keys(write_key_set(make_evaluation_keys(secret, required_keys(model.plan)), public_key)) {}

  Bytes encrypted(std::span<const double> row, OneTimeSeed seed = {}) const {
    const LatencyPlan& plan = metadata.plan;
    return write_ciphertext(encrypt(secret,
                                    encoder.encode_message(pack_input(plan.packing, row), plan.input_scale),
                                    plan.input_scale, plan.top_limbs(), std::move(seed)));
  }
  /// As a device does that has the public key alone.
  Bytes encrypted_public(std::span<const double> row) const {
    const LatencyPlan& plan = metadata.plan;
    return write_ciphertext(
        encrypt_public(public_key, encoder.encode_message(pack_input(plan.packing, row), plan.input_scale),
                       plan.input_scale, plan.top_limbs()));
  }
  std::vector<double> decrypted(ByteView answer) const {
    const SwitchedCiphertext ciphertext = read_answer(answer, metadata.params).value();
    return unpack_output(metadata.plan.packing,
                         encoder.decode(decrypt(secret, ciphertext), ciphertext.scale));
  }
  const Digest& keys() const { return keys_digest; }

  ModelMetadata metadata;
  SecretKey secret;
  PublicKey public_key;
  Encoder encoder;
  Bytes evaluation_keys;
  Digest keys_digest = digest(evaluation_keys);
};

/// A folder that goes with this object.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string path = (std::filesystem::temp_directory_path() / "cryptotl-service-XXXXXX").string();
    path_ = ::mkdtemp(path.data());
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace cryptotl

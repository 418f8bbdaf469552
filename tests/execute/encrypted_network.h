#pragma once

#include <cmath>
#include <memory>
#include <random>

#include "cryptotl/ckks/encoder.h"
#include "cryptotl/ckks/secret_key.h"
#include "cryptotl/execute/latency.h"

namespace cryptotl {

/// A network of the paper's shape with normal weights of variance 1/columns and the paper's cubic.
inline FoldedNetwork random_network(size_t inputs, size_t hidden, size_t outputs, uint64_t seed) {
  std::mt19937_64 generator(seed);
  std::normal_distribution<double> normal;
  const auto dense = [&](size_t rows, size_t cols) {
    Dense layer{Matrix(rows, cols), std::vector<double>(rows)};
    const double deviation = 1 / std::sqrt(static_cast<double>(cols));
    for (double& value : layer.weight.values) value = deviation * normal(generator);
    for (double& value : layer.bias) value = deviation * normal(generator);
    return layer;
  };
  const Polynomial cubic{{0.49383, 0.59259, 0.092593, -0.0061728}};
  return fold({inputs, {dense(hidden, inputs), cubic, dense(outputs, hidden)}}).value();
}

inline Matrix uniform_rows(size_t rows, size_t cols, uint64_t seed) {
  std::mt19937_64 generator(seed);
  std::uniform_real_distribution<double> uniform(0.0, 1.0);
  Matrix out(rows, cols);
  for (double& value : out.values) value = uniform(generator);
  return out;
}

/// Both parties in one process: a network behind its plan, and a client's keys.
struct EncryptedNetwork {
  EncryptedNetwork(FoldedNetwork plain, const Matrix& rows, size_t threads = 1)
      : network(std::move(plain)),
        plan(plan_latency(network, calibrate(network, rows)).value()),
        program(std::make_shared<LatencyProgram>(network, plan)),
        runner(program, threads),
        secret(SecretKey::generate(program->params())),
        encoder(plan.params.log_n),
        keys(LatencyKeys::create(plan, make_evaluation_keys(secret, required_keys(plan))).value()) {}

  Ciphertext encrypted(std::span<const double> row) const {
    return encrypt(secret, encoder.encode(pack_input(plan, row), plan.input_scale), plan.input_scale,
                   plan.top_limbs());
  }
  std::vector<double> decrypted(const Ciphertext& answer) const {
    return unpack_output(plan, encoder.decode(decrypt(secret, answer), answer.scale));
  }

  FoldedNetwork network;
  LatencyPlan plan;
  std::shared_ptr<const LatencyProgram> program;
  LatencyRunner runner;
  SecretKey secret;
  Encoder encoder;
  std::shared_ptr<const LatencyKeys> keys;
};

}  // namespace cryptotl

#pragma once

#include <algorithm>
#include <cmath>
#include <memory>

#include "cryptotl/ckks/encoder.h"
#include "cryptotl/ckks/secret_key.h"
#include "cryptotl/execute/latency.h"
#include "cryptotl/plan/planner.h"
#include "plan/random_network.h"

namespace cryptotl {

/// Both parties in one process: a network behind its plan, and a client's keys.
struct EncryptedNetwork {
  EncryptedNetwork(FoldedNetwork plain, const Matrix& rows, size_t threads = 1,
                   const PlanOptions& options = {})
      : EncryptedNetwork(plain, calibrate(plain, rows), threads, options) {}
  EncryptedNetwork(FoldedNetwork plain, const Calibration& ranges, size_t threads, const PlanOptions& options)
      : EncryptedNetwork(plain, ranges, plan_latency(plain, ranges, options).value(), threads) {}
  EncryptedNetwork(FoldedNetwork plain, Calibration ranges, LatencyPlan steps, size_t threads = 1,
                   bool trusting = false)
      : network(std::move(plain)),
        calibration(std::move(ranges)),
        plan(std::move(steps)),
        program(std::make_shared<LatencyProgram>(network, calibration, plan, trusting)),
        runner(program, threads),
        secret(SecretKey::generate(program->params())),
        encoder(plan.params.log_n),
        keys(keys_of(secret)) {}

  std::shared_ptr<const LatencyKeys> keys_of(const SecretKey& owner) const {
    return LatencyKeys::create(plan, make_evaluation_keys(owner, required_keys(plan)), make_public_key(owner))
        .value();
  }
  Ciphertext encrypted(std::span<const double> row) const {
    return encrypt(secret, encoder.encode_message(pack_input(plan.packing, row), plan.input_scale),
                   plan.input_scale, plan.top_limbs());
  }
  std::vector<double> decrypted(const SwitchedCiphertext& answer) const {
    return unpack_output(plan.packing, encoder.decode(decrypt(secret, answer), answer.scale));
  }

  FoldedNetwork network;
  Calibration calibration;
  LatencyPlan plan;
  std::shared_ptr<const LatencyProgram> program;
  LatencyRunner runner;
  SecretKey secret;
  Encoder encoder;
  std::shared_ptr<const LatencyKeys> keys;
};

/// Of all outputs to all rows, against the plain network.
inline double largest_error(EncryptedNetwork& both, const Matrix& rows) {
  double worst = 0;
  for (size_t i = 0; i < rows.rows; ++i) {
    const std::vector<double> expected = forward(both.network, rows.row(i));
    const std::vector<double> got = both.decrypted(both.runner.run(both.encrypted(rows.row(i)), *both.keys));
    for (size_t r = 0; r < expected.size(); ++r) worst = std::max(worst, std::abs(got[r] - expected[r]));
  }
  return worst;
}

}  // namespace cryptotl

#include "cryptotl/transfer/raw_answers.h"

#include <algorithm>
#include <cmath>

#include "cryptotl/ckks/key_recovery.h"
#include "cryptotl/ckks/release.h"
#include "cryptotl/ckks/secret_key.h"
#include "cryptotl/execute/latency.h"

namespace cryptotl {
namespace {

/// A client and a server that passes no byte to anybody, in one process.
class Exchange {
 public:
  Exchange(const FoldedNetwork& network, const Calibration& calibration, const LatencyPlan& plan)
      : plan_(plan),
        program_(std::make_shared<LatencyProgram>(network, calibration, plan)),
        runner_(program_, 1),
        secret_(SecretKey::generate(program_->params())),
        encoder_(plan.params.log_n),
        keys_(LatencyKeys::create(plan, make_evaluation_keys(secret_, required_keys(plan)),
                                  make_public_key(secret_))
                  .value()) {}

  SwitchedCiphertext answer(std::span<const double> row) {
    const auto message = encoder_.encode_message(pack_input(plan_.packing, row), plan_.input_scale);
    return runner_.run(encrypt(secret_, message, plan_.input_scale, plan_.top_limbs()), *keys_);
  }

  bool gives_key_raw(const SwitchedCiphertext& answer) const {
    const std::vector<double> raw = decrypt(secret_, answer);
    std::vector<int64_t> integers(raw.size());
    std::ranges::transform(raw, integers.begin(), [](double value) { return std::llrint(value); });
    return gives_key(answer, encoder_.encode(encoder_.decode(raw, answer.scale), answer.scale)) ||
           gives_key(answer, integers);
  }

  bool gives_key_released(const SwitchedCiphertext& answer, size_t answers) const {
    const std::vector<Complex> slots = encoder_.decode(decrypt(secret_, answer), answer.scale);
    std::vector<double> numbers;
    for (const Complex& slot : slots) {
      numbers.push_back(slot.real());
      numbers.push_back(slot.imag());
    }
    const std::vector<double> released =
        release(numbers, plan_.predicted_error, {.releases = static_cast<double>(answers), .bits = 1});
    std::vector<Complex> known(slots.size());
    for (size_t i = 0; i < known.size(); ++i) known[i] = {released[2 * i], released[2 * i + 1]};
    return gives_key(answer, encoder_.encode(known, answer.scale));
  }

 private:
  bool gives_key(const SwitchedCiphertext& answer, std::span<const int64_t> decryption) const {
    const auto found = recover_secret(answer, decryption);
    return found && std::ranges::equal(found->span(), secret_.coefficients());
  }

  const LatencyPlan& plan_;
  std::shared_ptr<const LatencyProgram> program_;
  LatencyRunner runner_;
  SecretKey secret_;
  Encoder encoder_;
  std::shared_ptr<const LatencyKeys> keys_;
};

}  // namespace

KeyRecoveryAttack recover_key_from_answers(const FoldedNetwork& network, const Calibration& calibration,
                                           const LatencyPlan& plan, const Matrix& scaled_rows,
                                           const ProgressFunction& progress) {
  Exchange exchange(network, calibration, plan);
  KeyRecoveryAttack out{plan.params.log_n, plan.predicted_error, scaled_rows.rows, 0, 0};
  for (size_t r = 0; r < scaled_rows.rows; ++r) {
    const SwitchedCiphertext answer = exchange.answer(scaled_rows.row(r));
    out.from_raw += exchange.gives_key_raw(answer) ? 1 : 0;
    out.from_released += exchange.gives_key_released(answer, scaled_rows.rows) ? 1 : 0;
    if (progress) progress(r + 1, scaled_rows.rows);
  }
  return out;
}

}  // namespace cryptotl

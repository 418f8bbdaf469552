#include "transfer/answers.h"

#include <cmath>

#include "cryptotl/ckks/wire.h"

namespace cryptotl {
namespace {

void require(bool fits, const std::string& what) {
  if (!fits) throw Error(ErrorCode::malformed, "the server's answer " + what);
}

}  // namespace

std::vector<double> decrypt_answer(ByteView answer, const ProgramPlan& plan, const SecretKey& secret) {
  const auto ciphertext = read_answer(answer, secret.params());
  require(ciphertext.ok(),
          ciphertext.ok() ? "" : std::string("cannot be read: ") + ciphertext.error().what());
  require(ciphertext->key_id == secret.id(), "is under another key than ours");
  require(
      ciphertext->modulus_bits == plan.answer_bits && ciphertext->dropped_bits == plan.answer_dropped_bits,
      "has another modulus than the plan's");
  // Only rounding may tell the server's scale from ours; what it claims is not used.
  require(std::abs(ciphertext->scale / plan.answer_scale() - 1) < 1e-9,
          "stands at another scale than the plan's");
  return decrypt(secret, *ciphertext);
}

}  // namespace cryptotl

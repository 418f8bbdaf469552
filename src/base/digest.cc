#include "cryptotl/base/digest.h"

#include <sodium.h>

#include "base/sodium.h"

namespace cryptotl {
namespace {

crypto_generichash_state* sodium_state(void* bytes) { return static_cast<crypto_generichash_state*>(bytes); }

}  // namespace

Hasher::Hasher() {
  static_assert(sizeof(crypto_generichash_state) <= sizeof(State::bytes));
  start_sodium();
  CRYPTOTL_ASSERT(crypto_generichash_init(sodium_state(state_.bytes.data()), nullptr, 0, sizeof(Digest)) ==
                  0);
}

Hasher& Hasher::add(ByteView bytes) {
  CRYPTOTL_ASSERT(crypto_generichash_update(sodium_state(state_.bytes.data()), bytes.data(), bytes.size()) ==
                  0);
  return *this;
}

Digest Hasher::finish() {
  Digest out;
  CRYPTOTL_ASSERT(crypto_generichash_final(sodium_state(state_.bytes.data()), out.data(), out.size()) == 0);
  return out;
}

Digest digest(ByteView bytes) { return Hasher().add(bytes).finish(); }

}  // namespace cryptotl

#include "object.h"

// Reads or refuses; what was read writes the same bytes and encrypts.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace cryptotl;
  static const ParamsPtr params = minute_params();
  const Bytes object = fuzzed_object({data, size}, ObjectKind::public_key, params);
  const auto key = read_public_key(object, params);
  if (!key.ok()) return 0;
  CRYPTOTL_ASSERT(write_public_key(*key) == object);
  const std::vector<int64_t> message(params->n());
  CRYPTOTL_ASSERT(encrypt_public(*key, message, 1, params->num_primes()).num_limbs() == params->num_primes());
  return 0;
}

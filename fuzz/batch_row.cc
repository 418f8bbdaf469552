#include "object.h"

// Reads or refuses; what was read writes the same bytes.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace cryptotl;
  static const ParamsPtr both[] = {minute_params(), minute_params(3, 1, 26)};
  for (const ParamsPtr& params : both) {
    const Bytes object = fuzzed_object({data, size}, ObjectKind::batch_row, params);
    for (size_t limbs = 1; limbs <= params->num_primes(); ++limbs) {
      RnsPolynomial c0(params->n(), limbs);
      std::vector<uint32_t*> out;
      for (size_t i = 0; i < limbs; ++i) out.push_back(c0.limb(i));
      KeyId key_id{};
      const auto place = read_batch_row(object, *params, out, &key_id);
      if (place.ok()) CRYPTOTL_ASSERT(write_batch_row(*params, key_id, *place, c0) == object);
    }
  }
  return 0;
}

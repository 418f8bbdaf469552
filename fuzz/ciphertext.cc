#include "object.h"

// Reads or refuses; what was read writes the same bytes.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace cryptotl;
  static const ParamsPtr params = minute_params();
  const Bytes object = fuzzed_object({data, size}, ObjectKind::ciphertext, params);
  const auto ciphertext = read_ciphertext(object, params);
  if (ciphertext.ok()) CRYPTOTL_ASSERT(write_ciphertext(*ciphertext) == object);
  return 0;
}

#include "object.h"

// Reads or refuses; what was read writes the same bytes.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace cryptotl;
  static const ParamsPtr both[] = {minute_params(), minute_params(3, 1, 26)};
  for (const ParamsPtr& params : both) {
    const Bytes object = fuzzed_object({data, size}, ObjectKind::evaluation_keys, params);
    const auto keys = read_evaluation_keys(object, params);
    if (keys.ok()) CRYPTOTL_ASSERT(write_evaluation_keys(*keys) == object);
  }
  return 0;
}

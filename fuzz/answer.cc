#include "object.h"

// Reads or refuses; what was read writes the same bytes.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace cryptotl;
  static const ParamsPtr params = minute_params();
  const Bytes object = fuzzed_object({data, size}, ObjectKind::answer, params);
  const auto answer = read_answer(object, params);
  if (answer.ok()) CRYPTOTL_ASSERT(write_answer(*answer) == object);
  return 0;
}

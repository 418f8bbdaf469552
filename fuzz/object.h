#pragma once

#include "ckks/test_params.h"
#include "cryptotl/ckks/wire.h"

namespace cryptotl {

/// What a fuzzer's input stands for: after a first byte of 0 the bytes of an object as they are; else its
/// payload, for which a header with the right length and digest is made, so that the parser behind is
/// reached.
inline Bytes fuzzed_object(ByteView input, ObjectKind kind, const ParamsPtr& params) {
  if (input.empty()) return {};
  const ByteView rest = input.subspan(1);
  if (input[0] == 0) return {rest.begin(), rest.end()};
  return write_object(kind, params->id(), KeyId{}, rest);
}

}  // namespace cryptotl

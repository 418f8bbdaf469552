#pragma once

#include "cryptotl/base/bytes.h"

namespace cryptotl {

/// Walks the fields of a serialized onnx::ModelProto without building anything. Refuses broken wire format
/// (malformed) and more messages, strings and nesting than a network of ours can need (too_large): a message
/// of two bytes takes a hundred in memory, so that without this a small file could ask for all of it.
Status scan_onnx(ByteView bytes);

}  // namespace cryptotl

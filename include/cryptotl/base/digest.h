#pragma once

#include <array>
#include <cstdint>

#include "cryptotl/base/bytes.h"

namespace cryptotl {

/// 32 bytes of BLAKE2b: names an object and finds corruption; it authenticates nothing.
using Digest = std::array<uint8_t, 32>;

/// BLAKE2b-256 of everything that is added, in order (RFC 7693, unkeyed).
class Hasher {
 public:
  Hasher();
  Hasher& add(ByteView bytes);
  Digest finish();

 private:
  struct alignas(64) State {
    std::array<uint8_t, 384> bytes;
  };
  State state_;
};

Digest digest(ByteView bytes);

}  // namespace cryptotl

#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "cryptotl/base/digest.h"

namespace cryptotl {

/// 32 bytes that stand for a stream of any length.
using Seed = std::array<uint8_t, 32>;

/// Fills the span from the operating system's CSPRNG (libsodium).
void random_bytes(std::span<uint8_t> out);
Seed random_seed();

/// A reproducible stream: ChaCha20 under the key BLAKE2b-256(seed; label). Two labels never share a stream,
/// so the label must name every use apart: version, purpose, parameters, key, Galois element, digit and limb.
class Xof {
 public:
  Xof(const Seed& seed, ByteView label);
  ~Xof();
  Xof(const Xof&) = delete;
  Xof& operator=(const Xof&) = delete;
  /// The next bytes of the stream.
  void fill(std::span<uint8_t> out);

 private:
  void refill();
  static constexpr size_t kBufferBytes = 4096;
  std::array<uint8_t, 32> key_;
  uint64_t block_ = 0;
  size_t used_ = kBufferBytes;
  alignas(64) std::array<uint8_t, kBufferBytes> buffer_;
};

/// Collects the fields of an Xof's label, each with its width, so that no two lists of fields give the same
/// bytes.
class Label {
 public:
  explicit Label(std::string_view purpose);
  Label& add(uint64_t field);
  Label& add(ByteView field);
  ByteView view() const { return bytes_; }

 private:
  Bytes bytes_;
};

}  // namespace cryptotl

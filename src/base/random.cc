#include "cryptotl/base/random.h"

#include <sodium.h>

#include <algorithm>
#include <limits>

#include "base/sodium.h"

namespace cryptotl {

void start_sodium() {
  static const int started = sodium_init();
  CRYPTOTL_ASSERT(started >= 0);
}

void random_bytes(std::span<uint8_t> out) {
  start_sodium();
  if (!out.empty()) randombytes_buf(out.data(), out.size());
}

Seed random_seed() {
  Seed seed;
  random_bytes(seed);
  return seed;
}

Xof::Xof(const Seed& seed, ByteView label) {
  start_sodium();
  CRYPTOTL_ASSERT(crypto_generichash(key_.data(), key_.size(), label.data(), label.size(), seed.data(),
                                     seed.size()) == 0);
}

Xof::~Xof() {
  sodium_memzero(key_.data(), key_.size());
  sodium_memzero(buffer_.data(), buffer_.size());
}

void Xof::refill() {
  static_assert(sizeof(buffer_) % 64 == 0);
  constexpr std::array<uint8_t, 8> kNonce = {};
  buffer_.fill(0);
  CRYPTOTL_ASSERT(crypto_stream_chacha20_xor_ic(buffer_.data(), buffer_.data(), buffer_.size(), kNonce.data(),
                                                block_, key_.data()) == 0);
  block_ += buffer_.size() / 64;
  used_ = 0;
}

void Xof::fill(std::span<uint8_t> out) {
  while (!out.empty()) {
    if (used_ == buffer_.size()) refill();
    const size_t count = std::min(out.size(), buffer_.size() - used_);
    std::copy_n(buffer_.data() + used_, count, out.data());
    used_ += count;
    out = out.subspan(count);
  }
}

Label::Label(std::string_view purpose) { add(as_bytes("cryptotl/1")).add(as_bytes(purpose)); }

Label& Label::add(uint64_t field) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(&field);
  return add(ByteView(bytes, sizeof(field)));
}

Label& Label::add(ByteView field) {
  CRYPTOTL_ASSERT(field.size() <= std::numeric_limits<uint32_t>::max());
  const auto size = static_cast<uint32_t>(field.size());
  const auto* bytes = reinterpret_cast<const uint8_t*>(&size);
  bytes_.insert(bytes_.end(), bytes, bytes + sizeof(size));
  bytes_.insert(bytes_.end(), field.begin(), field.end());
  return *this;
}

}  // namespace cryptotl

#include "cryptotl/base/secret_buffer.h"

#include <sodium.h>

#include <cstdlib>
#include <new>

namespace cryptotl {

void* allocate_secret(size_t bytes) {
  constexpr size_t kAlignment = 64;
  const size_t rounded = (bytes + kAlignment - 1) / kAlignment * kAlignment;
  void* memory = std::aligned_alloc(kAlignment, rounded == 0 ? kAlignment : rounded);
  if (memory == nullptr) throw std::bad_alloc();
  static_cast<void>(sodium_mlock(memory, bytes));  // best effort: unprivileged users have small limits
  sodium_memzero(memory, bytes);
  return memory;
}

void free_secret(void* memory, size_t bytes) noexcept {
  if (memory == nullptr) return;
  static_cast<void>(sodium_munlock(memory, bytes));
  sodium_memzero(memory, bytes);
  std::free(memory);
}

void wipe(std::span<uint8_t> bytes) noexcept { sodium_memzero(bytes.data(), bytes.size()); }

}  // namespace cryptotl

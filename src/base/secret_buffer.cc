#include "cryptotl/base/secret_buffer.h"

#include <sodium.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <new>

#include "base/sodium.h"

namespace cryptotl {
namespace {

// Locks do not nest and cover whole pages: were a page shared, freeing one buffer would unlock its neighbour.
size_t whole_pages(size_t bytes) {
  static const auto page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  return std::max<size_t>(1, (bytes + page - 1) / page) * page;
}

}  // namespace

void* allocate_secret(size_t count, size_t element_bytes) {
  if (count > std::numeric_limits<ptrdiff_t>::max() / element_bytes) throw std::bad_array_new_length();
  start_sodium();
  const size_t bytes = whole_pages(count * element_bytes);
  void* memory = std::aligned_alloc(whole_pages(0), bytes);
  if (memory == nullptr) throw std::bad_alloc();
  static_cast<void>(sodium_mlock(memory, bytes));  // best effort: unprivileged users have small limits
  sodium_memzero(memory, bytes);
  return memory;
}

void free_secret(void* memory, size_t bytes) noexcept {
  if (memory == nullptr) return;
  static_cast<void>(sodium_munlock(memory, whole_pages(bytes)));  // wipes first, whether it was locked or not
  std::free(memory);
}

void wipe(std::span<uint8_t> bytes) noexcept { sodium_memzero(bytes.data(), bytes.size()); }

}  // namespace cryptotl

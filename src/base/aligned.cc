#include "cryptotl/base/aligned.h"

#include <sys/mman.h>

#include <cstdlib>

namespace cryptotl {

void* allocate_aligned(size_t bytes) {
  constexpr size_t kLine = 64;
  constexpr size_t kHugePage = size_t{2} << 20;
  const size_t alignment = bytes >= kHugePage ? kHugePage : kLine;
  const size_t rounded = (bytes + kLine - 1) / kLine * kLine;
  void* memory = nullptr;
  if (posix_memalign(&memory, alignment, rounded == 0 ? kLine : rounded) != 0) throw std::bad_alloc();
  // Advice only: streams of megabytes spare most of their TLB misses where the system follows it.
  if (bytes >= kHugePage) static_cast<void>(madvise(memory, rounded, MADV_HUGEPAGE));
  return memory;
}

void free_aligned(void* memory) noexcept { std::free(memory); }

}  // namespace cryptotl

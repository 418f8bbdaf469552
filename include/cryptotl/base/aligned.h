#pragma once

#include <cstddef>
#include <vector>

namespace cryptotl {

/// Gives memory on 64-byte boundaries; large blocks on 2 MiB ones, advised to be huge pages.
void* allocate_aligned(size_t bytes);
void free_aligned(void* memory) noexcept;

template <typename T>
struct AlignedAllocator {
  using value_type = T;
  AlignedAllocator() = default;
  template <typename U>
  AlignedAllocator(const AlignedAllocator<U>&) {}
  T* allocate(size_t count) { return static_cast<T*>(allocate_aligned(count * sizeof(T))); }
  void deallocate(T* memory, size_t) noexcept { free_aligned(memory); }
  bool operator==(const AlignedAllocator&) const { return true; }
};

template <typename T>
using AlignedVector = std::vector<T, AlignedAllocator<T>>;

}  // namespace cryptotl

#include "cryptotl/base/aligned.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <new>
#include <stdexcept>

namespace cryptotl {
namespace {

size_t address(const void* memory) { return reinterpret_cast<uintptr_t>(memory); }

TEST(AllocateAlignedTest, ThrowsWhereThereIsNotThatMuchMemory) {
  EXPECT_THROW(free_aligned(allocate_aligned(size_t{1} << 62)), std::bad_alloc);
  EXPECT_THROW(AlignedVector<double>(std::numeric_limits<size_t>::max() / 8), std::length_error);
}

TEST(AllocateAlignedTest, GivesWholeCacheLinesThatMayBeWritten) {
  for (const size_t bytes : {0u, 1u, 63u, 64u, 65u, 100000u}) {
    void* memory = allocate_aligned(bytes);
    EXPECT_EQ(address(memory) % 64, 0u) << bytes;
    for (size_t i = 0; i < bytes; ++i) static_cast<uint8_t*>(memory)[i] = 1;
    free_aligned(memory);
  }
}

TEST(AllocateAlignedTest, GivesHugePagesToLargeBlocks) {
  for (const size_t bytes : {size_t{2} << 20, (size_t{5} << 20) + 1}) {
    void* memory = allocate_aligned(bytes);
    EXPECT_EQ(address(memory) % (size_t{2} << 20), 0u) << bytes;
    static_cast<uint8_t*>(memory)[bytes - 1] = 1;
    free_aligned(memory);
  }
}

TEST(AlignedVectorTest, StaysAlignedAndKeepsItsValuesAsItGrows) {
  AlignedVector<uint32_t> numbers;
  for (uint32_t i = 0; i < 1000000; ++i) {
    numbers.push_back(i);
    if ((i & (i + 1)) == 0) {
      EXPECT_EQ(address(numbers.data()) % 64, 0u);
    }
  }
  for (uint32_t i = 0; i < numbers.size(); ++i) ASSERT_EQ(numbers[i], i);
  AlignedVector<uint32_t> moved = std::move(numbers);
  EXPECT_EQ(moved.size(), 1000000u);
}

}  // namespace
}  // namespace cryptotl

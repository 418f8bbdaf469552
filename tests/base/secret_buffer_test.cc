#include "cryptotl/base/secret_buffer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <fstream>
#include <limits>
#include <new>
#include <optional>
#include <ostream>
#include <string>

#include "base/faults.h"

namespace cryptotl {
namespace {

using Buffer = SecretBuffer<uint32_t>;

template <typename T>
concept Printable = requires(std::ostream& out, const T& value) {
  out << value;
};

static_assert(!std::is_copy_constructible_v<Buffer> && !std::is_copy_assignable_v<Buffer>);
static_assert(std::is_nothrow_move_constructible_v<Buffer> && std::is_nothrow_move_assignable_v<Buffer>);
static_assert(!Printable<Buffer> && Printable<int>);

Buffer filled(size_t count) {
  Buffer buffer(count);
  for (size_t i = 0; i < count; ++i) buffer[i] = 0xdeadbeef;
  return buffer;
}

size_t locked_kibibytes() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    size_t number = 0;
    if (word == "VmLck:" && status >> number) return number;
  }
  return 0;
}

TEST(SecretBufferTest, RefusesACountWhoseBytesDoNotFitASize) {
  EXPECT_THROW(Buffer(std::numeric_limits<size_t>::max() / 4 + 2), std::bad_alloc);
  EXPECT_THROW(Buffer(std::numeric_limits<size_t>::max() / 8), std::bad_alloc);
}

TEST(SecretBufferTest, StartsWithZeros) {
  for (int round = 0; round < 3; ++round) {
    Buffer buffer(1000);
    EXPECT_THAT(buffer.span(), testing::Each(0u));
    for (uint32_t& value : buffer.span()) value = 1;
  }
}

TEST(SecretBufferTest, IsWipedBeforeItsMemoryIsFreed) {
  for (const size_t count : {1u, 15u, 1024u, 8192u}) {
    std::optional<Buffer> buffer = filled(count);
    const FreeWatch watch(buffer->data(), count * sizeof(uint32_t));
    buffer.reset();
    EXPECT_TRUE(watch.freed());
    EXPECT_TRUE(watch.was_zero());
  }
}

TEST(SecretBufferTest, IsWipedWhenAnExceptionPassesIt) {
  std::optional<FreeWatch> watch;
  try {
    const Buffer buffer = filled(100);
    watch.emplace(buffer.data(), 400);
    throw 1;
  } catch (int) {
  }
  EXPECT_TRUE(watch->freed() && watch->was_zero());
}

TEST(SecretBufferTest, IsWipedAtOnceWhenAnotherOneIsMovedIntoIt) {
  Buffer target = filled(64);
  Buffer source = filled(32);
  const FreeWatch watch(target.data(), 256);
  target = std::move(source);
  EXPECT_TRUE(watch.freed() && watch.was_zero());
  EXPECT_EQ(target.size(), 32u);
  EXPECT_EQ(target[31], 0xdeadbeef);
}

TEST(SecretBufferTest, HandsItsMemoryOnWhenMovedAndIsEmptyThen) {
  Buffer source = filled(8);
  const uint32_t* memory = source.data();
  Buffer target = std::move(source);
  EXPECT_EQ(target.data(), memory);
  EXPECT_EQ(source.data(), nullptr);  // NOLINT(bugprone-use-after-move): that is the test
  EXPECT_EQ(source.size(), 0u);
  Buffer& same = target;
  target = std::move(same);
  EXPECT_EQ(target.data(), memory);
}

TEST(SecretBufferTest, MayBeEmpty) {
  EXPECT_EQ(Buffer().size(), 0u);
  EXPECT_EQ(Buffer(0).span().size(), 0u);
}

TEST(SecretBufferTest, DoesNotUnlockItsNeighboursWhenItDies) {
  const size_t before = locked_kibibytes();
  const Buffer kept(16);
  const size_t with_one = locked_kibibytes();
  if (with_one == before) GTEST_SKIP() << "this system lets us lock no memory";
  for (int i = 0; i < 4; ++i) Buffer(16);
  EXPECT_EQ(locked_kibibytes(), with_one);
}

TEST(WipeTest, OverwritesOrdinaryMemory) {
  std::array<uint8_t, 100> bytes;
  bytes.fill(0xff);
  wipe(std::span(bytes).subspan(1, 98));
  EXPECT_EQ(bytes.front(), 0xff);
  EXPECT_EQ(bytes.back(), 0xff);
  EXPECT_THAT(std::span(bytes).subspan(1, 98), testing::Each(0));
}

}  // namespace
}  // namespace cryptotl

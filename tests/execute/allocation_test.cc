// A pass works in memory that its runner has: what is allocated during one is its answer.
// AddressSanitizer has an operator new of its own.
#if !defined(__SANITIZE_ADDRESS__)

#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "execute/encrypted_network.h"

namespace {

std::atomic<bool> counting = false;
std::atomic<size_t> allocations = 0;

}  // namespace

// The compiler takes these for the library's where it does not put them in place.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

void* operator new(size_t bytes) {
  if (counting) ++allocations;
  if (void* memory = std::malloc(bytes == 0 ? 1 : bytes)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }

namespace cryptotl {
namespace {

TEST(AllocationTest, APassAllocatesNothingButItsAnswer) {
  EncryptedNetwork both(random_network(40, 30, 20, 1), uniform_rows(50, 40, 2));
  const Ciphertext input = both.encrypted(uniform_rows(1, 40, 3).row(0));
  const Ticket ticket = both.runner.prepare(*input.seed, *both.keys);
  for (const Ticket* with : {static_cast<const Ticket*>(nullptr), &ticket}) {
    const auto first = both.runner.run(input, *both.keys, with);
    counting = true;
    allocations = 0;
    const auto second = both.runner.run(input, *both.keys, with);
    counting = false;
    // The answer in its two forms: polynomials are aligned memory, which is not counted, but few lists are.
    // Its masks: what names their stream, field by field, and the encoder's lists.
    EXPECT_LE(allocations, 28u) << (with == nullptr ? "cold" : "prepared");
  }
}

}  // namespace
}  // namespace cryptotl

#endif

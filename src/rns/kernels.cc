#include "cryptotl/rns/kernels.h"

#include <array>
#include <atomic>
#include <cstdlib>
#include <string>

#include "cryptotl/base/error.h"
#include "rns/kernels/tables.h"

#if defined(CRYPTOTL_X86_KERNELS)
#include <cpuid.h>
#endif

namespace cryptotl {
namespace {

struct Available {
  std::array<const KernelTable*, 3> tables = {&scalar_kernels};
  size_t count = 1;
};

#if defined(CRYPTOTL_X86_KERNELS)

// Which vector registers the operating system saves; a processor's own feature bits do not tell.
uint64_t extended_control_register() {
  uint32_t low = 0, high = 0;
  asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return static_cast<uint64_t>(high) << 32 | low;
}

Available detect() {
  constexpr uint64_t kAvxState = 0x06;     // SSE and AVX registers
  constexpr uint64_t kAvx512State = 0xe6;  // and mask registers, upper halves, upper sixteen
  constexpr uint32_t kAvx2 = 1u << 5;
  constexpr uint32_t kAvx512 = 1u << 16 | 1u << 17 | 1u << 30 | 1u << 31;  // F, DQ, BW, VL

  Available available;
  uint32_t eax = 0, ebx = 0, ecx = 0, edx = 0;
  if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx) || !(ecx & bit_OSXSAVE)) return available;
  const uint64_t saved = extended_control_register();
  if (!__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx)) return available;
  if ((saved & kAvxState) == kAvxState && (ebx & kAvx2)) available.tables[available.count++] = &avx2_kernels;
  if ((saved & kAvx512State) == kAvx512State && (ebx & kAvx512) == kAvx512) {
    available.tables[available.count++] = &avx512_kernels;
  }
  return available;
}

#else

Available detect() { return {}; }

#endif

const KernelTable& find(std::string_view name) {
  std::string known;
  for (const KernelTable* table : available_kernels()) {
    if (table->name == name) return *table;
    known += known.empty() ? "" : ", ";
    known += table->name;
  }
  throw Error(ErrorCode::invalid_argument,
              "kernels '" + std::string(name) + "': this machine runs " + known + " only");
}

const KernelTable& preferred() {
  const char* const forced = std::getenv("CRYPTOTL_ISA");
  return forced != nullptr ? find(forced) : *available_kernels().back();
}

constinit std::atomic<const KernelTable*> chosen = nullptr;

}  // namespace

const KernelTable& kernels() {
  const KernelTable* table = chosen.load(std::memory_order_relaxed);
  if (table == nullptr) {
    table = &preferred();  // the same for every thread that comes here at once
    chosen.store(table, std::memory_order_relaxed);
  }
  return *table;
}

std::span<const KernelTable* const> available_kernels() {
  static const Available available = detect();
  return {available.tables.data(), available.count};
}

void select_kernels(std::string_view name) { chosen.store(&find(name), std::memory_order_relaxed); }

}  // namespace cryptotl

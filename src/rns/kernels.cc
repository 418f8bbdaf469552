#include "cryptotl/rns/kernels.h"

#include <array>
#include <atomic>
#include <cstdlib>

#include "rns/find_kernel.h"
#include "rns/kernels/tables.h"
#include "rns/processor.h"

namespace cryptotl {
namespace {

struct Available {
  std::array<const KernelTable*, 3> tables = {&scalar_kernels};
  size_t count = 1;
};

Available detect() {
  Available available;
#if defined(CRYPTOTL_X86_KERNELS)
  const ProcessorFeatures features = processor_features();
  if (features.avx2) available.tables[available.count++] = &avx2_kernels;
  if (features.avx512) available.tables[available.count++] = &avx512_kernels;
#endif
  return available;
}

const KernelTable& find(std::string_view wanted) {
  return find_kernel(available_kernels(), "kernels", wanted);
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

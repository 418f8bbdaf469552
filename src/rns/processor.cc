#include "rns/processor.h"

#include <cstdint>

#if defined(CRYPTOTL_X86_KERNELS)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace cryptotl {

#if defined(CRYPTOTL_X86_KERNELS)

namespace {

// Which vector registers the operating system saves; a processor's own feature bits do not tell.
uint64_t extended_control_register() {
  uint32_t low = 0, high = 0;
  asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return static_cast<uint64_t>(high) << 32 | low;
}

/// Linux gives a process the tiles' large state when it asks for it.
bool may_use_tiles() {
#if defined(__linux__)
  constexpr long kRequestPermission = 0x1023;  // ARCH_REQ_XCOMP_PERM
  constexpr long kTileData = 18;               // XFEATURE_XTILEDATA
  return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
#else
  return false;
#endif
}

}  // namespace

ProcessorFeatures processor_features() {
  constexpr uint64_t kAvxState = 0x06;     // SSE and AVX registers
  constexpr uint64_t kAvx512State = 0xe6;  // and mask registers, upper halves, upper sixteen
  constexpr uint32_t kAvx2 = 1u << 5;
  constexpr uint32_t kAvx512 = 1u << 16 | 1u << 17 | 1u << 30 | 1u << 31;  // F, DQ, BW, VL
  constexpr uint32_t kIfma = 1u << 21;
  constexpr uint32_t kVnni = 1u << 11;
  constexpr uint64_t kTileState = 0x60000;          // their configuration and their data
  constexpr uint32_t kTiles = 1u << 24 | 1u << 25;  // AMX-TILE, AMX-INT8

  ProcessorFeatures out;
  uint32_t eax = 0, ebx = 0, ecx = 0, edx = 0;
  if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx) || !(ecx & bit_OSXSAVE)) return out;
  const uint64_t saved = extended_control_register();
  if (!__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx)) return out;
  out.avx2 = (saved & kAvxState) == kAvxState && (ebx & kAvx2);
  out.avx512 = (saved & kAvx512State) == kAvx512State && (ebx & kAvx512) == kAvx512;
  out.ifma = out.avx512 && (ebx & kIfma);
  out.vnni = out.avx512 && (ecx & kVnni);
  out.amx = out.avx512 && (saved & kTileState) == kTileState && (edx & kTiles) == kTiles && may_use_tiles();
  return out;
}

#else

ProcessorFeatures processor_features() { return {}; }

#endif

}  // namespace cryptotl

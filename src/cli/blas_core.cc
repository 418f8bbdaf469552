#include "cli/blas_core.h"

#include <dlfcn.h>
#include <unistd.h>

#include <cstdlib>
#include <string_view>

#include "cryptotl/rns/kernels.h"

namespace cryptotl {
namespace {

/// What OpenBLAS calls its kernels for these instruction sets; null for those that it uses anyway.
const char* core_for(std::string_view kernels) {
  if (kernels == "avx512") return "SkylakeX";
  if (kernels == "avx2") return "Haswell";
  return nullptr;
}

}  // namespace

void restart_with_better_blas_core(char** arguments) {
  constexpr const char* kVariable = "OPENBLAS_CORETYPE";
  if (std::getenv(kVariable) != nullptr || arguments[0] == nullptr) return;
  using CoreName = char* (*)();
  const auto core_name = reinterpret_cast<CoreName>(dlsym(RTLD_DEFAULT, "openblas_get_corename"));
  if (core_name == nullptr || std::string_view(core_name()) != "Prescott") return;
  const char* const better = core_for(available_kernels().back()->name);
  if (better == nullptr || setenv(kVariable, better, 0) != 0) return;
  execv("/proc/self/exe", arguments);
}

}  // namespace cryptotl

#include "training_backend.h"

#include <dlfcn.h>

#include "cryptotl/base/error.h"

namespace cryptotl {
namespace {

const TrainingBackend* load() {
  // It stays loaded until the process ends.
  void* const library = dlopen(CRYPTOTL_TORCH_LIBRARY, RTLD_LAZY);
  using Door = const TrainingBackend* (*)();
  const auto door =
      library == nullptr ? nullptr : reinterpret_cast<Door>(dlsym(library, "cryptotl_training_backend"));
  if (door == nullptr) {
    throw Error(ErrorCode::not_found, "training needs " CRYPTOTL_TORCH_LIBRARY ", which does not load (" +
                                          std::string(dlerror()) +
                                          "); install the Debian package libtorch-dev or CryptoTL anew");
  }
  return door();
}

}  // namespace

const TrainingBackend& training_backend() {
  static const TrainingBackend* const backend = load();
  return *backend;
}

}  // namespace cryptotl

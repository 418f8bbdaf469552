#include "cryptotl/ckks/encrypted_inputs.h"

#include <unistd.h>

#include <filesystem>

#include "object.h"

// Reads or refuses, the file and then each input in it; what a ciphertext was read as writes the same bytes.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace cryptotl;
  static const ParamsPtr params = minute_params();
  static const std::filesystem::path path =
      std::filesystem::temp_directory_path() / ("cryptotl-fuzz-" + std::to_string(::getpid()));
  write_file(path, fuzzed_object({data, size}, ObjectKind::encrypted_inputs, params)).value();
  const auto inputs = EncryptedInputs::open(path, params, 1);
  std::filesystem::remove(path);
  if (!inputs.ok()) return 0;
  for (size_t i = 0; i < inputs->count(); ++i) {
    const auto bytes = inputs->ciphertext(i);
    if (bytes.ok()) CRYPTOTL_ASSERT(write_ciphertext(read_ciphertext(*bytes, params).value()) == *bytes);
  }
  return 0;
}

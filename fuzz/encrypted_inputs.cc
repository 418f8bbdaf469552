#include "cryptotl/ckks/encrypted_inputs.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "object.h"

// Reads or refuses, the file and then each input in it; what a ciphertext was read as writes the same bytes.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace cryptotl;
  static const ParamsPtr params = minute_params();
  static const std::filesystem::path path =
      std::filesystem::temp_directory_path() / ("cryptotl-fuzz-" + std::to_string(::getpid()));
  const Bytes bytes = fuzzed_object({data, size}, ObjectKind::encrypted_inputs, params);
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  const auto inputs = EncryptedInputs::open(path, params, 1);
  std::filesystem::remove(path);
  if (!inputs.ok() || !inputs->verify().ok()) return 0;
  for (size_t i = 0; i < inputs->count(); ++i) {
    const auto one = inputs->ciphertext(i);
    if (one.ok()) CRYPTOTL_ASSERT(write_ciphertext(read_ciphertext(*one, params).value()) == *one);
  }
  return 0;
}

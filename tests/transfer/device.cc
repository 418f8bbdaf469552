// A device that encrypts and can do nothing else: what it links shows what encrypting reaches
// (device_test.sh). usage: device PLAN PUBLIC_KEY DATA OUT

#include <iostream>

#include "cryptotl/transfer/input_encryption.h"
#include "cryptotl/transfer/plan_file.h"

int main(int argc, char** argv) {
  using namespace cryptotl;
  if (argc != 5) return 2;
  try {
    const ModelMetadata model = read_plan_file(argv[1]).value();
    const PublicKey key = read_public_key_file(argv[2], model.params).value();
    TableOptions options;
    options.expects_labels = false;
    encrypt_inputs(model, key, read_examples(argv[3], options, std::nullopt).value(), argv[4]);
    return 0;
  } catch (const Error& error) {
    std::cerr << error.what() << std::endl;
    return exit_code(error.code());
  }
}

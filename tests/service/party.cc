// The data owner's part beside a client in another language, for public_client.py:
//   party write-model DIR | keys DIR OWNER | encrypt DIR OWNER REQUEST | check DIR OWNER ANSWER
// OWNER is a folder; `keys` puts the secret key and the evaluation keys there.
#include "service/party.h"

#include <iostream>

#include "cryptotl/base/file.h"
#include "cryptotl/ckks/secret_key_file.h"
#include "cryptotl/plan/planner.h"

namespace cryptotl {
namespace {

namespace fs = std::filesystem;

int run(const std::string& verb, const fs::path& folder, const fs::path& owner, const fs::path& file) {
  if (verb == "write-model") {
    save_model(folder, small_model()).value();
    return 0;
  }
  const Model model = load_model(folder).value();
  const LatencyPlan plan = plan_latency(fold(model.lower).value(), model.calibration).value();
  const ParamsPtr params = Params::create(plan.params).value();
  const Encoder encoder(params->log_n());
  const Matrix rows = uniform_rows(1, plan.input_width(), 17);
  if (verb == "keys") {
    fs::create_directories(owner);
    const SecretKey secret = SecretKey::generate(params);
    write_secret_key(owner / "secret", secret).value();
    const Bytes keys =
        write_key_set(make_evaluation_keys(secret, required_keys(plan)), make_public_key(secret));
    write_file(owner / "evaluation", keys).value();
    std::cout << hex(digest(keys)) << std::endl;
    return 0;
  }
  const SecretKey secret = read_secret_key(owner / "secret", params).value();
  if (verb == "encrypt") {
    const auto coefficients = encoder.encode_message(pack_input(plan.packing, rows.row(0)), plan.input_scale);
    write_file(file, write_ciphertext(encrypt(secret, coefficients, plan.input_scale, plan.top_limbs())))
        .value();
    return 0;
  }
  const SwitchedCiphertext answer = read_answer(read_file(file).value(), params).value();
  const auto outputs = unpack_output(plan.packing, encoder.decode(decrypt(secret, answer), answer.scale));
  const auto expected = forward(model.lower, rows.row(0));
  for (size_t i = 0; i < expected.size(); ++i) {
    if (!(std::abs(outputs[i] - expected[i]) <= plan.predicted_error)) {
      std::cerr << "output " << i << " is " << outputs[i] << " where " << expected[i] << " is right"
                << std::endl;
      return 1;
    }
  }
  return verb == "check" ? 0 : 2;
}

}  // namespace
}  // namespace cryptotl

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  const auto argument = [&](int i) {
    return i < argc ? std::filesystem::path(argv[i]) : std::filesystem::path();
  };
  try {
    return cryptotl::run(argv[1], argument(2), argument(3), argument(4));
  } catch (const std::exception& error) {
    std::cerr << error.what() << std::endl;
    return 1;
  }
}

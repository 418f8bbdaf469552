// Lets a test drive this engine with objects of Microsoft SEAL: each command reads and writes SEAL's files.
// Values are files of doubles, real and imaginary part of each slot in turn.

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <span>
#include <sstream>
#include <string>
#include <string_view>

#include "ckks/test_params.h"
#include "cryptotl/base/file.h"
#include "cryptotl/ckks/evaluator.h"
#include "cryptotl/ckks/noise.h"
#include "cryptotl/ckks/public_key.h"
#include "cryptotl/ckks/secret_key.h"
#include "cryptotl/ckks/secret_key_file.h"
#include "cryptotl/ckks/wire.h"
#include "oracle/seal_format.h"

namespace cryptotl {
namespace {

using Path = std::filesystem::path;

constexpr double kScale = 0x1p40;
constexpr double kPlaintextScale = 0x1p30;
constexpr int kSteps[] = {1, -3};

Bytes read(const Path& path) { return read_file(path).value(); }
void write(const Path& path, ByteView bytes) { write_file(path, bytes).value(); }

std::vector<Complex> read_values(const Path& path) {
  const Bytes bytes = read(path);
  std::vector<Complex> values(bytes.size() / sizeof(Complex));
  std::memcpy(values.data(), bytes.data(), values.size() * sizeof(Complex));
  return values;
}

void write_values(const Path& path, std::span<const Complex> values) {
  write(path, {reinterpret_cast<const uint8_t*>(values.data()), values.size_bytes()});
}

/// Lines of a number of primes and SEAL's four words.
SealContext read_context(const Path& path) {
  SealContext context{fast_params(), {}};
  const Bytes bytes = read(path);
  std::istringstream lines{std::string(as_text(bytes))};
  size_t primes = 0;
  while (lines >> primes) {
    for (uint64_t& word : context.parms_ids[primes]) lines >> word;
  }
  return context;
}

/// The parameters that both sides use, and the noise of each operation in a slot's component.
void describe() {
  const ParamsPtr params = fast_params();
  std::vector<uint32_t> primes = params->spec().primes;
  primes.push_back(params->spec().special_primes[0]);
  const size_t n = params->n();
  const nlohmann::json out = {
      {"n", n},
      {"primes", primes},
      {"scale", kScale},
      {"plaintext_scale", kPlaintextScale},
      {"steps", kSteps},
      {"noise",
       {{"encoding", slot_deviation(encoding_noise(), n)},
        {"fresh", slot_deviation(fresh_noise(), n)},
        {"fresh_public", slot_deviation(fresh_public_noise(n), n)},
        {"rescale", slot_deviation(rescale_noise(n), n)},
        {"key_switch", slot_deviation(key_switch_noise(*params, params->num_primes()), n)}}},
  };
  std::puts(out.dump().c_str());
}

/// Everything that SEAL needs to compute on what we encrypt: keys and ciphertexts, all through our own wire
/// format.
void make(const SealContext& context, const Path& folder) {
  const ParamsPtr& params = context.params;
  const size_t limbs = params->num_primes();
  const SecretKey secret = SecretKey::generate(params);
  write_secret_key(folder / "secret.key", secret).value();
  write(folder / "secret.seal", write_seal(context, secret));
  const PublicKey public_key = read_public_key(write_public_key(make_public_key(secret)), params).value();
  write(folder / "public.seal", write_seal(context, public_key));

  std::vector<KeyRequest> requests = {{kRelinearisation, limbs},
                                      {galois_element_of_conjugation(params->log_n()), limbs}};
  for (const int step : kSteps)
    requests.push_back({galois_element_of_rotation(step, params->log_n()), limbs});
  const EvaluationKeys keys =
      read_evaluation_keys(write_evaluation_keys(make_evaluation_keys(secret, requests)), params).value();
  write(folder / "relin.seal", write_seal_relinearisation_keys(context, keys));
  write(folder / "galois.seal", write_seal_galois_keys(context, keys));

  const Evaluator evaluator(params);
  const std::vector<Complex> x = read_values(folder / "x.values");
  const std::vector<Complex> y = read_values(folder / "y.values");
  const auto sent = [&](const Ciphertext& ciphertext) {
    return write_seal(context, read_ciphertext(write_ciphertext(ciphertext), params).value());
  };
  write(folder / "x.seal", sent(encrypt(secret, evaluator.encoder().encode(x, kScale), kScale, limbs)));
  write(folder / "y.seal",
        sent(encrypt_public(public_key, evaluator.encoder().encode(y, kScale), kScale, limbs)));
  write(folder / "plain.seal", write_seal(context, evaluator.encode(y, kPlaintextScale, limbs)));
}

void add_key(Evaluator& evaluator, const SealSwitchingKey& key) {
  for (size_t limbs = 2; limbs <= key.request.limbs; ++limbs)
    evaluator.add_key(PreparedKey(evaluator.params(), key.request, key.b, key.a, limbs));
}

/// Each operation on what SEAL encrypted, with SEAL's keys.
void evaluate(const SealContext& context, const Path& in, const Path& out) {
  const KeyId key_id = {};
  Evaluator evaluator(context.params);
  add_key(evaluator, read_seal_relinearisation_key(context, read(in / "relin.seal")));
  for (const SealSwitchingKey& key : read_seal_galois_keys(context, read(in / "galois.seal")))
    add_key(evaluator, key);
  const Ciphertext x = read_seal_ciphertext(context, read(in / "x.seal"), key_id);
  const Ciphertext y = read_seal_ciphertext(context, read(in / "y.seal"), key_id);
  const Plaintext plain = read_seal_plaintext(context, read(in / "plain.seal"));
  const auto save = [&](const std::string& name, const Ciphertext& ciphertext) {
    write(out / (name + ".seal"), write_seal(context, ciphertext));
  };
  save("same", x);
  save("add", evaluator.add(x, y));
  save("subtract", evaluator.subtract(x, y));
  save("negate", evaluator.negate(x));
  save("multiply_plain", evaluator.multiply_plain(x, plain));
  const Ciphertext product = evaluator.multiply(x, y);
  save("multiply", product);
  const Ciphertext relinearised = evaluator.relinearise(product);
  save("relinearise", relinearised);
  const Ciphertext rescaled = evaluator.rescale(relinearised);
  save("rescale", rescaled);
  save("conjugate", evaluator.conjugate(x));
  const std::vector<Ciphertext> hoisted = evaluator.rotate_hoisted(x, kSteps);
  for (size_t i = 0; i < std::size(kSteps); ++i) {
    const std::string step = std::to_string(kSteps[i]);
    save("rotate" + step, evaluator.rotate(x, kSteps[i]));
    save("hoisted" + step, hoisted[i]);
    save("low_rotate" + step, evaluator.rotate(rescaled, kSteps[i]));
  }
}

void decrypt_all(const SealContext& context, const SecretKey& secret, std::span<char* const> files) {
  const Encoder encoder(context.params->log_n());
  for (const Path file : files) {
    const Ciphertext ciphertext = read_seal_ciphertext(context, read(file), secret.id());
    write_values(Path(file).replace_extension("values"),
                 encoder.decode(decrypt(secret, ciphertext), ciphertext.scale));
  }
}

constexpr const char* kUsage =
    "usage: cryptotl_seal_oracle describe | make PARMS_IDS FOLDER | evaluate PARMS_IDS IN OUT |\n"
    "       decrypt PARMS_IDS KEY FILE.seal... | decrypt-with-seal-key PARMS_IDS SECRET.seal FILE.seal...";

int run(std::span<char* const> arguments) {
  const std::string_view command = arguments.empty() ? "" : arguments[0];
  if (command == "describe" && arguments.size() == 1) {
    describe();
    return 0;
  }
  if (arguments.size() < 3) {
    std::fputs(kUsage, stderr);
    return 2;
  }
  const SealContext context = read_context(arguments[1]);
  const Path path = arguments[2];
  const std::span<char* const> rest = arguments.subspan(3);
  if (command == "make" && rest.empty()) {
    make(context, path);
  } else if (command == "evaluate" && rest.size() == 1) {
    evaluate(context, path, rest[0]);
  } else if (command == "decrypt") {
    decrypt_all(context, read_secret_key(path, context.params).value(), rest);
  } else if (command == "decrypt-with-seal-key") {
    decrypt_all(context, read_seal_secret_key(context, read(path), KeyId{}), rest);
  } else {
    std::fputs(kUsage, stderr);
    return 2;
  }
  return 0;
}

}  // namespace
}  // namespace cryptotl

int main(int argc, char** argv) {
  try {
    return cryptotl::run(std::span<char* const>(argv, static_cast<size_t>(argc)).subspan(1));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "cryptotl_seal_oracle: %s\n", error.what());
    return 1;
  }
}

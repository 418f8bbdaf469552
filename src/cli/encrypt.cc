#include "cli/command.h"
#include "cryptotl/service/client.h"
#include "cryptotl/transfer/input_encryption.h"
#include "cryptotl/transfer/plan_file.h"
#include "cryptotl/transfer/temporary_folder.h"

namespace cryptotl {
namespace {

struct Options {
  DataOptions data;
  std::string server, plan, public_key, out;
  bool force = false;
};

void define(CLI::App& verb, Options& options) {
  options.data.define(verb);
  CLI::Option* const server =
      verb.add_option("--server", options.server, "http://HOST:PORT, to ask for its plan");
  verb.add_option("--plan", options.plan, "plan.json of keygen, where the server is out of reach")
      ->excludes(server);
  verb.add_option("--public", options.public_key, "public.key of keygen, of the one who may decrypt")
      ->required();
  verb.add_option("--out", options.out, "file of encrypted inputs to be made")->required();
  add_force(verb, options.force);
}

ModelMetadata model_of(const Options& options) {
  if (options.server.empty() && options.plan.empty()) {
    throw Error(ErrorCode::invalid_argument,
                "--server or --plan is missing: one of them tells how to encrypt");
  }
  if (!options.plan.empty()) return read_plan_file(options.plan).value();
  ClientOptions connection;
  connection.answers = std::nullopt;  // as keygen does
  return ServiceClient::connect(options.server, connection).value().metadata();
}

Outcome work(const CommandLine& line, const Options& options) {
  check_output_file(options.out, options.force).value();
  const ModelMetadata model = model_of(options);
  const PublicKey key = read_public_key_file(options.public_key, model.params).value();
  const Examples examples = options.data.read(false);
  ProgressBar bar("encrypting", line.quiet);
  const EncryptedRows rows = encrypt_inputs(model, key, examples, options.out, bar.function());
  std::vector<std::string> warnings;
  if (const auto warning = clip_warning(model, rows.clipped)) warnings.push_back(*warning);
  for (const std::string& warning : warnings) warn(warning);
  const std::string key_id = hex(key.key_id);
  const std::string fingerprint = hex(rows.header.public_key);
  return {{{"out", options.out},
           {"rows", rows.header.count},
           {"ciphertext_bytes", rows.header.ciphertext_bytes},
           {"key_id", key_id},
           {"public_key_fingerprint", fingerprint},
           {"model_digest", hex(model.model_digest)},
           {"plan_digest", hex(rows.header.plan)},
           {"predicted_error", model.plan.predicted_error_public},
           {"warnings", warnings}},
          options.out + ": " + std::to_string(rows.header.count) + " rows for the owner of key " + key_id +
              " alone; fingerprint " + fingerprint + "\n"};
}

}  // namespace

void add_encrypt(CLI::App& app, CommandLine& line) {
  add_verb<Options>(app, line, "encrypt",
                    "encrypt examples for the owner of a public key, on a device that holds no secret key",
                    "cryptotl encrypt --plan keys/plan.json --public keys/public.key --data new.csv --out "
                    "inputs.ctl",
                    define, work);
}

}  // namespace cryptotl

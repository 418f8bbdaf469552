#include "cli/command.h"
#include "cli/table.h"
#include "cryptotl/transfer/client_keys.h"
#include "cryptotl/transfer/temporary_folder.h"

namespace cryptotl {
namespace {

struct Options {
  std::string server, keys;
  bool server_only = false;
  bool force = false;
};

void define(CLI::App& verb, Options& options) {
  verb.add_option("--server", options.server, "http://HOST:PORT")->required();
  verb.add_option(
          "--keys", options.keys,
          "folder of the keys to be made; secret.key in it stays with you, public.key and plan.json are "
          "for devices that encrypt for you")
      ->required();
  verb.add_flag("--server-only", options.server_only,
                "keys for predict --server-only: for the provider's own scores instead of features");
  add_force(verb, options.force);
}

Outcome work(const CommandLine& line, const Options& options) {
  StagedFolder::begin(options.keys, kKeyFiles, options.force).value();
  ClientOptions connection;
  // Unasked, keys are for whatever the server offers, features before scores.
  connection.answers = options.server_only ? std::optional(Answers::scores) : std::nullopt;
  ServiceClient client = ServiceClient::connect(options.server, connection).value();
  const ModelMetadata& model = client.metadata();
  const ClientKeys keys = ClientKeys::generate(model);
  // On disk first: keys that only the server has would be lost for good.
  keys.save(options.keys, options.force).value();
  ProgressBar bar("sending evaluation keys", line.quiet);
  keys.upload(client, bar.function()).value();
  const std::string key_id = hex(keys.secret().id());
  const std::string public_key = (std::filesystem::path(options.keys) / kPublicKeyFile).string();
  const std::string plan = (std::filesystem::path(options.keys) / kPlanFile).string();
  const std::string fingerprint = hex(keys.public_key_fingerprint().value());
  return {{{"keys", options.keys},
           {"key_id", key_id},
           {"params_id", hex(model.params->id())},
           {"model", model.name},
           {"answers", name(model.answers)},
           {"model_digest", hex(model.model_digest)},
           {"evaluation_keys", hex(keys.evaluation_keys())},
           {"evaluation_key_bytes", model.evaluation_key_bytes()},
           {"public_key", public_key},
           {"public_key_fingerprint", fingerprint},
           {"plan", plan},
           {"ring_degree", model.params->n()},
           {"log_qp", model.params->log_qp()},
           {"security_bits", model.params->security_bits()}},
          options.keys + ": key " + key_id + " for the " + std::string(name(model.answers)) + " of model " +
              hex(model.model_digest).substr(0, 16) + "; " + byte_text(model.evaluation_key_bytes()) +
              " of evaluation keys sent to " + client.url() + "\ndevices that encrypt for you take " +
              public_key + " and " + plan + ", which hold no secret; fingerprint " + fingerprint + "\n"};
}

}  // namespace

void add_keygen(CLI::App& app, CommandLine& line) {
  add_verb<Options>(app, line, "keygen", "make keys for a server's model and send it the evaluation keys",
                    "cryptotl keygen --server http://127.0.0.1:8000 --keys keys", define, work);
}

}  // namespace cryptotl

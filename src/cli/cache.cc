#include "cli/command.h"
#include "cli/table.h"
#include "cryptotl/transfer/feature_cache.h"

namespace cryptotl {
namespace {

namespace fs = std::filesystem;

struct Options {
  std::string path;
  bool clear = false;
};

void define(CLI::App& verb, Options& options) {
  verb.add_option("path", options.path, "a key folder, or a file that --cache named")->required();
  verb.add_flag("--clear", options.clear, "remove the file; nothing else than a feature cache is removed");
}

Outcome work(const CommandLine&, const Options& options) {
  std::error_code failure;
  fs::path path = options.path;
  if (fs::is_directory(path, failure)) path /= kFeatureCacheFile;
  if (options.clear) {
    remove_feature_cache(path).value();
    return {{{"removed", path.string()}}, path.string() + ": removed\n"};
  }
  Outcome out{describe_feature_cache(path).value(), ""};
  out.text = path.string() + ": " + out.json.at("rows").dump() + " rows, " +
             byte_text(out.json.at("bytes").get<size_t>()) + "\n";
  for (const nlohmann::json& model : out.json.at("models")) {
    out.text += "  " + model.at("rows").dump() + " rows of model " +
                model.at("model_digest").get<std::string>().substr(0, 16) + ", plan " +
                model.at("plan_digest").get<std::string>().substr(0, 16) + "\n";
  }
  return out;
}

}  // namespace

void add_cache(CLI::App& app, CommandLine& line) {
  add_verb<Options>(app, line, "cache", "say what a cache of decrypted features holds, or remove it",
                    "cryptotl cache keys", define, work);
}

}  // namespace cryptotl

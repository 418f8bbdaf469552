#include "cli/session_options.h"

namespace cryptotl {

void CacheOptions::define(CLI::App& verb, const std::string& where) {
  CLI::Option* const named = verb.add_option(
      "--cache", file, "file of decrypted features, from which a run goes on (default: " + where + ")");
  verb.add_flag("--no-cache", none, "neither read nor keep features")->excludes(named);
  verb.add_option("--cache-limit", limit, "bytes that the file takes at most, such as 500MB")
      ->transform(CLI::AsSizeValue(false))
      ->default_str("1GB");
}

void add_no_tickets(CLI::App& verb, bool& none) {
  verb.add_flag("--no-tickets", none,
                "announce no seeds ahead to a server that could work on them in idle time");
}

void add_mode(CLI::App& verb, Mode& mode) {
  verb.add_option_function<std::string>(
          "--mode", [&mode](const std::string& wanted) { mode = *mode_named(wanted); },
          "latency sends inputs one by one, each answered in milliseconds, batch thousands in one run of "
          "seconds; auto takes what is quicker by what the server says of itself, and tells which (default: "
          "auto)")
      ->check(CLI::IsMember({"latency", "batch", "auto"}));
}

void SessionArguments::define(CLI::App& verb, const std::string& without) {
  verb.add_option("--server", server, "http://HOST:PORT; " + without);
  verb.add_option("--keys", keys, "folder of keygen");
  verb.add_option("--retry", retry_seconds,
                  "seconds for which a request is tried again where the server goes away")
      ->check(CLI::Range(0, 86'400))
      ->capture_default_str();
  add_mode(verb, mode);
  add_no_tickets(verb, no_tickets);
  cache.define(verb, std::string(kFeatureCacheFile) + " in the key folder");
}

Session SessionArguments::open(Answers answers) const {
  SessionOptions options;
  options.answers = answers;
  options.patience = std::chrono::milliseconds(static_cast<int64_t>(1000 * retry_seconds));
  options.on_wait = warn;
  options.use_tickets = !no_tickets;
  options.mode = mode;
  options.use_cache = !cache.none;
  options.cache_file = cache.file;
  options.cache_limit = cache.limit;
  return Session::open(server, keys, options).value();
}

}  // namespace cryptotl

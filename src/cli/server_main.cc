#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <iomanip>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>

#include "cryptotl/plan/model.h"
#include "cryptotl/service/server.h"

namespace {

using cryptotl::ErrorCode;

const std::map<std::string, cryptotl::Offer> kOffers = {{"features", cryptotl::Offer::features},
                                                        {"scores", cryptotl::Offer::scores},
                                                        {"both", cryptotl::Offer::both}};

struct Arguments {
  std::filesystem::path model;
  cryptotl::ServerOptions server;
  bool json = false;
};

void define_batches(CLI::App& app, Arguments& arguments) {
  cryptotl::BatchOptions& batches = arguments.server.batches;
  app.add_flag_callback(
      "--no-batch", [&] { batches.offer = false; },
      "take inputs one at a time only; batches of thousands need some 600 MB more while they run");
  app.add_option(
         "--batch-cache", arguments.server.limits.batch_cache_bytes,
         "bytes on disk, such as 500MB, for the part of batches that is the same for every client and "
         "that idle time works out ahead; 0 keeps none")
      ->transform(CLI::AsSizeValue(false))
      ->default_str("1GB");
  app.add_option_function<uint64_t>(
      "--epoch", [&](uint64_t epoch) { batches.epoch = epoch; },
      "number of the public seed that batches share; never go back to one (default: the week since 1970)");
  app.add_flag_callback(
      "--trusting", [&] { batches.trusting = arguments.server.trusting = true; },
      "leave out of answers the encryptions of zero and the noise that floods them: up to 10 % quicker, "
      "but the noise of answers then tells a client of the weights and of hidden layers (docs/security.md)");
}

/// What answers hide of the network, and noise that is asked for.
void define_noise(CLI::App& app, cryptotl::ServerOptions& server) {
  constexpr double kPrivatePrecision = 1.0 / 256;
  const auto privacy = app.add_option_function<double>(
                              "--circuit-privacy",
                              [&app, &server](double bits) {
                                server.plan.privacy.statistical_bits = bits;
                                if (app.count("--precision") + app.count("--preset") == 0)
                                  server.plan.precision = kPrivatePrecision;
                              },
                              "statistical bits, such as 40, to which answers shall hide the network behind "
                              "their outputs; takes a larger ring, ten to twenty times the time, no batches, "
                              "and a precision of 2^-8 where none is given")
                           ->check(CLI::Range(1.0, cryptotl::kMostPrivacyBits))
                           ->excludes("--trusting")
                           ->type_name("BITS");
  app.add_option("--private-answers", server.plan.privacy.answers,
                 "answers to one client, ever, for which --circuit-privacy holds")
      ->check(CLI::Range(1.0, cryptotl::kMostPrivateAnswers))
      ->capture_default_str()
      ->needs(privacy);
  app.add_option("--feature-noise", server.plan.output_noise,
                 "standard deviation of Gaussian noise in every feature of every answer; no batches then")
      ->check(CLI::NonNegativeNumber)
      ->type_name("SIGMA");
}

int parse(int argc, char** argv, Arguments& arguments) {
  CLI::App app(
      "Serves a model's encrypted forward pass over HTTP (docs/protocol.md). Example:\n"
      "  cryptotl-server --model MODEL --listen 127.0.0.1:8000");
  app.add_option("--model", arguments.model, "the model's folder, as `cryptotl pretrain` writes it")
      ->required();
  app.add_option("--listen", arguments.server.listen, "loopback address and port; port 0 takes a free one")
      ->capture_default_str();
  app.add_option("--store", arguments.server.key_store,
                 "folder of the clients' evaluation keys (default: MODEL/keys)");
  app.add_option("--threads", arguments.server.threads, "threads of one pass")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  app.add_option("--concurrency", arguments.server.concurrency, "passes at a time")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  app.add_option_function<size_t>(
         "--tickets", [&](size_t mebibytes) { arguments.server.limits.ticket_bytes = mebibytes << 20; },
         "MiB of memory for tickets, which idle time makes of the seeds that clients announce; 0 offers none")
      ->check(CLI::Range(0, 1 << 20))
      ->default_str(std::to_string(arguments.server.limits.ticket_bytes >> 20));
  const auto precision = app.add_option_function<double>(
                                "--precision",
                                [&](double asked) {
                                  cryptotl::check_precision(asked).value();
                                  arguments.server.plan.precision = asked;
                                },
                                "largest error of an answer's values, 1e-11 to 0.01; smaller takes longer")
                             ->default_str("0.0001");
  app.add_option_function<std::string>(
         "--preset",
         [&](const std::string& preset) {
           arguments.server.plan.precision = cryptotl::preset_precision(preset).value();
         },
         "a precision by name: fast is 1e-4, accurate 1e-10")
      ->check(CLI::IsMember({"fast", "accurate"}))
      ->excludes(precision);
  app.add_option_function<std::string>(
         "--offer", [&](const std::string& offer) { arguments.server.offer = kOffers.at(offer); },
         "features, scores of the provider's own output layer, or both; scores alone publish neither the "
         "output layer nor statistics of the features (default: both where the model has an output layer and "
         "score_calibration, else features)")
      ->check(CLI::IsMember({"features", "scores", "both"}));
  define_batches(app, arguments);
  define_noise(app, arguments.server);
  app.add_flag("--json", arguments.json, "print one line of JSON with the URL, instead of the URL alone");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : cryptotl::exit_code(ErrorCode::invalid_argument);
  }
  if (arguments.server.key_store.empty()) arguments.server.key_store = arguments.model / "keys";
  return -1;
}

int fail(const cryptotl::Error& error) {
  std::cerr << "cryptotl-server: " << error.what() << std::endl;
  return cryptotl::exit_code(error.code());
}

void describe_batches(const std::vector<cryptotl::BatchMetadata>& kinds) {
  if (kinds.empty()) return;
  double largest_error = 0;
  std::string samples, seconds;
  for (const cryptotl::BatchMetadata& kind : kinds) {
    largest_error = std::max(largest_error, kind.plan.predicted_error);
    const char* const between = samples.empty() ? "" : ", ";
    samples += between + std::to_string(kind.plan.samples());
    char text[32];
    std::snprintf(text, sizeof text, "%s%.2g", between, kind.batch_milliseconds / 1000);
    seconds += text;
  }
  std::cerr << "cryptotl-server: takes batches of up to " << samples << " inputs, largest error "
            << largest_error << ", about " << seconds
            << " s on one thread (an input by itself: " << kinds.front().pass_milliseconds << " ms)"
            << std::endl;
}

/// What is offered and what it takes, for people.
void describe_offers(const cryptotl::Server& server) {
  const auto megabytes = [](size_t bytes) { return (bytes + 500'000) / 1'000'000; };
  size_t sum = 0;
  for (const cryptotl::OfferedRoute& route : server.routes()) {
    const cryptotl::ModelMetadata& model = route.metadata;
    sum += route.program_bytes;
    std::cerr << "cryptotl-server: offers " << cryptotl::name(model.answers) << " as " << model.name << ": "
              << model.plan.output_width() << " values, largest error " << std::setprecision(2)
              << model.plan.predicted_error << ", " << megabytes(route.program_bytes)
              << " MB of matrices, keys of " << megabytes(model.evaluation_key_bytes()) << " MB a client"
              << std::endl;
  }
  if (server.routes().size() > 1)
    std::cerr << "cryptotl-server: " << megabytes(sum) << " MB of matrices in all" << std::endl;
  describe_batches(server.metadata().batches);
  if (!server.batches_left_out().empty())
    std::cerr << "cryptotl-server: takes no batches: " << server.batches_left_out() << std::endl;
  if (!server.left_out().empty())
    std::cerr << "cryptotl-server: offers no scores: " << server.left_out() << std::endl;
}

nlohmann::json offers_json(const cryptotl::Server& server) {
  nlohmann::json offers = nlohmann::json::array();
  for (const cryptotl::OfferedRoute& route : server.routes()) {
    const cryptotl::ModelMetadata& model = route.metadata;
    nlohmann::json batches = nlohmann::json::array();
    for (const cryptotl::BatchMetadata& batch : model.batches) {
      batches.push_back({{"samples", batch.plan.samples()},
                         {"predicted_error", batch.plan.predicted_error},
                         {"batch_ms", batch.batch_milliseconds},
                         {"key_bytes", batch.key_bytes()}});
    }
    offers.push_back({{"model", model.name},
                      {"answers", cryptotl::name(model.answers)},
                      {"predicted_error", model.plan.predicted_error},
                      {"program_bytes", route.program_bytes},
                      {"evaluation_key_bytes", model.evaluation_key_bytes()},
                      {"batch_program_bytes", route.batch_program_bytes},
                      {"batches", batches}});
  }
  return offers;
}

void announce(const cryptotl::Server& server, bool json) {
  describe_offers(server);
  if (json) {
    std::cout << nlohmann::json({{"url", server.url()},
                                 {"model", server.metadata().name},
                                 {"model_digest", cryptotl::hex(server.metadata().model_digest)},
                                 {"offers", offers_json(server)}})
                     .dump()
              << std::endl;
  } else {
    std::cout << server.url() << std::endl;
  }
}

int run(Arguments arguments) {
  // Blocked before any thread exists, so that all threads inherit it and the wait below gets the signals.
  sigset_t stops;
  sigemptyset(&stops);
  sigaddset(&stops, SIGINT);
  sigaddset(&stops, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &stops, nullptr);

  // Before the model is read: whoever started this may have removed it when that takes its time.
  arguments.server.plan.speeds = cryptotl::machine_speeds();
  const auto model = cryptotl::load_model(arguments.model);
  if (!model.ok()) return fail(model.error());
  const auto server = cryptotl::Server::start(*model, arguments.server);
  if (!server.ok()) return fail(server.error());
  announce(**server, arguments.json);
  int signal = 0;
  sigwait(&stops, &signal);
  std::cerr << "cryptotl-server: stopping" << std::endl;
  (*server)->stop();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    Arguments arguments;
    const int code = parse(argc, argv, arguments);
    return code >= 0 ? code : run(arguments);
  } catch (const cryptotl::Error& error) {
    return fail(error);
  } catch (const std::exception& error) {
    return fail(cryptotl::Error(ErrorCode::internal, error.what()));
  }
}

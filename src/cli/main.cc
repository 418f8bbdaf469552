#include <pthread.h>
#include <semaphore.h>

#include <csignal>
#include <iostream>
#include <thread>

#include "cli/blas_core.h"
#include "cli/command.h"
#include "cryptotl/transfer/temporary_folder.h"

namespace {

using cryptotl::CommandLine;

sem_t signalled;
volatile std::sig_atomic_t last_signal = 0;

/// Runs in whichever thread the signal meets; both calls are safe there.
void note_signal(int signal) {
  last_signal = signal;
  sem_post(&signalled);
}

/// A signal that ends the program first removes its temporary folders. Called before we start threads, which
/// then leave the signals to the one that waits; threads that libraries started as they were loaded do not,
/// hence the handler.
void clean_up_on_signals() {
  std::signal(SIGPIPE, SIG_IGN);  // a server that goes is an error of the call, not the end of us
  sem_init(&signalled, 0, 0);
  sigset_t ends;
  sigemptyset(&ends);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    sigaddset(&ends, signal);
    struct sigaction action = {};
    action.sa_handler = note_signal;
    action.sa_flags = SA_RESTART;
    sigaction(signal, &action, nullptr);
  }
  pthread_sigmask(SIG_BLOCK, &ends, nullptr);
  std::thread([ends] {
    pthread_sigmask(SIG_UNBLOCK, &ends, nullptr);
    while (sem_wait(&signalled) != 0) {
    }
    const int signal = last_signal;
    cryptotl::remove_temporary_folders();
    std::signal(signal, SIG_DFL);
    raise(signal);
  }).detach();
}

int fail(const std::string& message, cryptotl::ErrorCode code) {
  std::cerr << "cryptotl: " << message << std::endl;
  return cryptotl::exit_code(code);
}

void add_verbs(CLI::App& app, CommandLine& line) {
  cryptotl::add_demo(app, line);
  cryptotl::add_pretrain(app, line);
  cryptotl::add_import(app, line);
  cryptotl::add_serve(app, line);
  cryptotl::add_keygen(app, line);
  cryptotl::add_encrypt(app, line);
  cryptotl::add_fit(app, line);
  cryptotl::add_predict(app, line);
  cryptotl::add_evaluate(app, line);
  cryptotl::add_embed(app, line);
  cryptotl::add_bench(app, line);
  cryptotl::add_inspect(app, line);
  cryptotl::add_cache(app, line);
  cryptotl::add_budget(app, line);
  cryptotl::add_audit(app, line);
}

int run(int argc, char** argv) {
  CLI::App app("Transfer learning between two parties on encrypted inputs.", "cryptotl");
  app.require_subcommand(1);
  CommandLine line;
  add_verbs(app, line);
  std::string footer =
      "cryptotl VERB --help says more. Exit codes: 0 done, 1 failed, 2 usage, 3 malformed input,\n"
      "4 refused for security.\n\nExamples:\n";
  for (const std::string& example : line.examples) footer += "  " + example + "\n";
  app.footer(footer);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : cryptotl::exit_code(cryptotl::ErrorCode::invalid_argument);
  }
  const cryptotl::Outcome outcome = line.run();
  std::cout << (line.json ? outcome.json.dump() + "\n" : outcome.text) << std::flush;
  return std::cout ? 0 : fail("cannot write to standard output", cryptotl::ErrorCode::resource_exhausted);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    cryptotl::restart_with_better_blas_core(argv);
    clean_up_on_signals();
    return run(argc, argv);
  } catch (const cryptotl::Error& error) {
    return fail(error.what(), error.code());
  } catch (const std::bad_alloc&) {
    return fail("not enough memory", cryptotl::ErrorCode::resource_exhausted);
  } catch (const std::exception& error) {
    return fail(error.what(), cryptotl::ErrorCode::internal);
  }
}

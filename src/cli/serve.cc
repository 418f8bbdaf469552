#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <system_error>

#include "cli/command.h"

namespace cryptotl {
namespace {

/// Becomes the server program, which knows the options.
[[noreturn]] void become_server(const std::vector<std::string>& arguments) {
  std::vector<std::string> words = {sibling_program("cryptotl-server").string()};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> pointers;
  pointers.reserve(words.size() + 1);
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  sigset_t none;
  sigemptyset(&none);
  pthread_sigmask(SIG_SETMASK, &none, nullptr);
  ::execv(pointers[0], pointers.data());
  throw Error(ErrorCode::not_found, "cannot run " + words[0] + ": " + std::generic_category().message(errno));
}

}  // namespace

void add_serve(CLI::App& app, CommandLine& line) {
  CLI::App* const verb = app.add_subcommand("serve", "serve a model's encrypted pass (runs cryptotl-server)");
  line.examples.push_back("cryptotl serve --model model --listen 127.0.0.1:8000");
  verb->set_help_flag();
  verb->prefix_command();
  verb->callback([&line, verb] { line.run = [verb]() -> Outcome { become_server(verb->remaining()); }; });
}

}  // namespace cryptotl

#include "cryptotl/transfer/server_process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <fstream>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace cryptotl {
namespace {

Error failed(const std::string& what) {
  return Error(ErrorCode::resource_exhausted,
               "cannot " + what + ": " + std::generic_category().message(errno));
}

std::string round_trip_text(double value) {
  std::array<char, 32> text{};
  const auto end = std::to_chars(text.begin(), text.end(), value).ptr;
  return {text.begin(), end};
}

/// In the child, between fork and exec: only calls that are safe there.
[[noreturn]] void become(const std::vector<char*>& arguments, int output, pid_t parent) {
  sigset_t none;
  sigemptyset(&none);
  pthread_sigmask(SIG_SETMASK, &none, nullptr);
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (::getppid() != parent) ::_exit(1);  // it was gone before the call above
  ::dup2(output, STDOUT_FILENO);
  ::execv(arguments[0], arguments.data());
  ::_exit(127);
}

/// Whether the process has ended by itself within the time.
bool ends_within(pid_t id, std::chrono::milliseconds time) {
  const auto until = std::chrono::steady_clock::now() + time;
  while (true) {
    const pid_t ended = ::waitpid(id, nullptr, WNOHANG);
    if (ended == id || (ended < 0 && errno == ECHILD)) return true;
    if (std::chrono::steady_clock::now() >= until) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

}  // namespace

Result<std::unique_ptr<ServerProcess>> ServerProcess::start(const ServerProcessOptions& options) {
  if (::access(options.program.c_str(), X_OK) != 0) {
    return Error(ErrorCode::not_found, "the server program is not at " + options.program.string());
  }
  std::vector<std::string> words = {options.program.string(),
                                    "--model",
                                    options.model.string(),
                                    "--store",
                                    options.key_store.string(),
                                    "--threads",
                                    std::to_string(options.threads),
                                    "--offer",
                                    options.offer,
                                    "--precision",
                                    round_trip_text(options.precision),
                                    "--listen",
                                    "127.0.0.1:0"};
  words.insert(words.end(), options.more.begin(), options.more.end());
  std::vector<char*> arguments;
  arguments.reserve(words.size() + 1);
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);

  std::array<int, 2> pipe{};
  if (::pipe2(pipe.data(), O_CLOEXEC) != 0) return failed("make a pipe");
  const pid_t parent = ::getpid();
  const pid_t id = ::fork();
  if (id == 0) become(arguments, pipe[1], parent);
  ::close(pipe[1]);
  Status status = id < 0 ? Status(failed("start the server")) : Status();
  std::unique_ptr<ServerProcess> process;
  if (status.ok()) {
    process.reset(new ServerProcess(id));
    status = process->read_url(pipe[0]);
  }
  ::close(pipe[0]);
  if (!status.ok()) return status.error();
  return process;
}

Status ServerProcess::read_url(int descriptor) {
  // The server's first line is its URL; it comes once the server listens, or the pipe ends with the process.
  for (char letter = 0; letter != '\n';) {
    const ssize_t count = ::read(descriptor, &letter, 1);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return Error(ErrorCode::resource_exhausted, "the server ended before it listened");
    if (letter != '\n') url_ += letter;
  }
  return {};
}

Result<size_t> ServerProcess::peak_rss_bytes() const {
  std::ifstream status("/proc/" + std::to_string(id_) + "/status");
  for (std::string word; status >> word;) {
    size_t kibibytes = 0;
    if (word == "VmHWM:" && status >> kibibytes) return kibibytes * 1024;
  }
  return Error(ErrorCode::resource_exhausted, "the server is gone; how much memory it took is not known");
}

void ServerProcess::stop() noexcept {
  const pid_t id = std::exchange(id_, -1);
  if (id < 0) return;
  ::kill(id, SIGTERM);
  if (ends_within(id, std::chrono::seconds(5))) return;
  ::kill(id, SIGKILL);
  ::waitpid(id, nullptr, 0);
}

ServerProcess::~ServerProcess() { stop(); }

}  // namespace cryptotl

#pragma once

#include <sys/types.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "cryptotl/base/error.h"
#include "cryptotl/plan/planner.h"

namespace cryptotl {

struct ServerProcessOptions {
  std::filesystem::path program;       ///< cryptotl-server
  std::filesystem::path model;         ///< folder
  std::filesystem::path key_store;     ///< folder; made where it is missing
  size_t threads = 1;                  ///< of one pass
  double precision = kFastPrecision;   ///< largest error of an answer (planner.h)
  std::string offer = "features";      ///< cryptotl-server --offer
  std::vector<std::string> more = {};  ///< other options of cryptotl-server
};

/// A server in a process of its own on a free loopback port. It inherits the environment (CRYPTOTL_ISA). It
/// is stopped when this object goes, and when the thread that started it ends in any way, killed or not.
class ServerProcess {
 public:
  /// Returns once it answers; not_found without the program, the server's own exit where it ends before.
  static Result<std::unique_ptr<ServerProcess>> start(const ServerProcessOptions& options);

  ~ServerProcess();
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  const std::string& url() const { return url_; }
  pid_t id() const { return id_; }
  /// The most memory that it has held so far.
  Result<size_t> peak_rss_bytes() const;
  /// Asks it to stop, and kills it where that takes over five seconds.
  void stop() noexcept;

 private:
  explicit ServerProcess(pid_t id) : id_(id) {}
  Status read_url(int descriptor);
  pid_t id_;
  std::string url_;
};

}  // namespace cryptotl

#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>

namespace cryptotl {

/// Told how many of how many steps are done; may be empty. Called from one thread at a time.
using ProgressFunction = std::function<void(size_t done, size_t total)>;

/// A bar on standard error for work that may take over two seconds: drawn in place on a terminal, as a line
/// every few seconds elsewhere, not at all when quiet. Not thread-safe.
class ProgressBar {
 public:
  explicit ProgressBar(std::string what, bool quiet = false);
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  void update(size_t done, size_t total);
  /// This bar as a ProgressFunction; the bar must outlive it.
  ProgressFunction function() {
    return [this](size_t done, size_t total) { update(done, total); };
  }

 private:
  using Clock = std::chrono::steady_clock;
  std::string what_;
  bool quiet_;
  bool terminal_;
  bool drawn_ = false;
  Clock::time_point start_;
  Clock::time_point last_;
};

}  // namespace cryptotl

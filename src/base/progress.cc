#include "cryptotl/base/progress.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace cryptotl {

ProgressBar::ProgressBar(std::string what, bool quiet)
    : what_(std::move(what)),
      quiet_(quiet),
      terminal_(isatty(STDERR_FILENO) == 1),
      start_(Clock::now()),
      last_(start_) {}

ProgressBar::~ProgressBar() {
  if (drawn_ && terminal_) std::fputc('\n', stderr);
}

void ProgressBar::update(size_t done, size_t total) {
  using namespace std::chrono_literals;
  if (quiet_ || total == 0) return;
  done = std::min(done, total);
  const auto now = Clock::now();
  const bool last = done == total;
  // A terminal is redrawn ten times a second; a log gets a line every five seconds, and the last if there was
  // one.
  if (now - last_ < (terminal_ ? 100ms : 5000ms) && !(last && (drawn_ || terminal_))) return;
  last_ = now;
  const double elapsed = std::chrono::duration<double>(now - start_).count();
  const double left =
      done == 0 ? 0.0 : elapsed * static_cast<double>(total - done) / static_cast<double>(done);
  constexpr size_t kWidth =
      20;  // the whole line fits into 80 columns: a longer one could not be redrawn in place
  const size_t filled = std::min(kWidth, kWidth * done / total);
  const std::string bar = std::string(filled, '#') + std::string(kWidth - filled, '.');
  std::fprintf(stderr, "%s%-28s [%s] %zu/%zu %.0f s, %.0f s left%s", terminal_ ? "\r" : "", what_.c_str(),
               bar.c_str(), done, total, elapsed, left, terminal_ ? "\x1b[K" : "\n");
  std::fflush(stderr);
  drawn_ = true;
}

}  // namespace cryptotl

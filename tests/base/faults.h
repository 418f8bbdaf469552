#pragma once

#include <sys/types.h>

#include <cstddef>
#include <functional>
#include <limits>
#include <string>

namespace cryptotl {

constexpr int kEndedByFault = 9;

/// What happens to the system calls of this program while it lives (the linker sends them here: --wrap in
/// CMakeLists.txt). One at a time.
class Faults {
 public:
  Faults();
  ~Faults();
  Faults(const Faults&) = delete;
  Faults& operator=(const Faults&) = delete;

  /// Calls of `name` before `from` and from `to` on go through; those between fail with `error`.
  void fail(std::string name, size_t from, int error, size_t to = std::numeric_limits<size_t>::max());
  /// The process ends at once, with exit code kEndedByFault, where it is about to make its index-th wrapped
  /// call.
  void end_process_at(size_t index) { end_at_ = index; }
  /// No write or read moves more bytes than this.
  void shorten(size_t bytes) { shortest_ = bytes; }
  /// Is called with the descriptor before every write.
  void watch_writes(std::function<void(int)> watcher) { watcher_ = std::move(watcher); }
  /// Whether a call failed as asked.
  bool fired() const { return fired_; }

  /// For the wrappers: the error that this call has to fail with, or 0.
  int before(const char* name);
  size_t shortened(size_t count) const { return count < shortest_ ? count : shortest_; }
  void writing(int descriptor) const {
    if (watcher_) watcher_(descriptor);
  }
  static Faults* active();

 private:
  std::string name_;
  size_t from_ = 0;
  size_t to_ = 0;
  int error_ = 0;
  size_t calls_ = 0;
  size_t all_calls_ = 0;
  size_t end_at_ = std::numeric_limits<size_t>::max();
  size_t shortest_ = std::numeric_limits<size_t>::max();
  bool fired_ = false;
  std::function<void(int)> watcher_;
};

/// While it lives, notes whether the memory at `address` holds zeros only when it is freed.
class FreeWatch {
 public:
  FreeWatch(const void* address, size_t bytes);
  ~FreeWatch();
  FreeWatch(const FreeWatch&) = delete;
  FreeWatch& operator=(const FreeWatch&) = delete;
  bool freed() const;
  bool was_zero() const;
};

}  // namespace cryptotl

#pragma once

#include <cstddef>
#include <functional>
#include <memory>

namespace cryptotl {

/// Runs loops on a fixed number of threads (oneTBB); with one thread, in the caller's own.
class ThreadPool {
 public:
  explicit ThreadPool(size_t threads = 1);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  size_t threads() const { return threads_; }

  /// Calls body(i) once for every i < count, in any order; the body must not throw.
  template <typename Body>
  void for_each(size_t count, const Body& body) {
    if (threads_ == 1) {
      for (size_t i = 0; i < count; ++i) body(i);
    } else {
      run(
          count, [](const void* context, size_t i) { (*static_cast<const Body*>(context))(i); }, &body);
    }
  }

 private:
  void run(size_t count, void (*call)(const void*, size_t), const void* context);
  struct Arena;
  size_t threads_;
  std::unique_ptr<Arena> arena_;
};

}  // namespace cryptotl

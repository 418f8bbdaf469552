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

  /// Runs work() among the pool's threads: loops inside it find them awake. What it throws comes through.
  template <typename Work>
  void enter(const Work& work) {
    if (threads_ == 1) {
      work();
    } else {
      execute([](const void* context) { (*static_cast<const Work*>(context))(); }, &work);
    }
  }

  /// Calls body(i) once for every i < count, in any order; the body must not throw. Equal counts are shared
  /// out alike, so that a thread finds in its cache what it made in the loop before.
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
  void execute(void (*call)(const void*), const void* context);
  void run(size_t count, void (*call)(const void*, size_t), const void* context);
  struct Arena;
  size_t threads_;
  std::unique_ptr<Arena> arena_;
};

}  // namespace cryptotl

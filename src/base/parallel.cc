#include "cryptotl/base/parallel.h"

#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/partitioner.h>
#include <oneapi/tbb/task_arena.h>

namespace cryptotl {

struct ThreadPool::Arena {
  explicit Arena(int threads) : arena(threads) {}
  oneapi::tbb::task_arena arena;
};

ThreadPool::ThreadPool(size_t threads) : threads_(threads == 0 ? 1 : threads) {
  if (threads_ > 1) arena_ = std::make_unique<Arena>(static_cast<int>(threads_));
}

ThreadPool::~ThreadPool() = default;

void ThreadPool::execute(void (*call)(const void*), const void* context) {
  arena_->arena.execute([&] { call(context); });
}

void ThreadPool::run(size_t count, void (*call)(const void*, size_t), const void* context) {
  arena_->arena.execute([&] {
    oneapi::tbb::parallel_for(
        size_t{0}, count, size_t{1}, [&](size_t i) { call(context, i); }, oneapi::tbb::static_partitioner());
  });
}

}  // namespace cryptotl

#include "runs.h"

#include <algorithm>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "cryptotl/base/parallel.h"
#include "training_backend.h"

namespace cryptotl {

void run_all(size_t count, size_t threads, const std::function<void(size_t)>& body,
             const ProgressFunction& progress) {
  std::vector<std::exception_ptr> failures(count);
  std::mutex mutex;
  size_t done = 0;
  ThreadPool pool(threads > 0 ? threads : std::max(1U, std::thread::hardware_concurrency()));
  pool.for_each(count, [&](size_t i) {
    try {
      training_backend().compute_on_one_thread();
      body(i);
      if (!progress) return;
      const std::scoped_lock lock(mutex);
      progress(++done, count);
    } catch (...) {
      failures[i] = std::current_exception();
    }
  });
  for (const std::exception_ptr& failure : failures) {
    if (failure) std::rethrow_exception(failure);
  }
}

}  // namespace cryptotl

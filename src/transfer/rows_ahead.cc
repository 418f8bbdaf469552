#include "transfer/rows_ahead.h"

#include "cryptotl/base/stopwatch.h"

namespace cryptotl {

RowsAhead::RowsAhead(size_t rows, size_t window, std::function<Bytes(size_t)> make)
    : rows_(rows), window_(window), make_(std::move(make)) {
  worker_ = std::thread([this] { work(); });
}

RowsAhead::~RowsAhead() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  worker_.join();
}

Bytes RowsAhead::take(size_t row) {
  std::unique_lock lock(mutex_);
  if (row != first_) {
    made_.clear();
    first_ = next_ = row;
    ++round_;
    changed_.notify_all();
  }
  changed_.wait(lock, [this] { return !made_.empty() || failure_; });
  if (failure_) std::rethrow_exception(failure_);
  Bytes out = std::move(made_.front());
  made_.pop_front();
  ++first_;
  changed_.notify_all();
  return out;
}

double RowsAhead::milliseconds() {
  const std::lock_guard lock(mutex_);
  return milliseconds_;
}

void RowsAhead::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stop_ || (made_.size() < window_ && next_ < rows_); });
    if (stop_) return;
    const size_t row = next_++;
    const size_t round = round_;
    lock.unlock();
    Bytes bytes;
    std::exception_ptr failure;
    const Stopwatch time;
    try {
      bytes = make_(row);
    } catch (...) {
      failure = std::current_exception();
    }
    const double took = time.milliseconds();
    lock.lock();
    milliseconds_ += took;
    if (failure) {
      failure_ = failure;
      changed_.notify_all();
      return;
    }
    if (round != round_) continue;  // begun anew meanwhile
    made_.push_back(std::move(bytes));
    changed_.notify_all();
  }
}

}  // namespace cryptotl

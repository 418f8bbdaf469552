#pragma once

#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>

#include "cryptotl/base/bytes.h"

namespace cryptotl {

/// Makes the rows of a batch ahead of their being sent, on a thread of its own, but no more than a window of
/// them, so that they are never all in memory. take() from one thread at a time.
class RowsAhead {
 public:
  RowsAhead(size_t rows, size_t window, std::function<Bytes(size_t)> make);
  ~RowsAhead();
  RowsAhead(const RowsAhead&) = delete;
  RowsAhead& operator=(const RowsAhead&) = delete;

  /// The bytes of a row; rows are made ahead from the next one on, so they are to be asked for in order. Any
  /// row may be asked for again. Throws what `make` throws.
  Bytes take(size_t row);
  /// What all of it took so far, in milliseconds.
  double milliseconds();

 private:
  void work();

  const size_t rows_;
  const size_t window_;
  const std::function<Bytes(size_t)> make_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Bytes> made_;  ///< from row first_ on
  size_t first_ = 0;
  size_t next_ = 0;   ///< to be made
  size_t round_ = 0;  ///< counts beginnings
  double milliseconds_ = 0;
  std::exception_ptr failure_;
  bool stop_ = false;
  std::thread worker_;  // last: it uses all of the above
};

}  // namespace cryptotl

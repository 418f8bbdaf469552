#include "cryptotl/base/parallel.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

namespace cryptotl {
namespace {

class ThreadPoolTest : public testing::TestWithParam<size_t> {};

TEST_P(ThreadPoolTest, CallsTheBodyOnceForEveryIndex) {
  ThreadPool pool(GetParam());
  EXPECT_EQ(pool.threads(), GetParam());
  for (const size_t count : {0u, 1u, 2u, 7u, 1000u}) {
    std::vector<std::atomic<int>> calls(count);
    pool.for_each(count, [&](size_t i) { ++calls[i]; });
    for (size_t i = 0; i < count; ++i) EXPECT_EQ(calls[i], 1) << i << " of " << count;
  }
}

TEST_P(ThreadPoolTest, MayBeUsedInsideItsOwnBody) {
  ThreadPool pool(GetParam());
  std::atomic<size_t> sum = 0;
  pool.for_each(10, [&](size_t i) { pool.for_each(10, [&](size_t j) { sum += 10 * i + j; }); });
  EXPECT_EQ(sum, 4950u);
}

TEST_P(ThreadPoolTest, MayBeUsedFromSeveralThreadsAtOnce) {
  ThreadPool pool(GetParam());
  std::atomic<size_t> calls = 0;
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 4; ++caller) {
    callers.emplace_back([&] {
      for (int round = 0; round < 50; ++round) pool.for_each(20, [&](size_t) { ++calls; });
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(calls, 4u * 50u * 20u);
}

INSTANTIATE_TEST_SUITE_P(Threads, ThreadPoolTest, testing::Values(1, 2, 3, 8));

TEST(ThreadPoolOfOneTest, StaysInTheCallersThreadAndInOrder) {
  ThreadPool pool(1);
  const std::thread::id caller = std::this_thread::get_id();
  std::vector<size_t> order;
  pool.for_each(5, [&](size_t i) {
    EXPECT_EQ(std::this_thread::get_id(), caller);
    order.push_back(i);
  });
  EXPECT_THAT(order, testing::ElementsAre(0, 1, 2, 3, 4));
}

TEST(ThreadPoolOfOneTest, IsWhatZeroThreadsGive) { EXPECT_EQ(ThreadPool(0).threads(), 1u); }

TEST(ThreadPoolOfTwoTest, RunsTwoBodiesAtTheSameTime) {
  if (std::thread::hardware_concurrency() < 2) GTEST_SKIP() << "one core only";
  using namespace std::chrono_literals;
  ThreadPool pool(2);
  std::atomic<int> arrived = 0;
  std::atomic<int> met = 0;
  pool.for_each(2, [&](size_t) {
    ++arrived;
    const auto deadline = std::chrono::steady_clock::now() + 20s;
    while (arrived < 2 && std::chrono::steady_clock::now() < deadline) std::this_thread::sleep_for(1ms);
    if (arrived == 2) ++met;
  });
  EXPECT_EQ(met, 2);
}

}  // namespace
}  // namespace cryptotl

#include "cryptotl/base/progress.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pty.h>
#include <unistd.h>

#include <chrono>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

namespace cryptotl {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using namespace std::chrono_literals;

/// Standard error is a terminal while it lives.
class Terminal {
 public:
  Terminal() : kept_(::dup(STDERR_FILENO)) {
    int slave = -1;
    if (::openpty(&master_, &slave, nullptr, nullptr, nullptr) != 0) throw std::runtime_error("no terminal");
    ::dup2(slave, STDERR_FILENO);
    ::close(slave);
  }
  ~Terminal() {
    restore();
    ::close(last_);
    ::close(master_);
  }
  /// All that was written; the terminal is gone then. The system hands on what is written in its own time, so
  /// this waits for a mark behind it.
  std::string text() {
    constexpr char kMark = 1;
    restore();
    std::string all;
    if (::write(last_, &kMark, 1) != 1) throw std::runtime_error("nothing can be written to the terminal");
    while (!all.ends_with(kMark)) {
      char part[4096];
      const ssize_t count = ::read(master_, part, sizeof(part));
      if (count <= 0) throw std::runtime_error("the terminal ended before its mark");
      all.append(part, static_cast<size_t>(count));
    }
    all.pop_back();
    return all;
  }

 private:
  void restore() {
    if (kept_ < 0) return;
    std::fflush(stderr);
    // A copy of the terminal stays open until the text is read: closing the last one would drop it.
    last_ = ::dup(STDERR_FILENO);
    ::dup2(kept_, STDERR_FILENO);
    ::close(kept_);
    kept_ = -1;
  }
  int kept_;
  int master_ = -1;
  int last_ = -1;
};

std::string on_terminal(const std::function<void()>& work) {
  Terminal terminal;
  work();
  return terminal.text();
}

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, separator);) parts.push_back(part);
  return parts;
}

TEST(ProgressBarTest, SaysNothingWhenQuiet) {
  EXPECT_EQ(on_terminal([] {
              ProgressBar bar("work", true);
              for (size_t i = 1; i <= 3; ++i) {
                std::this_thread::sleep_for(110ms);
                bar.update(i, 3);
              }
            }),
            "");
}

TEST(ProgressBarTest, SaysNothingToALogAboutQuickWork) {
  testing::internal::CaptureStderr();
  {
    ProgressBar bar("work");
    for (size_t i = 0; i <= 100; ++i) bar.update(i, 100);
  }
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

TEST(ProgressBarTest, SaysNothingAboutNoStepsAtAll) {
  EXPECT_EQ(on_terminal([] { ProgressBar("work").update(0, 0); }), "");
}

TEST(ProgressBarTest, WritesWholeLinesToALogEverySoManySeconds) {
  testing::internal::CaptureStderr();
  {
    ProgressBar bar("training");
    std::this_thread::sleep_for(5100ms);
    bar.update(1, 4);
    bar.update(2, 4);
    bar.update(4, 4);
  }
  const std::vector<std::string> lines = split(testing::internal::GetCapturedStderr(), '\n');
  ASSERT_EQ(lines.size(), 2u) << "the first after five seconds, and the last";
  EXPECT_THAT(lines[0], HasSubstr("[#####...............] 1/4 5 s, 15 s left"));
  EXPECT_THAT(lines[1], HasSubstr("[####################] 4/4"));
}

TEST(ProgressBarTest, RedrawsOneLineOfATerminalAndEndsIt) {
  const std::string text = on_terminal([] {
    ProgressBar bar("encrypted extraction");
    bar.update(1, 1298);
    std::this_thread::sleep_for(110ms);
    bar.update(649, 1298);
    bar.update(650, 1298);
    bar.update(1298, 1298);
  });
  const std::vector<std::string> drawn = split(text, '\r');
  ASSERT_EQ(drawn.size(), 4u) << "nothing, half, the whole, and the end of the line: " << text;
  EXPECT_THAT(drawn[1], HasSubstr("encrypted extraction         [##########..........] 649/1298"));
  EXPECT_THAT(drawn[2], HasSubstr("[####################] 1298/1298"));
  EXPECT_THAT(text, EndsWith("\n"));
  for (const std::string& line : drawn)
    EXPECT_LE(line.size(), 80u + 3u) << "with the three bytes that clear it";
}

TEST(ProgressBarTest, TakesMoreStepsThanThereAreForAll) {
  const std::string text = on_terminal([] { ProgressBar("work").update(7, 5); });
  EXPECT_THAT(text, HasSubstr("5/5 0 s, 0 s left"));
}

TEST(ProgressBarTest, IsAFunctionToWhoeverDoesTheWork) {
  const std::string text = on_terminal([] {
    ProgressBar bar("work");
    const ProgressFunction report = bar.function();
    report(2, 2);
  });
  EXPECT_THAT(text, HasSubstr("2/2"));
}

}  // namespace
}  // namespace cryptotl

#include "cryptotl/transfer/server_process.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "transfer/small_world.h"

namespace cryptotl {
namespace {

/// An orphan that has ended may stand in the list of processes until somebody takes note.
bool runs(pid_t id) {
  std::ifstream file("/proc/" + std::to_string(id) + "/stat");
  std::string line;
  if (!std::getline(file, line)) return false;
  return line.compare(line.rfind(')'), 3, ") Z") != 0;
}

bool ends_soon(pid_t id) {
  for (int i = 0; i < 500 && runs(id); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  return !runs(id);
}

class ServerProcessTest : public testing::Test {
 protected:
  void SetUp() override {
    save_model(folder_.path() / "model", small_model()).value();
    options_ = {CRYPTOTL_SERVER, folder_.path() / "model", folder_.path() / "keys", 1};
  }
  TemporaryFolder folder_ = test_folder();
  ServerProcessOptions options_;
};

TEST_F(ServerProcessTest, FailsWithoutTheProgram) {
  options_.program = folder_.path() / "missing";
  const auto process = ServerProcess::start(options_);
  ASSERT_FALSE(process.ok());
  EXPECT_EQ(process.error().code(), ErrorCode::not_found);
}

TEST_F(ServerProcessTest, FailsWhereTheServerRefusesItsModel) {
  options_.model = folder_.path() / "missing";
  const auto process = ServerProcess::start(options_);
  ASSERT_FALSE(process.ok());
  EXPECT_EQ(process.error().code(), ErrorCode::resource_exhausted);
}

TEST_F(ServerProcessTest, ServesUntilItGoes) {
  pid_t id = 0;
  {
    const auto process = ServerProcess::start(options_).value();
    id = process->id();
    EXPECT_TRUE(ServiceClient::connect(process->url()).ok());
    EXPECT_GT(process->peak_rss_bytes().value(), 1'000'000u);
  }
  EXPECT_FALSE(runs(id));
}

TEST_F(ServerProcessTest, IsStoppedEvenWhereItDoesNotListen) {
  const auto process = ServerProcess::start(options_).value();
  const pid_t id = process->id();
  ::kill(id, SIGSTOP);
  process->stop();
  EXPECT_FALSE(runs(id));
  EXPECT_FALSE(process->peak_rss_bytes().ok());
}

TEST_F(ServerProcessTest, EndsWithAProcessThatIsKilled) {
  int ids[2];
  ASSERT_EQ(::pipe(ids), 0);
  const pid_t parent = ::fork();
  if (parent == 0) {
    const auto process = ServerProcess::start(options_).value();
    const pid_t id = process->id();
    if (::write(ids[1], &id, sizeof id) != sizeof id) ::_exit(1);
    ::pause();
  }
  pid_t id = 0;
  ASSERT_EQ(::read(ids[0], &id, sizeof id), static_cast<ssize_t>(sizeof id));
  EXPECT_TRUE(runs(id));
  ::kill(parent, SIGKILL);
  ::waitpid(parent, nullptr, 0);
  EXPECT_TRUE(ends_soon(id));
}

}  // namespace
}  // namespace cryptotl

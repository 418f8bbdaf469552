#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>

#include "cryptotl/base/file.h"
#include "service/served.h"

namespace cryptotl {
namespace {

using namespace std::chrono_literals;

/// cryptotl-server as a process.
class Process {
 public:
  explicit Process(const std::vector<std::string>& arguments) {
    int out[2];
    EXPECT_EQ(::pipe2(out, O_CLOEXEC), 0);
    process_ = ::fork();
    if (process_ == 0) {
      ::dup2(out[1], STDOUT_FILENO);
      std::vector<char*> raw{const_cast<char*>(CRYPTOTL_SERVER)};
      for (const std::string& argument : arguments) raw.push_back(const_cast<char*>(argument.c_str()));
      raw.push_back(nullptr);
      ::execv(CRYPTOTL_SERVER, raw.data());
      ::_exit(127);
    }
    ::close(out[1]);
    out_ = out[0];
  }
  ~Process() {
    if (process_ > 0) end(SIGKILL);
    ::close(out_);
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  /// The next line of standard output; empty at its end.
  std::string line() {
    std::string out;
    char c = 0;
    while (::read(out_, &c, 1) == 1 && c != '\n') out += c;
    return out;
  }
  /// Its exit code, or minus the signal that ended it.
  int wait() {
    int status = 0;
    EXPECT_EQ(::waitpid(process_, &status, 0), process_);
    process_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }
  int end(int signal) {
    ::kill(process_, signal);
    return wait();
  }
  pid_t number() const { return process_; }

 private:
  pid_t process_ = -1;
  int out_ = -1;
};

class ProgramTest : public Served {
 protected:
  ProgramTest() { save_model(folder_.path() / "model", model()).value(); }
  std::string model_folder() const { return (folder_.path() / "model").string(); }
  std::vector<std::string> arguments() const {
    return {"--model", model_folder(), "--listen", "127.0.0.1:0"};
  }
  std::filesystem::path store() const { return folder_.path() / "model" / "keys"; }
  size_t files_with_keys() const {
    size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(store()))
      count += entry.path().extension() == ".keys";
    return count;
  }
};

TEST_F(ProgramTest, EndsWithTheCodeOfWhatIsWrong) {
  EXPECT_EQ(Process({"--help"}).wait(), 0);
  EXPECT_EQ(Process({}).wait(), 2);
  EXPECT_EQ(Process({"--model", model_folder(), "--threads", "0"}).wait(), 2);
  EXPECT_EQ(Process({"--model", model_folder(), "--listen", "nowhere"}).wait(), 2);
  EXPECT_EQ(Process({"--model", model_folder(), "--listen", "0.0.0.0:0"}).wait(), 4);
  EXPECT_EQ(Process({"--model", (folder_.path() / "nothing").string()}).wait(), 1);
  std::ofstream(folder_.path() / "model" / "manifest.json") << "{}";
  EXPECT_EQ(Process(arguments()).wait(), 3);
}

// The program plans for this machine, so keys are made for what it publishes. It keeps to that plan.
TEST_F(ProgramTest, TellsItsUrlServesAndStopsOnASignal) {
  std::optional<Owner> own;
  for (const int signal : {SIGTERM, SIGINT}) {
    auto with_json = arguments();
    with_json.push_back("--json");
    Process server(with_json);
    const auto json = nlohmann::json::parse(server.line(), nullptr, false);
    ASSERT_TRUE(json.is_object());
    EXPECT_EQ(json["model"], "small");
    ServiceClient connected = ServiceClient::connect(json["url"]).value();
    if (!own) own.emplace(connected.metadata());
    EXPECT_EQ(connected.has_keys(own->keys()).value(), signal == SIGINT)
        << "the store outlives the first server";
    ASSERT_TRUE(connected.upload_keys(own->evaluation_keys).ok());
    expect_right(connected.infer(own->encrypted(rows().row(0)), own->keys()).value().ciphertext,
                 rows().row(0), *own);
    EXPECT_EQ(server.end(signal), 0);
  }
}

TEST_F(ProgramTest, LeavesNoHalfWrittenKeysWhenItIsKilledDuringAnUpload) {
  std::optional<Owner> own;
  for (size_t round = 0; round < 6; ++round) {
    Process server(arguments());
    const std::string url = server.line();
    ServiceClient connected = ServiceClient::connect(url, with_times(500ms, 5000ms, 1)).value();
    if (!own) own.emplace(connected.metadata());
    const Bytes& keys = own->evaluation_keys;
    EXPECT_FALSE(connected.has_keys(own->keys()).value()) << round;
    const auto result = connected.upload_keys(keys, [&](size_t done, size_t total) {
      if (done * 6 >= total * (round + 1)) ::kill(server.number(), SIGKILL);
    });
    EXPECT_EQ(server.wait(), -SIGKILL);
    // In the last round the kill may come when all is stored; whatever has the name is whole.
    if (files_with_keys() > 0) {
      EXPECT_EQ(read_file(store() / (hex(own->keys()) + ".keys")).value(), keys);
      break;
    }
    EXPECT_FALSE(result.ok());
  }
  Process server(arguments());
  ServiceClient connected = ServiceClient::connect(server.line()).value();
  size_t leftovers = 0;
  for (const auto& entry : std::filesystem::directory_iterator(store()))
    leftovers += entry.path().extension() != ".keys" && entry.path().extension() != ".json";  // the plan
  EXPECT_EQ(leftovers, 0u);
  EXPECT_TRUE(connected.upload_keys(own->evaluation_keys).ok());
  EXPECT_TRUE(connected.infer(own->encrypted(rows().row(0)), own->keys()).ok());
}

}  // namespace
}  // namespace cryptotl

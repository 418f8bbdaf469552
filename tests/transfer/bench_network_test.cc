#include "transfer/bench_network.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cryptotl/data/feature_file.h"
#include "transfer/small_world.h"

namespace cryptotl {
namespace {

class BenchNetworkTest : public testing::Test {
 protected:
  BenchNetworkTest() {
    put("w1", uniform_matrix(5, 7, 1));
    put("b1", uniform_matrix(1, 5, 2));
    put("w2", uniform_matrix(3, 5, 3));
    put("b2", uniform_matrix(1, 3, 4));
    put("inputs", uniform_matrix(4, 7, 5));
    put("calibration", uniform_matrix(9, 7, 6));
  }
  void put(const std::string& name, const Matrix& matrix) const { write_npy(file(name), matrix).value(); }
  std::filesystem::path file(const std::string& name) const { return folder_.path() / (name + ".npy"); }
  void expect_refused(ErrorCode code, const std::string& name, const std::string& reason) const {
    const auto read = read_bench_network(folder_.path());
    ASSERT_FALSE(read.ok()) << name;
    EXPECT_EQ(read.error().code(), code) << read.error().what();
    EXPECT_THAT(read.error().what(), testing::HasSubstr(file(name).string()));
    EXPECT_THAT(read.error().what(), testing::HasSubstr(reason));
    EXPECT_THAT(read.error().what(), testing::Not(testing::HasSubstr("\n")));
  }

  const TemporaryFolder folder_ = test_folder();
};

TEST_F(BenchNetworkTest, RefusesEveryFileThatIsMissingOrNoArray) {
  for (const char* const name : {"w1", "b1", "w2", "b2", "inputs", "calibration"}) {
    const std::filesystem::path kept = folder_.path() / "kept";
    std::filesystem::rename(file(name), kept);
    expect_refused(ErrorCode::not_found, name, "");
    write_text(file(name), "no array");
    expect_refused(ErrorCode::malformed, name, "");
    std::filesystem::rename(kept, file(name));
  }
  EXPECT_TRUE(read_bench_network(folder_.path()).ok());
}

TEST_F(BenchNetworkTest, RefusesShapesThatDoNotFitTogether) {
  const struct {
    const char* name;
    size_t rows, cols;
    const char* reason;
  } wrong[] = {{"b1", 1, 6, "5 numbers are right"},     {"b1", 5, 1, "5 numbers are right"},
               {"b2", 1, 5, "3 numbers are right"},     {"w2", 3, 6, "w1.npy gives 5"},
               {"inputs", 4, 6, "rows of 7 are right"}, {"inputs", 0, 7, ""},
               {"calibration", 9, 8, "rows of 7"},      {"w1", 5, 0, ""},
               {"w1", 5, 4097, "at most 4096"}};
  for (const auto& [name, rows, cols, reason] : wrong) {
    const std::filesystem::path kept = folder_.path() / "kept";
    std::filesystem::rename(file(name), kept);
    put(name, uniform_matrix(rows, cols, 1));
    const bool large = cols > 4096;
    expect_refused(large ? ErrorCode::too_large : ErrorCode::malformed, name, reason);
    std::filesystem::rename(kept, file(name));
  }
}

TEST_F(BenchNetworkTest, ReadsWhatIsThere) {
  const BenchNetwork read = read_bench_network(folder_.path()).value();
  EXPECT_EQ(read.first.weight.values, uniform_matrix(5, 7, 1).values);
  EXPECT_EQ(read.first.bias, uniform_matrix(1, 5, 2).values);
  EXPECT_EQ(read.second.weight.values, uniform_matrix(3, 5, 3).values);
  EXPECT_EQ(read.second.bias, uniform_matrix(1, 3, 4).values);
  EXPECT_EQ(read.inputs.values, uniform_matrix(4, 7, 5).values);
  EXPECT_EQ(read.calibration.rows, 9u);
}

}  // namespace
}  // namespace cryptotl

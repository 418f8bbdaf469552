#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "cryptotl/data/feature_file.h"

namespace cryptotl {

/// A folder of its own for every test, gone after it.
class TableTest : public testing::Test {
 protected:
  TableTest() {
    std::string name = (std::filesystem::temp_directory_path() / "cryptotl-data-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
    folder_ = name;
  }
  ~TableTest() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path write(const std::string& name, std::string_view content) const {
    // Without the fsync of write_file: some tests write thousands of files.
    std::ofstream(folder_ / name, std::ios::binary) << content;
    return folder_ / name;
  }

  /// Holds a refusal to its code and to what its line says, the file's path before it left out.
  void expect_refusal(const Result<Table>& table, ErrorCode code, std::string_view message) const {
    ASSERT_FALSE(table.ok());
    EXPECT_EQ(name(table.error().code()), name(code));
    const std::string what = table.error().what();
    EXPECT_EQ(what.find('\n'), what.npos);
    const std::string start = (folder_ / "").string();
    ASSERT_TRUE(what.starts_with(start)) << what;
    EXPECT_EQ(what.substr(start.size()), message);
  }

  std::filesystem::path folder_;
};

}  // namespace cryptotl

#include <gmock/gmock.h>

#include <cmath>
#include <limits>

#include "cryptotl/base/file.h"
#include "cryptotl/data/limits.h"
#include "data/table_fixture.h"

namespace cryptotl {
namespace {

using testing::ElementsAre;

constexpr std::string_view kMagic = "\x93NUMPY";

template <typename T>
std::string raw(const std::vector<T>& values) {
  return std::string(as_text({reinterpret_cast<const uint8_t*>(values.data()), values.size() * sizeof(T)}));
}

/// An NPY file as NumPy lays it out, around any header text.
std::string npy(const std::string& header, const std::string& data, uint8_t major = 1) {
  ByteWriter writer;
  writer.text(kMagic);
  writer.number(major);
  writer.number<uint8_t>(0);
  if (major == 1) {
    writer.number(static_cast<uint16_t>(header.size()));
  } else {
    writer.number(static_cast<uint32_t>(header.size()));
  }
  writer.text(header);
  writer.text(data);
  return std::string(as_text(writer.take()));
}

std::string header(const std::string& type, const std::string& shape, const std::string& fortran = "False") {
  return "{'descr': '" + type + "', 'fortran_order': " + fortran + ", 'shape': " + shape + ", }          \n";
}

class Npy : public TableTest {
 protected:
  Result<Table> read(const std::string& content) const {
    return read_table(write("f.npy", content), {.label_column = {}, .labels = {}, .expects_labels = false});
  }
  Result<Table> read(const std::string& content, const std::string& labels) const {
    return read_table(write("f.npy", content), {.label_column = {}, .labels = write("labels", labels)});
  }
  void expect_malformed(const std::string& content, std::string_view message) const {
    SCOPED_TRACE(message);
    expect_refusal(read(content), ErrorCode::malformed, message);
  }
};

const std::string kTwoRows = npy(header("<f4", "(2, 2)"), raw<float>({1, 2, 3, 4}));

TEST_F(Npy, RefusesOtherTypes) {
  const std::string data = raw<double>({1, 2, 3, 4});
  expect_malformed(npy(header(">f8", "(2, 2)"), data),
                   "f.npy: big-endian numbers (>f8); little-endian ones are read");
  expect_malformed(npy(header("|O", "(2, 2)"), data),
                   "f.npy: Python objects (|O); float16, float32 or float64 are read");
  expect_malformed(npy(header("<i8", "(2, 2)"), data),
                   "f.npy: an array of type <i8; float16, float32 or float64 is read");
  expect_malformed(npy(header("<f16", "(1, 2)"), data),
                   "f.npy: an array of type <f16; float16, float32 or float64 is read");
  expect_malformed(
      npy("{'descr': [('a', '<f8'), ('b', '<f8')], 'fortran_order': False, 'shape': (2, 1), }\n", data),
      "f.npy: an array of type a structured type; float16, float32 or float64 is read");
}

TEST_F(Npy, RefusesFortranOrder) {
  expect_malformed(npy(header("<f4", "(2, 2)", "True"), raw<float>({1, 2, 3, 4})),
                   "f.npy: Fortran order; C order is read (numpy.ascontiguousarray before numpy.save)");
}

TEST_F(Npy, RefusesOtherShapes) {
  const std::string data = raw<float>({1, 2, 3, 4});
  expect_malformed(npy(header("<f4", "(4,)"), data),
                   "f.npy: an array of shape (4); two dimensions, rows and columns, are read");
  expect_malformed(npy(header("<f4", "()"), data),
                   "f.npy: an array of shape (); two dimensions, rows and columns, are read");
  expect_malformed(npy(header("<f4", "(1, 2, 2)"), data),
                   "f.npy: an array of shape (1, 2, 2); two dimensions, rows and columns, are read");
  expect_malformed(npy(header("<f4", "(0, 4)"), ""), "f.npy: an empty array, of shape (0, 4)");
  expect_malformed(npy(header("<f4", "(4, 0)"), ""), "f.npy: an empty array, of shape (4, 0)");
}

TEST_F(Npy, RefusesHugeShapesBeforeTakingMemory) {
  for (const std::string shape :
       {"(4194305, 1)", "(1, 65537)", "(4194304, 65536)", "(4294967296, 4294967296)",
        "(18446744073709551615, 2)", "(9223372036854775808, 2)"}) {
    expect_refusal(read(npy(header("<f4", shape), raw<float>({1, 2}))), ErrorCode::too_large,
                   "f.npy: an array of shape " + shape +
                       "; at most 4194304 rows, 65536 columns and 268435456 values are read");
  }
  expect_malformed(npy(header("<f8", "(4096, 65536)"), ""),
                   "f.npy: truncated: 0 bytes of data where the shape needs 2147483648");
  expect_malformed(npy(header("<f4", "(99999999999999999999, 2)"), ""),
                   "f.npy: the NPY header is not a dictionary of descr, fortran_order and shape");
}

TEST_F(Npy, RefusesBrokenHeaders) {
  for (const std::string text :
       {"", "\n", "{}", "{'descr': '<f4'}", "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2)",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2)} x",
        "{'descr': '<f4', 'fortran_order': 0, 'shape': (2, 2)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': [2, 2]}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (-2, 2)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2 2)}",
        "{'descr': '<f4, 'fortran_order': False, 'shape': (2, 2)}",
        "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (2, 2)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), 'more': '1'}",
        "{'descr': [[[, 'fortran_order': False, 'shape': (2, 2)}", "{,}",
        "{'descr': 'a\nb', 'fortran_order': False, 'shape': (2, 2)}",
        "{'descr': '<f4567890123456789', 'fortran_order': False, 'shape': (2, 2)}"}) {
    SCOPED_TRACE(text);
    expect_malformed(npy(text, raw<float>({1, 2, 3, 4})),
                     "f.npy: the NPY header is not a dictionary of descr, fortran_order and shape");
  }
}

TEST_F(Npy, RefusesOtherVersionsAndLongHeaders) {
  for (const uint8_t major : {uint8_t{0}, uint8_t{4}, uint8_t{255}}) {
    expect_refusal(read(npy(header("<f4", "(2, 2)"), "", major)), ErrorCode::unsupported_version,
                   "f.npy: NPY version " + std::to_string(major) + ".0; 1.0, 2.0 or 3.0 is read");
  }
  expect_refusal(read(npy(std::string(65537, ' '), "", 2)), ErrorCode::too_large,
                 "f.npy: an NPY header of 65537 bytes; at most 65536 are read");
}

TEST_F(Npy, RefusesNumbersThatAreNotFinite) {
  const auto message = "f.npy, row 2, column 1: NaN or infinity; a finite number is wanted";
  const double infinity = std::numeric_limits<double>::infinity();
  expect_malformed(npy(header("<f8", "(2, 2)"), raw<double>({1, 2, std::nan(""), 4})), message);
  expect_malformed(npy(header("<f4", "(2, 2)"), raw<float>({1, 2, static_cast<float>(-infinity), 4})),
                   message);
  for (const uint16_t half : std::vector<uint16_t>{0x7C00, 0xFC00, 0x7E00, 0x7C01}) {
    expect_malformed(npy(header("<f2", "(2, 2)"), raw<uint16_t>({0, 0, half, 0})), message);
  }
}

TEST_F(Npy, RefusesEveryTruncationAndOneByteMore) {
  for (size_t length = kMagic.size(); length < kTwoRows.size(); ++length) {
    SCOPED_TRACE(length);
    const auto table = read(kTwoRows.substr(0, length));
    ASSERT_FALSE(table.ok());
    EXPECT_EQ(table.error().code(), ErrorCode::malformed);
    EXPECT_NE(std::string(table.error().what()).find("truncated"), std::string::npos) << table.error().what();
  }
  for (size_t length = 0; length < kMagic.size(); ++length) {
    const auto table = read(kTwoRows.substr(0, length));
    ASSERT_FALSE(table.ok());
    EXPECT_EQ(table.error().code(), ErrorCode::malformed);
  }
  expect_malformed(kTwoRows + "x", "f.npy: bytes after the array: 17 bytes of data where the shape needs 16");
}

TEST_F(Npy, WithAnyByteReplacedNeverCrashes) {
  for (size_t position = 0; position < kTwoRows.size(); ++position) {
    for (const int byte : {0, 1, 9, 39, 48, 57, 91, 125, 127, 128, 255}) {
      std::string changed = kTwoRows;
      changed[position] = static_cast<char>(byte);
      const auto table = read(changed);
      if (table.ok()) {
        EXPECT_EQ(table->features.values.size(), table->features.rows * table->features.cols);
      }
    }
  }
}

TEST_F(Npy, RefusesOptionsThatDoNotFit) {
  expect_refusal(read_table(write("f.npy", kTwoRows)), ErrorCode::invalid_argument,
                 "f.npy: labels are needed, in a second file beside an NPY file");
  expect_refusal(read_table(write("f.npy", kTwoRows), {.label_column = "label", .labels = {}}),
                 ErrorCode::invalid_argument,
                 "f.npy: an NPY file has no label column; a second file holds its labels");
}

TEST_F(Npy, RefusesLabelsThatDoNotFitTheRows) {
  const std::string rows = " labels for the 2 rows of " + (folder_ / "f.npy").string();
  expect_refusal(read(kTwoRows, "a\n"), ErrorCode::malformed, "labels: 1" + rows);
  expect_refusal(read(kTwoRows, "a\nb\nc\n"), ErrorCode::malformed, "labels: 3" + rows);
  expect_refusal(read(kTwoRows, npy(header("|u1", "(3,)"), raw<uint8_t>({0, 1, 2}))), ErrorCode::malformed,
                 "labels: 3" + rows);
}

TEST_F(Npy, RefusesBrokenLabelFiles) {
  const auto expect = [&](const std::string& labels, std::string_view message) {
    SCOPED_TRACE(message);
    expect_refusal(read(kTwoRows, labels), ErrorCode::malformed, message);
  };
  expect("", "labels: the file is empty; one label a line is wanted");
  expect("a\n\nb\n", "labels, row 2: the label is empty");
  expect("a\n \n", "labels, row 2: the label is empty");
  expect("a\nb\xFF\n", "labels, row 2: not UTF-8 text; a label is wanted");
  expect(npy(header("<f4", "(2,)"), raw<float>({0, 1})), "labels: labels of type <f4; integers are read");
  expect(npy(header(">i4", "(2,)"), raw<int32_t>({0, 1})),
         "labels: big-endian numbers (>i4); little-endian ones are read");
  expect(npy(header("|O", "(2,)"), "xx"), "labels: Python objects (|O); integers are read");
  expect(npy(header("|u1", "(2, 1)"), raw<uint8_t>({0, 1})),
         "labels: an array of shape (2, 1); one dimension is read");
  expect(npy(header("<i8", "(2,)"), raw<int64_t>({0})),
         "labels: truncated: 8 bytes of data where the shape needs 16");
}

TEST_F(Npy, RefusesTooManyLabels) {
  std::string labels;
  for (size_t i = 0; i <= kMaxTableRows; ++i) labels += "a\n";
  expect_refusal(read(kTwoRows, labels), ErrorCode::too_large,
                 "labels, row 4194305: more labels than the 4194304 rows that a table may have");
}

TEST_F(Npy, ReadsEveryTypeAndVersion) {
  for (const uint8_t major : {uint8_t{1}, uint8_t{2}, uint8_t{3}}) {
    EXPECT_THAT(
        read(npy(header("<f4", "(2, 2)"), raw<float>({1.5f, -2, 3, 0}), major)).value().features.values,
        ElementsAre(1.5, -2, 3, 0));
    const Table table = read(npy(header("<f8", "(1, 3)"), raw<double>({0.1, -5e-324, 1e308}), major)).value();
    EXPECT_EQ(table.features.rows, 1u);
    EXPECT_EQ(table.features.cols, 3u);
    EXPECT_THAT(table.features.values, ElementsAre(0.1, -5e-324, 1e308));
  }
}

TEST_F(Npy, ReadsHalvesExactly) {
  // 1, -2, the largest, the smallest normal, the smallest and the largest subnormal, minus zero, 1 + 2^-10
  const Table table =
      read(npy(header("<f2", "(2, 4)"),
               raw<uint16_t>({0x3C00, 0xC000, 0x7BFF, 0x0400, 0x0001, 0x03FF, 0x8000, 0x3C01})))
          .value();
  EXPECT_THAT(table.features.values, ElementsAre(1, -2, 65504, std::ldexp(1, -14), std::ldexp(1, -24),
                                                 std::ldexp(1023, -24), -0.0, 1 + std::ldexp(1, -10)));
  EXPECT_TRUE(std::signbit(table.features.values[6]));
}

TEST_F(Npy, ReadsLabelsOfEveryIntegerType) {
  const auto labels = [&](const std::string& type, const std::string& data) {
    return read(kTwoRows, npy(header(type, "(2,)"), data)).value().labels;
  };
  EXPECT_THAT(labels("|b1", raw<uint8_t>({0, 1})), ElementsAre("0", "1"));
  EXPECT_THAT(labels("|u1", raw<uint8_t>({0, 255})), ElementsAre("0", "255"));
  EXPECT_THAT(labels("|i1", raw<int8_t>({-1, 1})), ElementsAre("-1", "1"));
  EXPECT_THAT(labels("<u2", raw<uint16_t>({0, 65535})), ElementsAre("0", "65535"));
  EXPECT_THAT(labels("<i2", raw<int16_t>({-1, 1})), ElementsAre("-1", "1"));
  EXPECT_THAT(labels("<u4", raw<uint32_t>({0, 4294967295})), ElementsAre("0", "4294967295"));
  EXPECT_THAT(labels("<i4", raw<int32_t>({-1, 1})), ElementsAre("-1", "1"));
  EXPECT_THAT(labels("<u8", raw<uint64_t>({0, UINT64_MAX})), ElementsAre("0", "18446744073709551615"));
  EXPECT_THAT(labels("<i8", raw<int64_t>({INT64_MIN, 1})), ElementsAre("-9223372036854775808", "1"));
}

TEST_F(Npy, ReadsLabelsOfATextFile) {
  EXPECT_THAT(read(kTwoRows, "spam\nham").value().labels, ElementsAre("spam", "ham"));
  EXPECT_THAT(read(kTwoRows, "1.0\r\n no spam \r\n\r\n").value().labels, ElementsAre("1", "no spam"));
}

TEST_F(Npy, WritesWhatItReads) {
  Matrix matrix(3, 2);
  matrix.values = {0.1, -1e-300, 3, 4, 5, std::nextafter(1.0, 2.0)};
  write_npy(folder_ / "out.npy", matrix).value();
  const Table table =
      read_table(folder_ / "out.npy", {.label_column = {}, .labels = {}, .expects_labels = false}).value();
  EXPECT_EQ(table.features.rows, 3u);
  EXPECT_EQ(table.features.cols, 2u);
  EXPECT_EQ(table.features.values, matrix.values);
  // numpy.save's own layout: data from a multiple of 64 on, the header ends in a line feed
  const Bytes bytes = read_file(folder_ / "out.npy").value();
  EXPECT_EQ(bytes.size(), 128 + matrix.values.size() * sizeof(double));
  EXPECT_EQ(bytes[127], '\n');
}

TEST_F(Npy, SaysWhereItCannotWrite) {
  const Status status = write_npy(folder_ / "none" / "out.npy", Matrix(1, 1));
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code(), ErrorCode::not_found);
}

}  // namespace
}  // namespace cryptotl

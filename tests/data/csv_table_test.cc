#include <gmock/gmock.h>

#include "cryptotl/data/limits.h"
#include "data/table_fixture.h"

namespace cryptotl {
namespace {

using testing::ElementsAre;

class CsvTable : public TableTest {
 protected:
  Result<Table> read(std::string_view content, const TableOptions& options = {}) const {
    return read_table(write("t.csv", content), options);
  }
  void expect_malformed(std::string_view content, std::string_view message,
                        const TableOptions& options = {}) const {
    SCOPED_TRACE(content);
    expect_refusal(read(content, options), ErrorCode::malformed, message);
  }
};

TableOptions with_label(std::string column) { return {.label_column = std::move(column), .labels = {}}; }
const TableOptions kWithoutLabels = {.label_column = {}, .labels = {}, .expects_labels = false};

TEST_F(CsvTable, RefusesAFileThatIsNotThere) {
  const auto table = read_table(folder_ / "none.csv");
  ASSERT_FALSE(table.ok());
  EXPECT_EQ(table.error().code(), ErrorCode::not_found);
}

TEST_F(CsvTable, RefusesAnEmptyFile) {
  expect_malformed("", "t.csv: the file is empty");
  expect_malformed("\r\n\n", "t.csv: the file is empty");
  expect_malformed("\xEF\xBB\xBF", "t.csv: the file is empty");
}

TEST_F(CsvTable, RefusesAHeaderWithoutRows) {
  expect_malformed("a,b,label\n", "t.csv: no rows after the header line");
  expect_malformed("text,label\r\n", "t.csv: no rows after the header line");
}

TEST_F(CsvTable, RefusesMixedColumnCountsWithTheLine) {
  expect_malformed("1,2,x\n1,2\n", "t.csv, row 2: 2 columns where the first row has 3");
  expect_malformed("a,b,label\n1,2,x\n1,2,3,y\n", "t.csv, row 3: 4 columns where the first row has 3");
  expect_malformed("1,2,x\n\n1,2,y\n", "t.csv, row 2: 1 columns where the first row has 3");
  expect_malformed("text,label\nhello, world,1\n", "t.csv, row 2: 3 columns where the first row has 2");
}

TEST_F(CsvTable, CountsTheLinesInsideOfQuotesInItsRows) {
  expect_malformed("text,label\n\"two\nlines\",1\nno label\n",
                   "t.csv, row 4: 1 columns where the first row has 2");
}

TEST_F(CsvTable, RefusesNumbersThatAreNotFinite) {
  constexpr std::string_view kWhat =
      "NaN, infinity or beyond the range of a double; a finite number is wanted";
  for (const std::string bad : {"nan", "NaN", "inf", "-inf", "Infinity", "1e999", "-1e999"}) {
    expect_malformed("1,2,x\n3," + bad + ",y\n", "t.csv, row 2, column 2: " + std::string(kWhat));
    expect_malformed(bad + ",2,x\n", "t.csv, row 1, column 1: " + std::string(kWhat));
  }
}

TEST_F(CsvTable, RefusesTextWhereNumbersBelong) {
  constexpr std::string_view kWhat =
      "text where a number belongs (a table of texts has a header line with a column called \"text\")";
  for (const std::string bad : {"abc", "1.2.3", "0x10", "1,5", "--1", "+-1", "1 2", "1e"}) {
    expect_malformed("1,2,x\n3,\"" + bad + "\",y\n", "t.csv, row 2, column 2: " + std::string(kWhat));
  }
  expect_malformed("1,abc,x\n3,4,y\n", "t.csv, row 1, column 2: " + std::string(kWhat));
  expect_malformed("\"a text\",1\n\"another\",0\n", "t.csv, row 1, column 1: " + std::string(kWhat));
}

TEST_F(CsvTable, RefusesEmptyFields) {
  expect_malformed("1,2,x\n1,,y\n", "t.csv, row 2, column 2: an empty field where a number belongs");
  expect_malformed("1,2,x\n1,2,\n", "t.csv, row 2, column 3: the label is empty");
  expect_malformed("text,label\nhello, \n", "t.csv, row 2, column 2: the label is empty");
}

TEST_F(CsvTable, RefusesQuotesThatBreakTheFormat) {
  expect_malformed("text,label\na,1\n\"never\nends,1\n",
                   "t.csv, row 3, column 1: the quote that opens here never closes");
  expect_malformed("text,label\na,1\nb,\"1",
                   "t.csv, row 3, column 2: the quote that opens here never closes");
  expect_malformed("text,label\n\"a\" b,1\n",
                   "t.csv, row 2, column 1: text after a closing quote where a comma belongs");
  expect_malformed(
      "text,label\nsay \"hi\",1\n",
      "t.csv, row 2, column 1: a quote inside a field that does not start with one (RFC 4180 has it "
      "doubled, in quotes)");
}

TEST_F(CsvTable, RefusesACarriageReturnAlone) {
  expect_malformed("1,2\r3,4\n", "t.csv, row 1, column 2: a carriage return without a line feed");
}

TEST_F(CsvTable, RefusesBytesThatAreNoUtf8WithTheLine) {
  for (const std::string bad : {"\xFF", "\xC0\x80", "\xE2\x82", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\x80"}) {
    expect_malformed("text,label\na,1\nb" + bad + ",0\n",
                     "t.csv, row 3: not UTF-8 text; a CSV or NPY file is wanted");
  }
  expect_malformed(std::string_view("1,2\n\0,3\n", 8),
                   "t.csv, row 2: not UTF-8 text; a CSV or NPY file is wanted");
}

TEST_F(CsvTable, RefusesALabelColumnThatIsNotThere) {
  const auto expect = [&](std::string_view content, const std::string& column, std::string_view message) {
    SCOPED_TRACE(column);
    expect_refusal(read(content, with_label(column)), ErrorCode::invalid_argument, message);
  };
  expect("a,b,c\n1,2,x\n", "d",
         "t.csv, row 1: no label column \"d\"; a name in this line or a number from 1 to 3 is wanted");
  expect("a,b,c\n1,2,x\n", "4",
         "t.csv, row 1: no label column \"4\"; a name in this line or a number from 1 to 3 is wanted");
  expect("1,2,x\n3,4,y\n", "c", "t.csv, row 1: no label column \"c\"; a number from 1 to 3 is wanted");
  expect("1,2,x\n3,4,y\n", "0", "t.csv, row 1: no label column \"0\"; a number from 1 to 3 is wanted");
  expect("1,2,x\n3,4,y\n", "-1", "t.csv, row 1: no label column \"-1\"; a number from 1 to 3 is wanted");
  expect("1,2,x\n3,4,y\n", "99999999999999999999",
         "t.csv, row 1: no label column \"99999999999999999999\"; a number from 1 to 3 is wanted");
  expect("text,label\na,1\n", "text", "t.csv, row 1: the label column is the column of texts");
  expect_malformed(
      "text,class\na,1\n",
      "t.csv, row 1: no column is called \"label\"; the option for the label column can name another");
  expect_malformed("label,a,label\nx,1,y\n", "t.csv, row 1: two columns are called \"label\"");
  expect_malformed("text,label,text\nx,1,y\n", "t.csv, row 1: two columns are called \"text\"");
  expect_malformed("1\n2\n",
                   "t.csv, row 1: one column only, where features and a label belong, separated by commas");
  expect_malformed("1;2;3\n",
                   "t.csv, row 1: one column only, where features and a label belong, separated by commas");
}

TEST_F(CsvTable, RefusesALabelFileBesideIt) {
  expect_refusal(read("1,2\n", {.label_column = {}, .labels = "labels.txt"}), ErrorCode::invalid_argument,
                 "t.csv: a second file of labels belongs to an NPY file, and this is none");
}

TEST_F(CsvTable, RefusesTooManyColumns) {
  expect_refusal(read(std::string(kMaxTableColumns, ',') + "\n"), ErrorCode::too_large,
                 "t.csv, row 1: more than 65536 columns");
}

TEST_F(CsvTable, RefusesTooManyRows) {
  std::string rows;
  for (size_t i = 0; i <= kMaxTableRows; ++i) rows += "1,a\n";
  expect_refusal(read(rows), ErrorCode::too_large,
                 "t.csv, row 4194305: more rows than the 4194304 that a table may have");
}

TEST_F(CsvTable, RefusesAFileBeyondTheLimitWithoutReadingIt) {
  const auto path = write("t.csv", "1,2\n");
  std::filesystem::resize_file(path, kMaxTableBytes + 1);  // sparse: takes no disk
  const auto table = read_table(path);
  ASSERT_FALSE(table.ok());
  EXPECT_EQ(table.error().code(), ErrorCode::too_large);
}

TEST_F(CsvTable, NeverRepeatsTheContentInItsMessages) {
  const auto table = read("1,2,x\n3,secret,y\n");
  ASSERT_FALSE(table.ok());
  EXPECT_EQ(std::string(table.error().what()).find("secret"), std::string::npos);
}

TEST_F(CsvTable, ReadsNumbersWithAndWithoutAHeader) {
  for (const std::string header : {"", "a,b,class\n",
                                   "\xEF\xBB\xBF"
                                   "a,b,class\r\n"}) {
    SCOPED_TRACE(header);
    const Table table = read(header + "1,-2.5e-3,x\n +3 ,\"4\",y\r\n").value();
    EXPECT_EQ(table.rows(), 2u);
    EXPECT_EQ(table.features.cols, 2u);
    EXPECT_THAT(table.features.values, ElementsAre(1, -0.0025, 3, 4));
    EXPECT_THAT(table.labels, ElementsAre("x", "y"));
    EXPECT_FALSE(table.has_texts());
  }
}

TEST_F(CsvTable, ReadsEveryDoubleExactly) {
  const Table table = read("0.1,5e-324,1.7976931348623157e308,-0,1e-999,x\n").value();
  EXPECT_THAT(table.features.values, ElementsAre(0.1, 5e-324, 1.7976931348623157e308, -0.0, 0));
}

TEST_F(CsvTable, KnowsTheCountingHeaderOfPandas) {
  const Table table = read("0,1,2,3,label\n5,6,7,8,x\n5,6,7,9,y\n").value();
  EXPECT_EQ(table.rows(), 2u);
  EXPECT_THAT(table.labels, ElementsAre("x", "y"));
  EXPECT_EQ(read("1,2,3,4,5\n5,6,7,8,0\n").value().rows(), 1u);
  EXPECT_EQ(read("1,2,3,5,6\n5,6,7,8,0\n").value().rows(), 2u);
  EXPECT_EQ(read("0,1,2\n5,6,0\n").value().rows(), 2u);  // three could be data
}

TEST_F(CsvTable, TakesTheLabelColumnByNameByNumberOrByDefault) {
  constexpr std::string_view kTable = "kind,a,b\nx,1,2\ny,3,4\n";
  for (const std::string column : {"kind", "1"}) {
    const Table table = read(kTable, with_label(column)).value();
    EXPECT_THAT(table.features.values, ElementsAre(1, 2, 3, 4));
    EXPECT_THAT(table.labels, ElementsAre("x", "y"));
  }
  EXPECT_THAT(read("1,2,x\n", with_label("3")).value().labels, ElementsAre("x"));
  EXPECT_THAT(read("1,2\n3,4\n", with_label("1")).value().labels, ElementsAre("1", "3"));
  EXPECT_THAT(read("label,a,b\nx,1,2\n").value().labels, ElementsAre("x"));
  EXPECT_THAT(read("a,b,kind\n1,2,x\n").value().labels, ElementsAre("x"));
}

TEST_F(CsvTable, SpellsWholeLabelsAsIntegers) {
  EXPECT_THAT(read("1,0.000e+00\n1,1.000e+00\n1,-2.0\n1,0.5\n1,07\n1, v1.0 \n").value().labels,
              ElementsAre("0", "1", "-2", "0.5", "07", "v1.0"));
}

TEST_F(CsvTable, ReadsRowsWithoutLabelsWhereNoneAreExpected) {
  const Table numbers = read("1,2\n3,4\n", kWithoutLabels).value();
  EXPECT_EQ(numbers.features.cols, 2u);
  EXPECT_TRUE(numbers.labels.empty());
  const Table texts = read("text\none\ntwo\n", kWithoutLabels).value();
  EXPECT_THAT(texts.texts, ElementsAre("one", "two"));
  EXPECT_TRUE(texts.labels.empty());
  EXPECT_THAT(read("a,label\n1,x\n", kWithoutLabels).value().labels, ElementsAre("x"));
}

TEST_F(CsvTable, ReadsTextsByRfc4180) {
  const Table table =
      read(
          "\"text\",\"label\"\r\n\"say \"\"hi\"\", twice\",\"1\"\r\n\"two\r\nlines\",0\r\nplain,ham\r\n"
          "\"\",1\r\nG\xC3\xBC\xE2\x82\xAC\xF0\x9F\x98\x80,0")
          .value();
  EXPECT_TRUE(table.has_texts());
  EXPECT_EQ(table.features.rows, 0u);
  EXPECT_THAT(table.texts, ElementsAre("say \"hi\", twice", "two\r\nlines", "plain", "",
                                       "G\xC3\xBC\xE2\x82\xAC\xF0\x9F\x98\x80"));
  EXPECT_THAT(table.labels, ElementsAre("1", "0", "ham", "1", "0"));
}

TEST_F(CsvTable, ReadsTextsWithTheirColumnsInAnyOrder) {
  const Table table = read("id,label,text\n7,x,hello\n", {}).value();
  EXPECT_THAT(table.texts, ElementsAre("hello"));
  EXPECT_THAT(table.labels, ElementsAre("x"));
}

// A cut CSV may still be a table (the end of a file is the end of a record), but then of the same rows as far
// as they go: only the last one may differ.
TEST_F(CsvTable, CutAtAnyByteIsRefusedOrAPrefix) {
  const std::string whole = "text,label\r\n\"a \"\"b\"\", c\",yes\r\n\"two\nlines\",no\r\nG\xC3\xBC,yes\r\n";
  const Table full = read(whole).value();
  size_t refused = 0;
  for (size_t length = 0; length < whole.size(); ++length) {
    SCOPED_TRACE(length);
    const auto cut = read(whole.substr(0, length));
    if (!cut.ok()) {
      ++refused;
      EXPECT_EQ(cut.error().code(), ErrorCode::malformed);
      EXPECT_TRUE(std::string(cut.error().what()).starts_with((folder_ / "t.csv").string()));
      continue;
    }
    ASSERT_LE(cut->rows(), full.rows());
    for (size_t row = 0; row + 1 < cut->rows(); ++row) EXPECT_EQ(cut->texts[row], full.texts[row]);
  }
  EXPECT_GT(refused, whole.size() / 2);
}

TEST_F(CsvTable, WithAnyByteReplacedNeverCrashes) {
  const std::string whole = "a,b,label\r\n1.5,\"2\",x\r\n-3e2,4,\"y\"\r\n";
  for (size_t position = 0; position < whole.size(); ++position) {
    for (int byte = 0; byte < 256; ++byte) {
      std::string changed = whole;
      changed[position] = static_cast<char>(byte);
      const auto table = read(changed);
      if (table.ok()) {
        EXPECT_EQ(table->features.values.size(), table->features.rows * table->features.cols);
        EXPECT_TRUE(table->labels.size() == table->rows());
      }
    }
  }
}

}  // namespace
}  // namespace cryptotl

#include "csv_table.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "cryptotl/data/limits.h"
#include "csv.h"
#include "number.h"
#include "place.h"
#include "utf8.h"

namespace cryptotl {
namespace {

using Fields = std::vector<std::string_view>;

constexpr std::string_view kTextColumn = "text";
constexpr std::string_view kLabelColumn = "label";

/// What the columns of a table are, found from its first record. Columns count from 0.
struct Layout {
  bool has_header = false;
  size_t columns = 0;
  std::optional<size_t> text;  ///< set in a table of texts only
  std::optional<size_t> label;
};

/// Whether the numbers count up from 0 or 1: the header that pandas gives to columns without names. A row of
/// data would hardly begin so.
bool counts_up(const Fields& fields) {
  constexpr size_t kConvincing = 4;
  size_t counted = 0;
  std::optional<double> previous;
  for (const std::string_view field : fields) {
    const std::optional<double> value = parse_number(field);
    if (!value) break;
    if (previous ? *value != *previous + 1 : *value != 0 && *value != 1) return false;
    previous = value;
    ++counted;
  }
  return counted >= kConvincing && counted + 1 >= fields.size();
}

bool is_header(const Fields& fields) {
  return std::none_of(fields.begin(), fields.end(),
                      [](auto field) { return parse_number(field).has_value(); }) ||
         counts_up(fields);
}

/// The one column of this name, nothing where there is none, malformed where there are several.
Result<std::optional<size_t>> find_column(const Fields& header, std::string_view name, const Place& place) {
  const auto same = [&](std::string_view field) { return trim(field) == name; };
  const auto found = std::find_if(header.begin(), header.end(), same);
  if (found == header.end()) return std::optional<size_t>();
  if (std::find_if(found + 1, header.end(), same) != header.end()) {
    return place.malformed("two columns are called \"" + std::string(name) + "\"");
  }
  return std::optional<size_t>(static_cast<size_t>(found - header.begin()));
}

/// The column that the option names, by name where a header has it, else by number.
Result<std::optional<size_t>> named_column(const Fields& first, bool has_header, const std::string& name,
                                           const Place& place) {
  if (has_header) {
    auto found = find_column(first, name, place);
    if (!found.ok() || *found) return found;
  }
  size_t number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (error == std::errc() && end == name.data() + name.size() && number >= 1 && number <= first.size()) {
    return std::optional<size_t>(number - 1);
  }
  return place.error(ErrorCode::invalid_argument,
                     "no label column \"" + name + "\"; a " + (has_header ? "name in this line or a " : "") +
                         "number from 1 to " + std::to_string(first.size()) + " is wanted");
}

Result<std::optional<size_t>> default_label_column(const Fields& first, const Layout& layout, bool expected,
                                                   const Place& place) {
  if (layout.has_header) {
    auto found = find_column(first, kLabelColumn, place);
    if (!found.ok() || *found) return found;
  }
  if (!expected) return std::optional<size_t>();
  if (layout.text) {
    return place.malformed("no column is called \"label\"; the option for the label column can name another");
  }
  return std::optional<size_t>(first.size() - 1);
}

Result<Layout> find_layout(const Fields& first, const TableOptions& options, const Place& place) {
  Layout layout;
  layout.columns = first.size();
  layout.has_header = is_header(first);
  if (layout.has_header) {
    auto text = find_column(first, kTextColumn, place);
    if (!text.ok()) return text.error();
    layout.text = *text;
  }
  auto label = options.label_column ? named_column(first, layout.has_header, *options.label_column, place)
                                    : default_label_column(first, layout, options.expects_labels, place);
  if (!label.ok()) return label.error();
  layout.label = *label;
  if (layout.text && layout.text == layout.label) {
    return place.error(ErrorCode::invalid_argument, "the label column is the column of texts");
  }
  if (layout.columns == 1 && layout.label) {
    return place.malformed("one column only, where features and a label belong, separated by commas");
  }
  return layout;
}

/// Appends records to a table whose layout is known.
class TableBuilder {
 public:
  TableBuilder(const Layout& layout, const std::filesystem::path& file) : layout_(layout), file_(file) {
    if (!layout_.text) table_.features.cols = layout_.columns - (layout_.label ? 1 : 0);
  }

  Status add(const Fields& fields, size_t row) {
    if (fields.size() != layout_.columns) {
      return Place{file_, row}.malformed(std::to_string(fields.size()) + " columns where the first row has " +
                                         std::to_string(layout_.columns));
    }
    if (rows_ == kMaxTableRows || table_.features.values.size() + table_.features.cols > kMaxTableValues) {
      return Place{file_, row}.error(
          ErrorCode::too_large, "more rows than the " + std::to_string(rows_) + " that a table may have");
    }
    ++rows_;
    if (layout_.label) CRYPTOTL_TRY(add_label(fields[*layout_.label], row));
    if (layout_.text) {
      table_.texts.emplace_back(fields[*layout_.text]);
      return {};
    }
    return add_numbers(fields, row);
  }

  Result<Table> finish() && {
    if (rows_ == 0) {
      return Place{file_}.malformed("no rows" +
                                    std::string(layout_.has_header ? " after the header line" : ""));
    }
    table_.features.rows = layout_.text ? 0 : rows_;
    return std::move(table_);
  }

 private:
  Status add_label(std::string_view field, size_t row) {
    table_.labels.push_back(canonical_label(field));
    if (table_.labels.back().empty())
      return Place{file_, row, *layout_.label + 1}.malformed("the label is empty");
    return {};
  }

  Status add_numbers(const Fields& fields, size_t row) {
    for (size_t i = 0; i < fields.size(); ++i) {
      if (i == layout_.label) continue;
      const std::optional<double> value = parse_number(fields[i]);
      if (!value) return not_a_number(fields[i], Place{file_, row, i + 1});
      if (!std::isfinite(*value)) {
        return Place{file_, row, i + 1}.malformed(
            "NaN, infinity or beyond the range of a double; a finite number is wanted");
      }
      table_.features.values.push_back(*value);
    }
    return {};
  }

  static Error not_a_number(std::string_view field, const Place& place) {
    if (trim(field).empty()) return place.malformed("an empty field where a number belongs");
    return place.malformed(
        "text where a number belongs (a table of texts has a header line with a column called \"text\")");
  }

  Layout layout_;
  const std::filesystem::path& file_;
  size_t rows_ = 0;
  Table table_;
};

/// The line on which a byte stands.
Place place_of(std::string_view text, size_t position, const std::filesystem::path& file) {
  const std::string_view before = text.substr(0, position);
  const auto lines = static_cast<size_t>(std::count(before.begin(), before.end(), '\n'));
  return {file, lines + 1};
}

}  // namespace

Result<Table> parse_csv_table(Bytes bytes, const std::filesystem::path& file, const TableOptions& options) {
  std::span<char> text(reinterpret_cast<char*>(bytes.data()), bytes.size());
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (as_text(bytes).starts_with(kByteOrderMark)) text = text.subspan(kByteOrderMark.size());
  const std::string_view view(text.data(), text.size());
  if (const size_t bad = find_invalid_utf8(view); bad != view.npos) {
    return place_of(view, bad, file).malformed("not UTF-8 text; a CSV or NPY file is wanted");
  }

  CsvReader reader(text, file);
  auto more = reader.next();
  if (!more.ok()) return more.error();
  if (!*more) return Place{file}.malformed("the file is empty");
  auto layout = find_layout(reader.fields(), options, Place{file, reader.row()});
  if (!layout.ok()) return layout.error();

  TableBuilder builder(*layout, file);
  if (!layout->has_header) CRYPTOTL_TRY(builder.add(reader.fields(), reader.row()));
  for (more = reader.next(); more.ok() && *more; more = reader.next()) {
    CRYPTOTL_TRY(builder.add(reader.fields(), reader.row()));
  }
  if (!more.ok()) return more.error();
  return std::move(builder).finish();
}

}  // namespace cryptotl

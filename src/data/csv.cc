#include "csv.h"

#include "cryptotl/data/limits.h"
#include "place.h"

namespace cryptotl {
namespace {

size_t length_without_line_ends(std::span<const char> text) {
  size_t length = text.size();
  while (length > 0 && (text[length - 1] == '\n' || text[length - 1] == '\r')) --length;
  return length;
}

}  // namespace

CsvReader::CsvReader(std::span<char> text, const std::filesystem::path& file)
    : text_(text.first(length_without_line_ends(text))), file_(file) {}

bool CsvReader::at_separator() const {
  if (position_ == text_.size()) return true;
  const char c = text_[position_];
  return c == ',' || c == '\n' || (c == '\r' && position_ + 1 < text_.size() && text_[position_ + 1] == '\n');
}

Result<bool> CsvReader::next() {
  if (position_ == text_.size()) return false;
  fields_.clear();
  row_ = line_;
  while (true) {
    CRYPTOTL_TRY(read_field());
    if (position_ == text_.size()) return true;
    const char separator = text_[position_++];
    if (separator == ',') continue;
    if (separator == '\r') ++position_;
    ++line_;
    return true;
  }
}

Status CsvReader::read_field() {
  if (fields_.size() == kMaxTableColumns) {
    return Place{file_, row_}.error(ErrorCode::too_large,
                                    "more than " + std::to_string(kMaxTableColumns) + " columns");
  }
  return position_ < text_.size() && text_[position_] == '"' ? read_quoted() : read_plain();
}

Status CsvReader::read_plain() {
  const size_t begin = position_;
  for (; !at_separator(); ++position_) {
    const Place place{file_, line_, fields_.size() + 1};
    if (text_[position_] == '"') {
      return place.malformed(
          "a quote inside a field that does not start with one (RFC 4180 has it doubled, in quotes)");
    }
    if (text_[position_] == '\r') return place.malformed("a carriage return without a line feed");
  }
  fields_.emplace_back(text_.data() + begin, position_ - begin);
  return {};
}

Status CsvReader::read_quoted() {
  const Place opening{file_, line_, fields_.size() + 1};
  const size_t begin = ++position_;
  size_t end = begin;  // the field so far, doubled quotes made single: end <= position_
  while (true) {
    if (position_ == text_.size()) return opening.malformed("the quote that opens here never closes");
    const char c = text_[position_++];
    if (c == '"') {
      if (position_ == text_.size() || text_[position_] != '"') break;
      ++position_;
    }
    if (c == '\n') ++line_;
    text_[end++] = c;
  }
  if (!at_separator()) {
    return Place{file_, line_, fields_.size() + 1}.malformed(
        "text after a closing quote where a comma belongs");
  }
  fields_.emplace_back(text_.data() + begin, end - begin);
  return {};
}

}  // namespace cryptotl

#include "npy.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <optional>

#include "cryptotl/data/limits.h"
#include "place.h"

namespace cryptotl {
namespace {

static_assert(std::endian::native == std::endian::little, "arrays are read in the byte order of the file");

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr std::string_view kFloats = "float16, float32 or float64";

/// What the header's dictionary says.
struct Header {
  std::optional<std::string> descr;
  std::optional<bool> fortran_order;
  std::optional<std::vector<size_t>> shape;
};

/// Reads the literal of a Python dictionary as numpy.lib.format writes it, and nothing more of Python.
class HeaderParser {
 public:
  explicit HeaderParser(std::string_view text) : rest_(text) {}

  /// Nothing where the text does not follow the format.
  std::optional<Header> parse() {
    Header header;
    if (!take('{')) return std::nullopt;
    while (!take('}')) {
      const auto key = string();
      if (!key || !take(':') || !value(*key, header)) return std::nullopt;
      if (!take(',') && peek() != '}') return std::nullopt;
    }
    skip_spaces();
    const bool complete = header.descr && header.fortran_order && header.shape;
    if (!rest_.empty() || !complete) return std::nullopt;
    return header;
  }

 private:
  bool value(std::string_view key, Header& header) {
    if (key == "descr" && !header.descr) {
      if (peek() == '[') {  // a structured type: its fields do not matter, it is refused by name
        header.descr = "a structured type";
        return skip_list();
      }
      header.descr = string();
      return header.descr && is_type_string(*header.descr);
    }
    if (key == "fortran_order" && !header.fortran_order) {
      if (take_word("True")) header.fortran_order = true;
      if (take_word("False")) header.fortran_order = false;
      return header.fortran_order.has_value();
    }
    if (key == "shape" && !header.shape) {
      header.shape = shape();
      return header.shape.has_value();
    }
    return false;
  }

  /// Short and printable, because messages name it.
  static bool is_type_string(std::string_view text) {
    constexpr size_t kLongest = 16;
    return text.size() <= kLongest && std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7F; });
  }

  std::optional<std::string> string() {
    const char quote = peek();
    if (quote != '\'' && quote != '"') return std::nullopt;
    const size_t end = rest_.find(quote, 1);
    if (end == rest_.npos) return std::nullopt;
    std::string out(rest_.substr(1, end - 1));
    rest_.remove_prefix(end + 1);
    return out;
  }

  std::optional<std::vector<size_t>> shape() {
    constexpr size_t kMaxDimensions = 32;  // NumPy's own bound
    std::vector<size_t> sizes;
    if (!take('(')) return std::nullopt;
    while (!take(')')) {
      const auto size = integer();
      if (!size || sizes.size() == kMaxDimensions) return std::nullopt;
      sizes.push_back(*size);
      if (!take(',') && peek() != ')') return std::nullopt;
    }
    return sizes;
  }

  /// Digits; nothing for a sign, or beyond 64 bits.
  std::optional<size_t> integer() {
    skip_spaces();
    size_t out = 0;
    const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), out);
    if (error != std::errc()) return std::nullopt;
    rest_.remove_prefix(static_cast<size_t>(end - rest_.data()));
    return out;
  }

  bool skip_list() {
    size_t depth = 0;
    do {
      if (rest_.empty()) return false;
      if (rest_[0] == '[') ++depth;
      if (rest_[0] == ']') --depth;
      rest_.remove_prefix(1);
    } while (depth != 0);
    return true;
  }

  void skip_spaces() {
    while (!rest_.empty() && (rest_[0] == ' ' || rest_[0] == '\n')) rest_.remove_prefix(1);
  }
  char peek() {
    skip_spaces();
    return rest_.empty() ? '\0' : rest_[0];
  }
  bool take(char wanted) {
    if (peek() != wanted || rest_.empty()) return false;
    rest_.remove_prefix(1);
    return true;
  }
  bool take_word(std::string_view wanted) {
    skip_spaces();
    if (!rest_.starts_with(wanted)) return false;
    rest_.remove_prefix(wanted.size());
    return true;
  }

  std::string_view rest_;
};

struct NpyFile {
  Header header;
  ByteView data;
};

Result<NpyFile> read_header(ByteView bytes, const std::filesystem::path& file) {
  const Place place{file};
  const Error truncated = place.malformed("truncated inside the NPY header");
  ByteReader reader(bytes);
  if (!reader.bytes(kMagic.size()).ok()) return truncated;
  const auto major = reader.number<uint8_t>();
  const auto minor = reader.number<uint8_t>();
  if (!major.ok() || !minor.ok()) return truncated;
  if (*major < 1 || *major > 3 || *minor != 0) {
    return place.error(
        ErrorCode::unsupported_version,
        "NPY version " + std::to_string(*major) + "." + std::to_string(*minor) + "; 1.0, 2.0 or 3.0 is read");
  }
  size_t length = 0;
  if (*major == 1) {
    const auto field = reader.number<uint16_t>();
    if (!field.ok()) return truncated;
    length = *field;
  } else {
    const auto field = reader.number<uint32_t>();
    if (!field.ok()) return truncated;
    length = *field;
  }
  if (length > kMaxNpyHeaderBytes) {
    return place.error(ErrorCode::too_large, "an NPY header of " + std::to_string(length) +
                                                 " bytes; at most " + std::to_string(kMaxNpyHeaderBytes) +
                                                 " are read");
  }
  const auto text = reader.bytes(length);
  if (!text.ok()) return truncated;
  auto header = HeaderParser(as_text(*text)).parse();
  if (!header) return place.malformed("the NPY header is not a dictionary of descr, fortran_order and shape");
  return NpyFile{*std::move(header), bytes.last(reader.remaining())};
}

std::string shape_text(const std::vector<size_t>& shape) {
  std::string out = "(";
  for (const size_t size : shape) out += (out.size() > 1 ? ", " : "") + std::to_string(size);
  return out + ")";
}

/// Refuses what no array of this library is: Fortran order, big-endian numbers, Python objects.
Status check_kind(const Header& header, std::string_view wanted, const std::filesystem::path& file) {
  const Place place{file};
  const std::string& type = *header.descr;
  if (type.starts_with('>')) {
    return place.malformed("big-endian numbers (" + type + "); little-endian ones are read");
  }
  if (type.find('O') != type.npos)
    return place.malformed("Python objects (" + type + "); " + std::string(wanted) + " are read");
  if (*header.fortran_order) {
    return place.malformed("Fortran order; C order is read (numpy.ascontiguousarray before numpy.save)");
  }
  return {};
}

/// Refuses sizes beyond the limits. After it, rows times columns cannot overflow.
Status check_size(const std::vector<size_t>& shape, size_t rows, size_t cols,
                  const std::filesystem::path& file) {
  const Place place{file};
  if (rows > kMaxTableRows || cols > kMaxTableColumns || rows * cols > kMaxTableValues) {
    return place.error(ErrorCode::too_large, "an array of shape " + shape_text(shape) + "; at most " +
                                                 std::to_string(kMaxTableRows) + " rows, " +
                                                 std::to_string(kMaxTableColumns) + " columns and " +
                                                 std::to_string(kMaxTableValues) + " values are read");
  }
  if (rows * cols == 0) return place.malformed("an empty array, of shape " + shape_text(shape));
  return {};
}

/// Both, for arrays of exactly this many dimensions.
Status check_layout(const Header& header, size_t dimensions, std::string_view wanted,
                    const std::filesystem::path& file) {
  CRYPTOTL_TRY(check_kind(header, wanted, file));
  const auto& shape = *header.shape;
  if (shape.size() != dimensions) {
    return Place{file}.malformed(
        "an array of shape " + shape_text(shape) + "; " +
        (dimensions == 2 ? "two dimensions, rows and columns, are" : "one dimension is") + " read");
  }
  return check_size(shape, shape[0], dimensions == 2 ? shape[1] : 1, file);
}

Status check_length(ByteView data, size_t wanted, const std::filesystem::path& file) {
  if (data.size() == wanted) return {};
  const Place place{file};
  return place.malformed((data.size() < wanted ? "truncated: " : "bytes after the array: ") +
                         std::to_string(data.size()) + " bytes of data where the shape needs " +
                         std::to_string(wanted));
}

/// An IEEE 754 binary16.
struct Half {
  uint16_t bits;
  explicit operator double() const {
    const int exponent = bits >> 10 & 31;
    const int fraction = bits & 1023;
    double magnitude = exponent == 0    ? std::ldexp(fraction, -24)
                       : exponent == 31 ? (fraction == 0 ? HUGE_VAL : std::nan(""))
                                        : std::ldexp(1024 + fraction, exponent - 25);
    return bits >> 15 != 0 ? -magnitude : magnitude;
  }
};

template <typename T>
T element(ByteView data, size_t index) {
  T value;
  std::memcpy(&value, data.data() + index * sizeof(T), sizeof(T));
  return value;
}

template <typename T>
Result<Matrix> read_matrix(const NpyFile& npy, size_t rows, size_t cols, const std::filesystem::path& file) {
  CRYPTOTL_TRY(check_length(npy.data, rows * cols * sizeof(T), file));
  Matrix out(rows, cols);
  for (size_t i = 0; i < out.values.size(); ++i) {
    out.values[i] = static_cast<double>(element<T>(npy.data, i));
    if (!std::isfinite(out.values[i])) {
      return Place{file, i / cols + 1, i % cols + 1}.malformed("NaN or infinity; a finite number is wanted");
    }
  }
  return out;
}

Error other_type(const std::string& type, const std::filesystem::path& file) {
  return Place{file}.malformed("an array of type " + type + "; float16, float32 or float64 is read");
}

Result<Matrix> read_floats(const NpyFile& npy, size_t rows, size_t cols, const std::filesystem::path& file) {
  const std::string& type = *npy.header.descr;
  if (type == "<f2") return read_matrix<Half>(npy, rows, cols, file);
  if (type == "<f4") return read_matrix<float>(npy, rows, cols, file);
  if (type == "<f8") return read_matrix<double>(npy, rows, cols, file);
  return other_type(type, file);
}

template <typename T>
Result<std::vector<std::string>> read_integers(const NpyFile& npy, const std::filesystem::path& file) {
  const size_t rows = (*npy.header.shape)[0];
  CRYPTOTL_TRY(check_length(npy.data, rows * sizeof(T), file));
  std::vector<std::string> out;
  out.reserve(rows);
  for (size_t i = 0; i < rows; ++i) out.push_back(std::to_string(element<T>(npy.data, i)));
  return out;
}

}  // namespace

bool is_npy(ByteView bytes) { return as_text(bytes).starts_with(kMagic); }

Result<Matrix> parse_npy_matrix(ByteView bytes, const std::filesystem::path& file) {
  const auto npy = read_header(bytes, file);
  if (!npy.ok()) return npy.error();
  CRYPTOTL_TRY(check_layout(npy->header, 2, kFloats, file));
  const std::vector<size_t>& shape = *npy->header.shape;
  return read_floats(*npy, shape[0], shape[1], file);
}

Result<Matrix> parse_npy_array(ByteView bytes, const std::filesystem::path& file) {
  const auto npy = read_header(bytes, file);
  if (!npy.ok()) return npy.error();
  CRYPTOTL_TRY(check_kind(npy->header, kFloats, file));
  const std::vector<size_t>& shape = *npy->header.shape;
  if (shape.size() > 2) {
    return Place{file}.malformed("an array of shape " + shape_text(shape) +
                                 "; at most two dimensions are read");
  }
  const size_t rows = shape.size() == 2 ? shape[0] : 1;
  const size_t cols = shape.empty() ? 1 : shape.back();
  CRYPTOTL_TRY(check_size(shape, rows, cols, file));
  return read_floats(*npy, rows, cols, file);
}

Result<NpyHeader> parse_npy_header(ByteView first_bytes, const std::filesystem::path& file) {
  if (!is_npy(first_bytes)) return Place{file}.malformed("not an NPY array");
  const auto npy = read_header(first_bytes, file);
  if (!npy.ok()) return npy.error();
  CRYPTOTL_TRY(check_kind(npy->header, kFloats, file));
  NpyHeader out{*npy->header.descr, *npy->header.shape, first_bytes.size() - npy->data.size()};
  if (npy_item_bytes(out) == 0) return other_type(out.type, file);
  return out;
}

size_t npy_item_bytes(const NpyHeader& header) {
  return header.type == "<f2" ? 2 : header.type == "<f4" ? 4 : header.type == "<f8" ? 8 : 0;
}

Result<std::vector<std::string>> parse_npy_labels(ByteView bytes, const std::filesystem::path& file) {
  const auto npy = read_header(bytes, file);
  if (!npy.ok()) return npy.error();
  const std::string& type = *npy->header.descr;
  CRYPTOTL_TRY(check_layout(npy->header, 1, "integers", file));
  if (type == "|u1" || type == "|b1") return read_integers<uint8_t>(*npy, file);
  if (type == "|i1") return read_integers<int8_t>(*npy, file);
  if (type == "<u2") return read_integers<uint16_t>(*npy, file);
  if (type == "<i2") return read_integers<int16_t>(*npy, file);
  if (type == "<u4") return read_integers<uint32_t>(*npy, file);
  if (type == "<i4") return read_integers<int32_t>(*npy, file);
  if (type == "<u8") return read_integers<uint64_t>(*npy, file);
  if (type == "<i8") return read_integers<int64_t>(*npy, file);
  return Place{file}.malformed("labels of type " + type + "; integers are read");
}

Bytes format_npy(const Matrix& matrix) {
  constexpr size_t kAlignment = 64;
  constexpr size_t kPreamble = kMagic.size() + 4;  // magic, version, header length
  std::string header =
      "{'descr': '<f8', 'fortran_order': False, 'shape': " + shape_text({matrix.rows, matrix.cols}) + ", }";
  header.append(kAlignment - 1 - (kPreamble + header.size()) % kAlignment, ' ');
  header += '\n';
  ByteWriter writer;
  writer.text(kMagic);
  writer.number<uint8_t>(1);
  writer.number<uint8_t>(0);
  writer.number(static_cast<uint16_t>(header.size()));
  writer.text(header);
  writer.bytes(
      {reinterpret_cast<const uint8_t*>(matrix.values.data()), matrix.values.size() * sizeof(double)});
  return writer.take();
}

}  // namespace cryptotl

#include "onnx_constant.h"

#include <cstdint>
#include <cstring>

namespace cryptotl {
namespace {

constexpr int64_t kMaxExactInteger = int64_t{1} << 53;
constexpr int kMaxRank = 8;

[[noreturn]] void refuse(const std::string& why) { throw Error(ErrorCode::malformed, why); }

double to_number(double value) { return value; }
double to_number(int64_t value) {
  if (value > kMaxExactInteger || value < -kMaxExactInteger) refuse("it holds an integer beyond 2^53");
  return static_cast<double>(value);
}

// What a tensor of element type T holds: raw little-endian bytes, or numbers in the field of that type.
template <typename T, typename Field>
std::vector<double> read_numbers(const onnx::TensorProto& tensor, const Field& field, size_t count,
                                 OnnxBudget& budget) {
  const std::string& raw = tensor.raw_data();
  const bool is_raw = tensor.has_raw_data();
  const size_t held = is_raw ? raw.size() / sizeof(T) : static_cast<size_t>(field.size());
  if (held != count || (is_raw && raw.size() % sizeof(T) != 0)) {
    refuse("its dims say " + std::to_string(count) + " numbers, but it holds " +
           (is_raw ? std::to_string(raw.size()) + " bytes" : std::to_string(held) + " numbers"));
  }
  budget.spend(count);
  using Number = std::conditional_t<std::is_floating_point_v<T>, double, int64_t>;
  std::vector<double> values(count);
  for (size_t i = 0; i < count; ++i) {
    T value;
    if (is_raw) {
      std::memcpy(&value, raw.data() + i * sizeof(T), sizeof(T));
    } else {
      value = static_cast<T>(field.Get(static_cast<int>(i)));
    }
    values[i] = to_number(static_cast<Number>(value));
  }
  return values;
}

std::vector<double> read_values(const onnx::TensorProto& tensor, size_t count, OnnxBudget& budget) {
  switch (tensor.data_type()) {
    case onnx::TensorProto::FLOAT:
      return read_numbers<float>(tensor, tensor.float_data(), count, budget);
    case onnx::TensorProto::DOUBLE:
      return read_numbers<double>(tensor, tensor.double_data(), count, budget);
    case onnx::TensorProto::INT64:
      return read_numbers<int64_t>(tensor, tensor.int64_data(), count, budget);
    case onnx::TensorProto::INT32:
      return read_numbers<int32_t>(tensor, tensor.int32_data(), count, budget);
    case onnx::TensorProto::BOOL:
      return read_numbers<uint8_t>(tensor, tensor.int32_data(), count, budget);
    default:
      refuse("its element type is " + std::to_string(tensor.data_type()) +
             ", where float, double, int32, int64 or bool are read");
  }
}

// The number of elements; every dim is positive, so that no loop over one of them outruns the data.
size_t count_of(const onnx::TensorProto& tensor) {
  if (tensor.dims_size() > kMaxRank) refuse("it has more than " + std::to_string(kMaxRank) + " dims");
  size_t count = 1;
  for (const int64_t dim : tensor.dims()) {
    if (dim <= 0 || __builtin_mul_overflow(count, static_cast<size_t>(dim), &count)) {
      refuse("its dims are not positive, or too large");
    }
  }
  return count;
}

}  // namespace

void OnnxBudget::spend(size_t numbers) {
  if (numbers > left_) {
    throw Error(ErrorCode::too_large,
                "the network would be far larger than its file: data is shared too often");
  }
  left_ -= numbers;
}

std::string printable(std::string_view name) {
  constexpr size_t kLength = 60;
  std::string text(name.substr(0, kLength));
  for (char& letter : text) {
    if (letter < ' ' || letter > '~') letter = '?';
  }
  return name.size() > kLength ? text + "..." : text;
}

OnnxConstantPtr read_constant(const onnx::TensorProto& tensor, OnnxBudget& budget) try {
  if (tensor.data_location() == onnx::TensorProto::EXTERNAL || tensor.external_data_size() > 0) {
    refuse("its data is in another file; export the network with its data inside");
  }
  if (tensor.has_segment()) refuse("its data is in segments, which are not read");
  auto constant = std::make_shared<OnnxConstant>();
  constant->values = read_values(tensor, count_of(tensor), budget);
  constant->dims.assign(tensor.dims().begin(), tensor.dims().end());
  return constant;
} catch (const Error& why) {
  throw Error(why.code(), "tensor '" + printable(tensor.name()) + "': " + why.what());
}

OnnxConstantPtr transposed(const OnnxConstant& constant, OnnxBudget& budget) {
  if (constant.dims.size() != 2) refuse("only a constant of two dims can be transposed");
  budget.spend(constant.values.size());
  const size_t rows = constant.dims[0];
  const size_t cols = constant.dims[1];
  auto out = std::make_shared<OnnxConstant>();
  out->dims = {cols, rows};
  out->values.resize(constant.values.size());
  for (size_t row = 0; row < rows; ++row) {
    for (size_t col = 0; col < cols; ++col) out->values[col * rows + row] = constant.values[row * cols + col];
  }
  return out;
}

}  // namespace cryptotl

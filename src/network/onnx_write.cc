#include <onnx/onnx_pb.h>

#include <bit>
#include <cstring>
#include <initializer_list>
#include <limits>
#include <numbers>

#include "cryptotl/network/onnx.h"

namespace cryptotl {
namespace {

static_assert(std::endian::native == std::endian::little, "raw_data of ONNX is little-endian");

constexpr int64_t kIrVersion = 7;  // the IR of opset 13
constexpr int64_t kOpset = 13;
constexpr const char* kChannelAxis = "channel_axis";

/// Appends the nodes of one layer after another; value() is the name of what the last one made.
class GraphWriter {
 public:
  explicit GraphWriter(onnx::GraphProto& graph) : graph_(graph) {}

  void begin(std::string_view layer) {
    prefix_ = std::string(layer) + "_" + std::to_string(++layers_);
    nodes_ = 0;
  }

  onnx::NodeProto& node(const char* op, std::initializer_list<std::string> inputs) {
    onnx::NodeProto& node = *graph_.add_node();
    node.set_op_type(op);
    node.set_name(prefix_ + "/" + op + "_" + std::to_string(++nodes_));
    for (const std::string& input : inputs) node.add_input(input);
    node.add_output(node.name());
    return node;
  }

  /// A node that carries the chain on.
  onnx::NodeProto& step(const char* op, std::initializer_list<std::string> inputs) {
    onnx::NodeProto& added = node(op, inputs);
    value_ = added.output(0);
    return added;
  }

  template <typename T>
  std::string constant(const std::string& name, std::initializer_list<size_t> dims,
                       std::span<const T> values) {
    onnx::TensorProto& tensor = *graph_.add_initializer();
    tensor.set_name(name);
    tensor.set_data_type(std::is_same_v<T, double> ? onnx::TensorProto::DOUBLE : onnx::TensorProto::INT64);
    for (const size_t dim : dims) tensor.add_dims(static_cast<int64_t>(dim));
    tensor.set_raw_data(values.data(), values.size_bytes());
    return name;
  }
  std::string parameter(const char* what, std::initializer_list<size_t> dims,
                        std::span<const double> values) {
    return constant(prefix_ + "/" + what, dims, values);
  }

  /// From [N, width] to [N, 1, width], the form that Conv and the pools take, and back.
  void add_channel() { step("Unsqueeze", {value_, channel_axis()}); }
  void drop_channel() { step("Squeeze", {value_, channel_axis()}); }

  std::string cast(const std::string& value, onnx::TensorProto::DataType type) {
    onnx::NodeProto& added = node("Cast", {value});
    set_int(added, "to", type);
    return added.output(0);
  }
  void cast(onnx::TensorProto::DataType type) { value_ = cast(value_, type); }

  static void set_int(onnx::NodeProto& node, const char* name, int64_t value) {
    onnx::AttributeProto& attribute = *node.add_attribute();
    attribute.set_name(name);
    attribute.set_type(onnx::AttributeProto::INT);
    attribute.set_i(value);
  }
  static void set_ints(onnx::NodeProto& node, const char* name, std::initializer_list<size_t> values) {
    onnx::AttributeProto& attribute = *node.add_attribute();
    attribute.set_name(name);
    attribute.set_type(onnx::AttributeProto::INTS);
    for (const size_t value : values) attribute.add_ints(static_cast<int64_t>(value));
  }

  const std::string& value() const { return value_; }

  /// Gives the last value the name of the graph's output.
  void finish(const std::string& output) {
    if (graph_.node_size() == 0) step("Identity", {value_});
    graph_.mutable_node(graph_.node_size() - 1)->set_output(0, output);
  }

 private:
  const char* channel_axis() {
    if (!has_channel_axis_) {
      constexpr int64_t kAxis = 1;
      constant<int64_t>(kChannelAxis, {1}, {&kAxis, 1});
      has_channel_axis_ = true;
    }
    return kChannelAxis;
  }

  onnx::GraphProto& graph_;
  std::string prefix_ = "network";
  size_t layers_ = 0;
  size_t nodes_ = 0;
  std::string value_ = "x";
  bool has_channel_axis_ = false;
};

void write(GraphWriter& to, const Conv1D& layer) {
  const size_t taps = layer.kernel.size();
  const std::string kernel =
      to.cast(to.parameter("kernel", {1, 1, taps}, layer.kernel), onnx::TensorProto::FLOAT);
  to.add_channel();
  to.cast(onnx::TensorProto::FLOAT);
  onnx::NodeProto& conv = to.step("Conv", {to.value(), kernel});
  GraphWriter::set_ints(conv, "kernel_shape", {taps});
  GraphWriter::set_ints(conv, "pads", {(taps - 1) / 2, taps / 2});
  to.cast(onnx::TensorProto::DOUBLE);
  to.drop_channel();
}

void write(GraphWriter& to, const Dense& layer) {
  const Matrix& weight = layer.weight;
  const std::string weight_name = to.parameter("weight", {weight.rows, weight.cols}, weight.values);
  const std::string bias_name = to.parameter("bias", {layer.bias.size()}, layer.bias);
  GraphWriter::set_int(to.step("Gemm", {to.value(), weight_name, bias_name}), "transB", 1);
}

// Horner's rule.
void write(GraphWriter& to, const Polynomial& layer) {
  const std::string u = to.value();
  const auto coefficient = [&](size_t i) {
    return to.parameter(("c" + std::to_string(i)).c_str(), {}, std::span(layer.coefficients).subspan(i, 1));
  };
  const size_t degree = layer.coefficients.size() - 1;
  to.step("Mul", {u, coefficient(degree)});
  to.step("Add", {to.value(), coefficient(degree - 1)});
  for (size_t i = degree - 1; i-- > 0;) {
    to.step("Mul", {to.value(), u});
    to.step("Add", {to.value(), coefficient(i)});
  }
}

void write(GraphWriter& to, const AveragePool1D& layer) {
  to.add_channel();
  to.cast(onnx::TensorProto::FLOAT);
  GraphWriter::set_ints(to.step("AveragePool", {to.value()}), "kernel_shape", {layer.width});
  to.cast(onnx::TensorProto::DOUBLE);
  to.drop_channel();
}

void write(GraphWriter& to, const MaxPool1D& layer) {
  to.add_channel();
  GraphWriter::set_ints(to.step("MaxPool", {to.value()}), "kernel_shape", {layer.width});
  to.drop_channel();
}

void write(GraphWriter& to, const Relu&) { to.step("Relu", {to.value()}); }
void write(GraphWriter& to, const Sigmoid&) { to.step("Sigmoid", {to.value()}); }
void write(GraphWriter& to, const Tanh&) { to.step("Tanh", {to.value()}); }
// u / 2 + u / 2 erf(u / sqrt 2): the operator Gelu is not in this opset, and ONNX Runtime has no double Erf.
void write(GraphWriter& to, const Gelu&) {
  const auto number = [&to](const char* name, double value) {
    return to.parameter(name, {}, std::span<const double>(&value, 1));
  };
  const std::string u = to.value();
  const std::string half = to.node("Mul", {u, number("half", 0.5)}).output(0);
  to.step("Div", {u, number("sqrt2", std::numbers::sqrt2)});
  to.cast(onnx::TensorProto::FLOAT);
  to.step("Erf", {to.value()});
  to.cast(onnx::TensorProto::DOUBLE);
  to.step("Mul", {to.value(), half});
  to.step("Add", {to.value(), half});
}
void write(GraphWriter& to, const Softmax&) {
  GraphWriter::set_int(to.step("Softmax", {to.value()}), "axis", 1);
}

void declare(onnx::ValueInfoProto& value, const char* name, size_t width) {
  value.set_name(name);
  onnx::TypeProto::Tensor& tensor = *value.mutable_type()->mutable_tensor_type();
  tensor.set_elem_type(onnx::TensorProto::DOUBLE);
  tensor.mutable_shape()->add_dim()->set_dim_param("N");
  tensor.mutable_shape()->add_dim()->set_dim_value(static_cast<int64_t>(width));
}

bool is_expression(const Layer& layer) {
  return std::holds_alternative<Polynomial>(layer) || std::holds_alternative<Gelu>(layer);
}

void write_graph(const Network& network, size_t out_width, onnx::GraphProto& graph) {
  graph.set_name("network");
  declare(*graph.add_input(), "x", network.input_width);
  declare(*graph.add_output(), "y", out_width);
  GraphWriter writer(graph);
  const Layer* before = nullptr;
  for (const Layer& layer : network.layers) {
    writer.begin(layer_name(layer));
    // Keeps two of them in a row apart: read as one expression they would be their composition.
    if (before != nullptr && is_expression(*before) && is_expression(layer)) {
      writer.step("Identity", {writer.value()});
    }
    std::visit([&writer](const auto& kind) { write(writer, kind); }, layer);
    before = &layer;
  }
  writer.finish("y");
}

Result<Bytes> serialize(const onnx::ModelProto& model) {
  const size_t size = model.ByteSizeLong();
  if (size > kMaxOnnxBytes) {
    return Error(ErrorCode::too_large, "the ONNX model would have " + std::to_string(size) +
                                           " bytes, where " + std::to_string(kMaxOnnxBytes) +
                                           " are the limit");
  }
  Bytes bytes(size);
  CRYPTOTL_ASSERT(model.SerializeToArray(bytes.data(), static_cast<int>(size)));
  return bytes;
}

}  // namespace

Result<Bytes> write_onnx(const Network& network, const std::map<std::string, std::string>& metadata) {
  const Result<size_t> width = output_width(network);
  if (!width) return width.error();
  onnx::ModelProto model;
  model.set_ir_version(kIrVersion);
  model.set_producer_name("cryptotl");
  model.add_opset_import()->set_version(kOpset);
  write_graph(network, *width, *model.mutable_graph());
  for (const auto& [key, value] : metadata) {
    onnx::StringStringEntryProto& entry = *model.add_metadata_props();
    entry.set_key(key);
    entry.set_value(value);
  }
  return serialize(model);
}

}  // namespace cryptotl

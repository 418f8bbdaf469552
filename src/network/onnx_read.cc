#include <onnx/onnx_pb.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <optional>
#include <set>
#include <string>

#include "cryptotl/network/onnx.h"
#include "onnx_constant.h"
#include "onnx_expression.h"
#include "onnx_layout.h"
#include "onnx_node.h"
#include "onnx_scan.h"

namespace cryptotl {
namespace {

static_assert(std::endian::native == std::endian::little, "raw_data of ONNX is little-endian");

constexpr int64_t kMinOpset = 7;  // from here on operators broadcast as NumPy does
constexpr int64_t kMaxOpset = 21;

[[noreturn]] void refuse(const std::string& why) { throw Error(ErrorCode::malformed, why); }

/// Follows the one chain from the graph's input to its output. At any time the chain has reached `base_`, the
/// output of the last layer found; `live_` holds every value that is a polynomial in it. A node that is more
/// than arithmetic ends the polynomial and makes a new base; whatever else lived is then left behind and may
/// not be used again.
class ChainReader {
 public:
  ChainReader(const onnx::GraphProto& graph, int64_t opset, size_t file_size)
      : graph_(graph), opset_(opset), budget_(file_size) {}

  Network read() {
    if (graph_.sparse_initializer_size() > 0) refuse("the graph has sparse tensors, which are not read");
    for (const onnx::TensorProto& tensor : graph_.initializer()) {
      add_constant(tensor.name(), read_constant(tensor, budget_));
    }
    begin();
    for (int i = 0; i < graph_.node_size(); ++i) {
      const OnnxNode node(graph_.node(i), static_cast<size_t>(i));
      try {
        read_node(node);
      } catch (const Error& why) {
        throw Error(why.code(), node.description() + ": " + why.what());
      }
    }
    end();
    return std::move(network_);
  }

 private:
  struct Operator {
    std::string_view name;
    size_t max_inputs;
    void (ChainReader::*read)(const OnnxNode&);
  };

  // ---- The chain and its values.

  void begin() {
    std::vector<const onnx::ValueInfoProto*> inputs;
    for (const onnx::ValueInfoProto& input : graph_.input()) {
      if (!constants_.contains(input.name()))
        inputs.push_back(&input);  // old files list their weights as inputs
    }
    if (inputs.size() != 1)
      refuse("the graph has " + std::to_string(inputs.size()) + " inputs, where one is read");
    const onnx::ValueInfoProto& input = *inputs[0];
    try {
      layout_ = input_layout(input);
    } catch (const Error& why) {
      throw Error(why.code(), "the graph's input '" + printable(input.name()) + "': " + why.what());
    }
    network_.input_width = layout_->width();
    make_base(input.name());
  }

  static RowLayout input_layout(const onnx::ValueInfoProto& input) {
    const onnx::TypeProto::Tensor& type = input.type().tensor_type();
    if (type.elem_type() != onnx::TensorProto::FLOAT && type.elem_type() != onnx::TensorProto::DOUBLE) {
      refuse("it must be a tensor of floats or doubles");
    }
    if (type.shape().dim_size() == 0) refuse("it must say its shape, such as [N, 768]");
    const auto& dims = type.shape().dim();
    std::vector<int64_t> rest;
    for (int i = 1; i < dims.size(); ++i) rest.push_back(dims[i].dim_value());
    return RowLayout(dims[0].has_dim_value() ? std::optional(dims[0].dim_value()) : std::nullopt, rest);
  }

  void end() {
    if (graph_.output_size() != 1) {
      refuse("the graph has " + std::to_string(graph_.output_size()) + " outputs, where one is read");
    }
    const std::string& output = graph_.output(0).name();
    if (!live_.contains(output)) {
      refuse("the graph's output '" + printable(output) + "' is not the end of its chain of nodes");
    }
    enter(output);
  }

  void add_name(const std::string& name) {
    if (!names_.insert(name).second) refuse("'" + printable(name) + "' is made twice");
  }
  void add_constant(const std::string& name, OnnxConstantPtr constant) {
    add_name(name);
    constants_.emplace(name, std::move(constant));
  }
  void make_base(const std::string& name) {
    add_name(name);
    base_ = name;
    live_ = {{name, OnnxExpression::unknown()}};
    awaits_bias_ = false;
  }

  /// What a value that is no constant is in terms of the base.
  const OnnxExpression& expression(const std::string& name) const {
    const auto found = live_.find(name);
    if (found != live_.end()) return found->second;
    if (constants_.contains(name))
      refuse("takes the constant '" + printable(name) + "' where the rows must be");
    if (!names_.contains(name)) {
      refuse("takes '" + printable(name) +
             "', which no earlier node makes (the graph has a cycle or is not in order)");
    }
    refuse("takes '" + printable(name) +
           "', which other nodes have used already (the graph branches); only one chain " +
           "of layers is read");
  }

  /// The chain goes on from this value: the polynomial that led to it becomes a layer.
  void enter(const std::string& name) {
    const OnnxExpression reached = expression(name);
    if (name != base_) network_.layers.push_back(layer_of(reached));
    base_ = name;
    live_.clear();
  }

  static Layer layer_of(const OnnxExpression& reached) {
    if (reached.is_polynomial()) return Polynomial{reached.terms};
    if (reached.is_gelu()) return Gelu{};
    refuse("what leads to it uses erf in another way than Gelu, x / 2 * (1 + erf(x / sqrt(2)))");
  }

  /// A node whose first input carries the chain and whose first output carries it on.
  void pass(const OnnxNode& node) {
    enter(node.input(0));
    make_base(node.output());
    for (int i = 1; i < node.outputs().size(); ++i) {  // masks and indices, which nothing may use
      if (!node.outputs()[i].empty()) add_name(node.outputs()[i]);
    }
  }

  OnnxConstantPtr find_constant(const std::string& name) const {
    const auto found = constants_.find(name);
    return found == constants_.end() ? nullptr : found->second;
  }
  const OnnxConstant& constant_input(const OnnxNode& node, size_t index, const std::string& what) const {
    const OnnxConstantPtr constant = find_constant(node.input(index));
    if (!constant) refuse("its " + what + " must be a constant of the file");
    return *constant;
  }
  std::vector<int64_t> integer_input(const OnnxNode& node, size_t index, const std::string& what) const {
    std::vector<int64_t> out;
    for (const double value : constant_input(node, index, what).values) {
      if (!(std::abs(value) < 0x1p53)) refuse("its " + what + " must be integers");
      out.push_back(static_cast<int64_t>(value));
    }
    return out;
  }

  void read_node(const OnnxNode& node) {
    static constexpr std::array kOperators = {
        Operator{"Add", 2, &ChainReader::add},
        Operator{"AveragePool", 1, &ChainReader::average_pool},
        Operator{"BatchNormalization", 5, &ChainReader::batch_normalization},
        Operator{"Cast", 1, &ChainReader::cast},
        Operator{"Constant", 0, &ChainReader::constant},
        Operator{"Conv", 3, &ChainReader::conv},
        Operator{"Div", 2, &ChainReader::div},
        Operator{"Dropout", 3, &ChainReader::dropout},
        Operator{"Erf", 1, &ChainReader::erf},
        Operator{"Flatten", 1, &ChainReader::flatten},
        Operator{"Gelu", 1, &ChainReader::gelu},
        Operator{"Gemm", 3, &ChainReader::gemm},
        Operator{"Identity", 1, &ChainReader::identity},
        Operator{"MatMul", 2, &ChainReader::matmul},
        Operator{"MaxPool", 1, &ChainReader::max_pool},
        Operator{"Mul", 2, &ChainReader::mul},
        Operator{"Neg", 1, &ChainReader::neg},
        Operator{"Pow", 2, &ChainReader::pow},
        Operator{"Relu", 1, &ChainReader::relu},
        Operator{"Reshape", 2, &ChainReader::reshape},
        Operator{"Sigmoid", 1, &ChainReader::sigmoid},
        Operator{"Softmax", 1, &ChainReader::softmax},
        Operator{"Squeeze", 2, &ChainReader::squeeze},
        Operator{"Sub", 2, &ChainReader::sub},
        Operator{"Tanh", 1, &ChainReader::tanh},
        Operator{"Transpose", 1, &ChainReader::transpose},
        Operator{"Unsqueeze", 2, &ChainReader::unsqueeze},
    };
    const auto found = std::ranges::find(kOperators, node.op(), &Operator::name);
    if (found == kOperators.end() || !(node.domain().empty() || node.domain() == "ai.onnx")) {
      if (node.domain().starts_with("pkg.")) {
        refuse("this is a function of the exporter; export with PyTorch 2.6 or later, or with dynamo=False");
      }
      refuse(
          "this operator is not read; a network is a chain of Conv, Gemm or MatMul, polynomials, "
          "AveragePool, MaxPool, BatchNormalization, Relu, Sigmoid, Tanh, Gelu and Softmax");
    }
    if (node.inputs() > found->max_inputs) refuse("it has too many inputs");
    (this->*found->read)(node);
  }

  // ---- Layers.

  void gemm(const OnnxNode& node) {
    if (node.integer("transA", 0) != 0) refuse("transA must be 0");
    if (layout_->rank() != 2)
      refuse("its input must lie as [rows, " + std::to_string(layout_->width()) + "]");
    const OnnxConstant& weight = constant_input(node, 1, "weight");
    Dense dense = dense_of(weight, node.integer("transB", 0) != 0);
    for (double& value : dense.weight.values) value *= node.number("alpha", 1);
    if (!node.input(2).empty()) {
      dense.bias = bias_of(constant_input(node, 2, "bias"), dense.weight.rows);
      for (double& value : dense.bias) value *= node.number("beta", 1);
    }
    add_dense(node, std::move(dense));
  }

  void matmul(const OnnxNode& node) {
    if (!layout_->is_last()) refuse("the row must lie along the last axis");
    add_dense(node, dense_of(constant_input(node, 1, "weight"), false));
    awaits_bias_ = true;
  }

  void add_dense(const OnnxNode& node, Dense dense) {
    layout_->set_width(dense.weight.rows);
    pass(node);
    network_.layers.emplace_back(std::move(dense));
  }

  /// A Dense without bias of a weight [out][in] (`transposed_weight`) or [in][out].
  Dense dense_of(const OnnxConstant& weight, bool transposed_weight) {
    if (weight.dims.size() != 2) refuse("its weight must have two axes");
    const size_t in = weight.dims[transposed_weight ? 1 : 0];
    const size_t out = weight.dims[transposed_weight ? 0 : 1];
    if (in != layout_->width()) {
      refuse("its weight takes rows of " + std::to_string(in) + ", but the row has " +
             std::to_string(layout_->width()));
    }
    budget_.spend(in * out + out);
    Dense dense{Matrix(out, in), std::vector<double>(out)};
    if (transposed_weight) {
      dense.weight.values = weight.values;
    } else {
      for (size_t i = 0; i < in; ++i) {
        for (size_t o = 0; o < out; ++o) dense.weight(o, i) = weight.values[i * out + o];
      }
    }
    return dense;
  }

  static bool is_row_of(const OnnxConstant& constant, size_t width) {
    return constant.values.size() == width && (constant.dims.empty() || constant.dims.back() == width);
  }

  static std::vector<double> bias_of(const OnnxConstant& bias, size_t width) {
    if (is_row_of(bias, width)) return bias.values;
    if (bias.values.size() == 1) return std::vector<double>(width, bias.values[0]);
    refuse("its bias must have " + std::to_string(width) + " numbers");
  }

  void conv(const OnnxNode& node) {
    const OnnxConstant& weight = constant_input(node, 1, "kernel");
    if (weight.dims.size() < 3 || weight.dims[0] != 1 || weight.dims[1] != 1 ||
        node.integer("group", 1) != 1) {
      refuse("it must have one filter on one channel");
    }
    const double bias = node.input(2).empty() ? 0 : bias_of(constant_input(node, 2, "bias"), 1)[0];
    const std::vector<int64_t> spatial(weight.dims.begin() + 2, weight.dims.end());
    const int64_t taps = layout_->along_row(spatial, 1, "its kernel");
    if (node.integers("kernel_shape", spatial) != spatial) refuse("kernel_shape must be that of its kernel");
    check_window(node, spatial.size());
    check_same_padding(node, spatial.size(), taps);
    budget_.spend(weight.values.size());
    pass(node);
    network_.layers.emplace_back(Conv1D{weight.values});
    if (bias != 0) network_.layers.emplace_back(Polynomial{{bias, 1.0}});
  }

  /// Batch normalisation with the statistics of training: along axis 1, (x - mean) / deviation * scale +
  /// shift.
  void batch_normalization(const OnnxNode& node) {
    if (node.integer("training_mode", 0) != 0)
      refuse("it is in training mode; export the network for inference");
    const bool along_row = layout_->axis() == 1;
    const size_t width = along_row ? layout_->width() : 1;
    const auto input = [&](size_t index, const char* what) {
      return bias_of(constant_input(node, index, what), width);
    };
    std::vector<double> factors = input(1, "scale");
    std::vector<double> shifts = input(2, "bias");
    const std::vector<double> mean = input(3, "mean");
    const std::vector<double> variance = input(4, "variance");
    for (size_t i = 0; i < width; ++i) {
      factors[i] /= std::sqrt(variance[i] + node.number("epsilon", 1e-5));
      shifts[i] -= mean[i] * factors[i];
    }
    if (along_row) return scale_row(node, 0, factors, shifts);
    pass(node);
    network_.layers.emplace_back(Polynomial{{shifts[0], factors[0]}});
  }

  /// y[i] = factors[i] x[i] + shifts[i] along the row: a part of the Dense before it, or a diagonal one.
  void scale_row(const OnnxNode& node, size_t data, std::span<const double> factors,
                 std::span<const double> shifts) {
    enter(node.input(data));
    if (network_.layers.empty() || !std::holds_alternative<Dense>(network_.layers.back())) {
      network_.layers.emplace_back(identity_dense());
    }
    Dense& dense = std::get<Dense>(network_.layers.back());
    for (size_t i = 0; i < factors.size(); ++i) {
      for (double& value : dense.weight.row(i)) value *= factors[i];
      dense.bias[i] = factors[i] * dense.bias[i] + shifts[i];
    }
    make_base(node.output());
  }

  Dense identity_dense() {
    const size_t width = layout_->width();
    budget_.spend(width * width + width);
    Dense out{Matrix(width, width), std::vector<double>(width)};
    for (size_t i = 0; i < width; ++i) out.weight(i, i) = 1;
    return out;
  }

  void check_window(const OnnxNode& node, size_t axes) const {
    for (const char* attribute : {"strides", "dilations"}) {
      const std::vector<int64_t> ones(axes, 1);
      if (node.integers(attribute, ones) != ones) refuse(std::string(attribute) + " must be 1");
    }
  }

  // Zeros before and after the row, so that the answer has its length; for an even kernel one more after it.
  void check_same_padding(const OnnxNode& node, size_t axes, int64_t taps) const {
    const std::string padding = node.text("auto_pad", "NOTSET");
    if (padding == "SAME_UPPER" || (padding == "SAME_LOWER" && taps % 2 == 1)) return;
    const std::string wanted = std::to_string((taps - 1) / 2) + " and " + std::to_string(taps / 2);
    const auto [before, after] = padding == "NOTSET" ? pads(node, axes) : std::pair<int64_t, int64_t>{0, 0};
    if (before != (taps - 1) / 2 || after != taps / 2) {
      refuse("its pads must be " + wanted + ", so that the row keeps its width");
    }
  }

  std::pair<int64_t, int64_t> pads(const OnnxNode& node, size_t axes) const {
    const std::vector<int64_t> all = node.integers("pads", std::vector<int64_t>(2 * axes, 0));
    if (all.size() != 2 * axes) refuse("pads must have " + std::to_string(2 * axes) + " numbers");
    const std::span<const int64_t> view = all;
    return {layout_->along_row(view.first(axes), 0, "pads"), layout_->along_row(view.last(axes), 0, "pads")};
  }

  size_t pool_width(const OnnxNode& node) {
    const std::vector<int64_t> kernel = node.integers("kernel_shape", {});
    const int64_t window = layout_->along_row(kernel, 1, "kernel_shape");
    check_window(node, kernel.size());
    const std::string padding = node.text("auto_pad", "NOTSET");
    if (padding != "NOTSET" && padding != "VALID") refuse("auto_pad must be NOTSET or VALID");
    if (pads(node, kernel.size()) != std::pair<int64_t, int64_t>{0, 0}) refuse("pads must be 0");
    if (window < 1 || static_cast<size_t>(window) > layout_->width()) {
      refuse("a window of " + std::to_string(window) + " does not fit a row of " +
             std::to_string(layout_->width()));
    }
    layout_->set_width(layout_->width() - static_cast<size_t>(window) + 1);
    return static_cast<size_t>(window);
  }

  void average_pool(const OnnxNode& node) {
    const size_t width = pool_width(node);
    pass(node);
    network_.layers.emplace_back(AveragePool1D{width});
  }
  void max_pool(const OnnxNode& node) {
    const size_t width = pool_width(node);
    pass(node);
    network_.layers.emplace_back(MaxPool1D{width});
  }
  void relu(const OnnxNode& node) {
    pass(node);
    network_.layers.emplace_back(Relu{});
  }
  void sigmoid(const OnnxNode& node) {
    pass(node);
    network_.layers.emplace_back(Sigmoid{});
  }
  void tanh(const OnnxNode& node) {
    pass(node);
    network_.layers.emplace_back(Tanh{});
  }
  void gelu(const OnnxNode& node) {
    if (node.text("approximate", "none") != "none") {
      refuse("approximate must be none: the exact Gelu, with erf, is read");
    }
    pass(node);
    network_.layers.emplace_back(Gelu{});
  }
  void softmax(const OnnxNode& node) {
    const size_t axis = RowLayout::normalized(node.integer("axis", opset_ < 13 ? 1 : -1), layout_->rank());
    // Before opset 13 all axes from this one on were one.
    if (opset_ < 13 ? axis == 0 || axis > layout_->axis() : axis != layout_->axis()) {
      refuse("its axis must be the row's, " + std::to_string(layout_->axis()));
    }
    pass(node);
    network_.layers.emplace_back(Softmax{});
  }

  // ---- Arithmetic: polynomials in the base.

  void add(const OnnxNode& node) {
    if (!take_bias(node)) arithmetic(node, sum);
  }
  void sub(const OnnxNode& node) { arithmetic(node, difference); }
  void mul(const OnnxNode& node) { arithmetic(node, product); }
  void neg(const OnnxNode& node) {
    give(node, product(expression(node.input(0)), OnnxExpression::number(-1)));
  }
  void erf(const OnnxNode& node) { give(node, error_function(expression(node.input(0)))); }
  void div(const OnnxNode& node) {
    if (!take_row(node)) give(node, quotient(expression(node.input(0)), scalar_input(node, 1)));
  }
  void pow(const OnnxNode& node) { give(node, power(expression(node.input(0)), scalar_input(node, 1))); }

  void arithmetic(const OnnxNode& node,
                  OnnxExpression (*combine)(const OnnxExpression&, const OnnxExpression&)) {
    if (node.inputs() != 2) refuse("it must have two inputs");
    const bool left = constants_.contains(node.input(0));
    const bool right = constants_.contains(node.input(1));
    if (left && right) refuse("both its inputs are constants; export with constant folding");
    if (take_row(node)) return;
    const auto operand = [&](size_t index, bool is_constant) {
      return is_constant ? OnnxExpression::number(scalar_input(node, index)) : expression(node.input(index));
    };
    give(node, combine(operand(0, left), operand(1, right)));
  }

  double scalar_input(const OnnxNode& node, size_t index) const {
    const OnnxConstant& constant = constant_input(node, index, "second number");
    if (constant.values.size() != 1 || constant.dims.size() > layout_->rank()) {
      refuse("its constant must be one number, or a row of " + std::to_string(layout_->width()));
    }
    return constant.values[0];
  }

  void give(const OnnxNode& node, OnnxExpression expression) {
    add_name(node.output());
    live_.emplace(node.output(), std::move(expression));
    awaits_bias_ = false;
  }

  /// The Add after a MatMul whose other input is a row of constants.
  bool take_bias(const OnnxNode& node) {
    if (!awaits_bias_ || node.inputs() != 2) return false;
    const size_t data = node.input(0) == base_ ? 0 : 1;
    const OnnxConstantPtr bias = find_constant(node.input(1 - data));
    if (node.input(data) != base_ || !bias || !is_row_of(*bias, layout_->width())) return false;
    if (bias->dims.size() > layout_->rank()) refuse("its bias has more axes than the rows");
    std::get<Dense>(network_.layers.back()).bias = bias->values;
    enter(base_);
    make_base(node.output());
    return true;
  }

  /// Arithmetic of the chain with a row of constants.
  bool take_row(const OnnxNode& node) {
    if (node.inputs() != 2 || !layout_->is_last() || layout_->width() == 1) return false;
    const size_t data = constants_.contains(node.input(0)) ? 1 : 0;
    const OnnxConstantPtr row = find_constant(node.input(1 - data));
    if (!row || constants_.contains(node.input(data)) || !is_row_of(*row, layout_->width()) ||
        row->dims.size() > layout_->rank()) {
      return false;
    }
    const size_t width = layout_->width();
    std::vector<double> factors(width, 1.0);
    std::vector<double> shifts(width, 0.0);
    for (size_t i = 0; i < width; ++i) {
      const double c = row->values[i];
      if (node.op() == "Mul") factors[i] = c;
      if (node.op() == "Div") factors[i] = 1 / c;
      if (node.op() == "Add") shifts[i] = c;
      if (node.op() == "Sub") shifts[i] = data == 0 ? -c : c;
      if (node.op() == "Sub" && data == 1) factors[i] = -1;
    }
    if (node.op() == "Div" && data == 1) refuse("only a division by constants is read");
    scale_row(node, data, factors, shifts);
    return true;
  }

  // ---- Nodes that change no number.

  void constant(const OnnxNode& node) { add_constant(node.output(), node.constant(budget_)); }

  void identity(const OnnxNode& node) {
    if (const OnnxConstantPtr constant = find_constant(node.input(0)))
      return add_constant(node.output(), constant);
    pass(node);
  }
  void cast(const OnnxNode& node) {
    const int64_t type = node.integer("to", 0);
    if (type != onnx::TensorProto::FLOAT && type != onnx::TensorProto::DOUBLE) {
      refuse("only casts to float and double are read");
    }
    // In the middle of an expression it is a part of it.
    if (live_.contains(node.input(0)) && node.input(0) != base_) {
      return give(node, expression(node.input(0)));
    }
    identity(node);
  }
  void dropout(const OnnxNode& node) {
    if (!node.input(2).empty() &&
        constant_input(node, 2, "training mode").values != std::vector<double>{0.0}) {
      refuse("it is in training mode; export the network for inference");
    }
    pass(node);
  }
  void unsqueeze(const OnnxNode& node) {
    layout_->unsqueeze(axes(node));
    pass(node);
  }
  void squeeze(const OnnxNode& node) {
    layout_->squeeze(axes(node));
    pass(node);
  }
  std::vector<int64_t> axes(const OnnxNode& node) const {
    return opset_ >= 13 && !node.input(1).empty() ? integer_input(node, 1, "axes")
                                                  : node.integers("axes", {});
  }
  void flatten(const OnnxNode& node) {
    layout_->flatten(node.integer("axis", 1));
    pass(node);
  }
  void reshape(const OnnxNode& node) {
    const std::vector<int64_t> shape = integer_input(node, 1, "shape");
    if (node.integer("allowzero", 0) != 0) refuse("allowzero must be 0");
    layout_->reshape(shape);
    pass(node);
  }
  void transpose(const OnnxNode& node) {
    const std::vector<int64_t> permutation = node.integers("perm", {});
    if (const OnnxConstantPtr constant = find_constant(node.input(0))) {
      if (!permutation.empty() && permutation != std::vector<int64_t>{1, 0}) refuse("perm must be 1, 0");
      return add_constant(node.output(), transposed(*constant, budget_));
    }
    if (permutation.empty()) refuse("perm must be given, and keep axis 0, the batch of rows");
    layout_->transpose(permutation);
    pass(node);
  }

  const onnx::GraphProto& graph_;
  const int64_t opset_;
  OnnxBudget budget_;  // of numbers: eight bytes for each byte of the file, twice what float weights need
  Network network_;
  std::optional<RowLayout> layout_;  // of the base
  std::string base_;
  std::map<std::string, OnnxExpression> live_;
  std::map<std::string, OnnxConstantPtr> constants_;
  std::set<std::string> names_;  // of every value so far
  bool awaits_bias_ = false;     // the base is what a MatMul made, and nothing has used it
};

int64_t opset_of(const onnx::ModelProto& model) {
  for (const onnx::OperatorSetIdProto& opset : model.opset_import()) {
    if (!opset.domain().empty() && opset.domain() != "ai.onnx") continue;
    if (opset.version() >= kMinOpset && opset.version() <= kMaxOpset) return opset.version();
    throw Error(ErrorCode::unsupported_version, "opset " + std::to_string(opset.version()) +
                                                    " is not read; export with " + std::to_string(kMinOpset) +
                                                    " to " + std::to_string(kMaxOpset));
  }
  refuse("the ONNX file names no opset");
}

onnx::ModelProto parse(ByteView bytes) {
  if (bytes.empty()) refuse("the ONNX file is empty");
  if (bytes.size() > kMaxOnnxBytes) {
    throw Error(ErrorCode::too_large, "the ONNX file has " + std::to_string(bytes.size()) + " bytes, where " +
                                          std::to_string(kMaxOnnxBytes) + " are the limit");
  }
  scan_onnx(bytes).value();
  onnx::ModelProto model;
  if (!model.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())))
    refuse("not an ONNX file, or a truncated one");
  if (!model.has_graph()) refuse("the ONNX file holds no graph");
  return model;
}

OnnxFile read(ByteView bytes) {
  const onnx::ModelProto model = parse(bytes);
  OnnxFile file;
  file.network = ChainReader(model.graph(), opset_of(model), bytes.size()).read();
  if (const auto width = output_width(file.network); !width) refuse(width.error().what());
  for (const onnx::StringStringEntryProto& entry : model.metadata_props()) {
    if (!file.metadata.emplace(entry.key(), entry.value()).second) {
      refuse("the metadata names '" + printable(entry.key()) + "' twice");
    }
  }
  return file;
}

}  // namespace

Result<OnnxFile> read_onnx(ByteView bytes) try { return read(bytes); } catch (const Error& why) {
  return why;
}

}  // namespace cryptotl

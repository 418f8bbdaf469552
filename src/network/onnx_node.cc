#include "onnx_node.h"

namespace cryptotl {
namespace {

[[noreturn]] void refuse(const std::string& why) { throw Error(ErrorCode::malformed, why); }

}  // namespace

std::string OnnxNode::description() const {
  return "node " + std::to_string(index_ + 1) + " '" + printable(node_.name()) + "' (" + printable(op()) +
         ")";
}

const std::string& OnnxNode::input(size_t index) const {
  static const std::string kNone;
  return index < inputs() ? node_.input(static_cast<int>(index)) : kNone;
}

const std::string& OnnxNode::output() const {
  if (node_.output_size() == 0 || node_.output(0).empty()) refuse("it has no output");
  return node_.output(0);
}

const onnx::AttributeProto* OnnxNode::find(const char* attribute) const {
  for (const onnx::AttributeProto& candidate : node_.attribute()) {
    if (candidate.name() == attribute) return &candidate;
  }
  return nullptr;
}

const onnx::AttributeProto* OnnxNode::find(const char* attribute,
                                           onnx::AttributeProto::AttributeType type) const {
  const onnx::AttributeProto* found = find(attribute);
  if (found != nullptr && found->type() != type) {
    refuse("attribute '" + std::string(attribute) + "' must have type " +
           onnx::AttributeProto::AttributeType_Name(type));
  }
  return found;
}

int64_t OnnxNode::integer(const char* attribute, int64_t otherwise) const {
  const auto* found = find(attribute, onnx::AttributeProto::INT);
  return found == nullptr ? otherwise : found->i();
}

double OnnxNode::number(const char* attribute, double otherwise) const {
  const auto* found = find(attribute, onnx::AttributeProto::FLOAT);
  return found == nullptr ? otherwise : static_cast<double>(found->f());
}

std::string OnnxNode::text(const char* attribute, const std::string& otherwise) const {
  const auto* found = find(attribute, onnx::AttributeProto::STRING);
  return found == nullptr ? otherwise : found->s();
}

std::vector<int64_t> OnnxNode::integers(const char* attribute, std::vector<int64_t> otherwise) const {
  const auto* found = find(attribute, onnx::AttributeProto::INTS);
  if (found == nullptr) return otherwise;
  return {found->ints().begin(), found->ints().end()};
}

OnnxConstantPtr OnnxNode::constant(OnnxBudget& budget) const {
  if (const auto* tensor = find("value", onnx::AttributeProto::TENSOR))
    return read_constant(tensor->t(), budget);
  auto constant = std::make_shared<OnnxConstant>();
  if (has("value_float")) {
    constant->values = {number("value_float", 0)};
  } else if (has("value_int")) {
    constant->values = {static_cast<double>(integer("value_int", 0))};
  } else if (has("value_ints")) {
    for (const int64_t value : integers("value_ints", {}))
      constant->values.push_back(static_cast<double>(value));
    constant->dims = {constant->values.size()};
  } else {
    refuse("its value must be a tensor, a number or a list of integers");
  }
  budget.spend(constant->values.size());
  return constant;
}

}  // namespace cryptotl

#pragma once

#include <onnx/onnx_pb.h>

#include <cstdint>
#include <string>
#include <vector>

#include "onnx_constant.h"

namespace cryptotl {

/// A node with its attributes by name. An attribute that is absent gives `otherwise`; one of another type is
/// malformed.
class OnnxNode {
 public:
  OnnxNode(const onnx::NodeProto& node, size_t index) : node_(node), index_(index) {}

  const std::string& op() const { return node_.op_type(); }
  const std::string& domain() const { return node_.domain(); }
  /// Such as "node 3 'fc1' (Gemm)".
  std::string description() const;

  size_t inputs() const { return static_cast<size_t>(node_.input_size()); }
  /// The name of an input; empty where it is left out.
  const std::string& input(size_t index) const;
  /// The name of the first output; malformed where there is none.
  const std::string& output() const;
  const auto& outputs() const { return node_.output(); }

  bool has(const char* attribute) const { return find(attribute) != nullptr; }
  int64_t integer(const char* attribute, int64_t otherwise) const;
  double number(const char* attribute, double otherwise) const;
  std::string text(const char* attribute, const std::string& otherwise) const;
  std::vector<int64_t> integers(const char* attribute, std::vector<int64_t> otherwise) const;

  /// The constant that a Constant node holds.
  OnnxConstantPtr constant(OnnxBudget& budget) const;

 private:
  const onnx::AttributeProto* find(const char* attribute) const;
  const onnx::AttributeProto* find(const char* attribute, onnx::AttributeProto::AttributeType type) const;

  const onnx::NodeProto& node_;
  size_t index_;
};

}  // namespace cryptotl

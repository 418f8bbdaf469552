#include "onnx_scan.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>
#include <onnx/onnx_pb.h>

#include <string>

namespace cryptotl {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::CodedInputStream;

constexpr size_t kMaxObjects = size_t{1} << 16;
constexpr int kMaxDepth = 16;

class Scanner {
 public:
  explicit Scanner(ByteView bytes) : in_(bytes.data(), static_cast<int>(bytes.size())), end_(bytes.size()) {}

  Status model() { return message(onnx::ModelProto::descriptor(), end_, 0); }

 private:
  static Error broken() {
    return Error(ErrorCode::malformed,
                 "not an ONNX file, or a truncated one: its protobuf fields are broken");
  }
  static Error crowded(const std::string& what) {
    return Error(ErrorCode::too_large, "the ONNX file has more " + what + " than a network of ours can need");
  }
  size_t position() const { return static_cast<size_t>(in_.CurrentPosition()); }

  Status message(const Descriptor* type, size_t end, int depth) {
    if (depth > kMaxDepth) return crowded("nested messages (" + std::to_string(kMaxDepth) + " deep)");
    while (position() < end) {
      const uint32_t tag = in_.ReadTagNoLastTag();
      if (tag == 0) return broken();
      CRYPTOTL_TRY(field(type, tag, end, depth));
    }
    return position() == end ? Status() : broken();
  }

  Status field(const Descriptor* type, uint32_t tag, size_t end, int depth) {
    if (WireFormatLite::GetTagWireType(tag) == WireFormatLite::WIRETYPE_LENGTH_DELIMITED) {
      const int number = WireFormatLite::GetTagFieldNumber(tag);
      return delimited(type == nullptr ? nullptr : type->FindFieldByNumber(number), end, depth);
    }
    uint64_t ignored;
    switch (WireFormatLite::GetTagWireType(tag)) {
      case WireFormatLite::WIRETYPE_VARINT:
        return in_.ReadVarint64(&ignored) ? Status() : broken();
      case WireFormatLite::WIRETYPE_FIXED32:
        return in_.Skip(4) ? Status() : broken();
      case WireFormatLite::WIRETYPE_FIXED64:
        return in_.Skip(8) ? Status() : broken();
      default:
        return broken();  // groups: ONNX has none
    }
  }

  Status delimited(const FieldDescriptor* field, size_t end, int depth) {
    uint32_t length;
    if (!in_.ReadVarint32(&length) || position() > end || length > end - position()) return broken();
    if (++objects_ > kMaxObjects)
      return crowded("messages and strings (" + std::to_string(kMaxObjects) + ")");
    if (field != nullptr && field->type() == FieldDescriptor::TYPE_MESSAGE) {
      return message(field->message_type(), position() + length, depth + 1);
    }
    return in_.Skip(static_cast<int>(length)) ? Status() : broken();
  }

  CodedInputStream in_;
  size_t end_;
  size_t objects_ = 0;
};

}  // namespace

Status scan_onnx(ByteView bytes) { return Scanner(bytes).model(); }

}  // namespace cryptotl

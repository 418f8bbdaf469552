#include "cryptotl/network/onnx.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <onnx/onnx_pb.h>

#include <limits>
#include <random>

#include "random_network.h"

namespace cryptotl {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string onnx_refusal(ByteView bytes) {
  const auto file = read_onnx(bytes);
  return file.ok() ? "accepted" : file.error().what();
}

/// A small file, to be broken by hand.
class Model {
 public:
  explicit Model(const Network& network) {
    const Bytes bytes = write_onnx(network).value();
    CRYPTOTL_ASSERT(proto_.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())));
  }
  onnx::ModelProto& proto() { return proto_; }
  onnx::GraphProto& graph() { return *proto_.mutable_graph(); }
  onnx::NodeProto& node(int index) { return *graph().mutable_node(index); }
  onnx::TensorProto& tensor(int index) { return *graph().mutable_initializer(index); }
  Bytes bytes() const {
    Bytes out(proto_.ByteSizeLong());
    CRYPTOTL_ASSERT(proto_.SerializeToArray(out.data(), static_cast<int>(out.size())));
    return out;
  }
  std::string onnx_refusal() const { return cryptotl::onnx_refusal(bytes()); }

 private:
  onnx::ModelProto proto_;
};

Network two_dense() {
  samples::NetworkMaker make(1);
  return {3, {make.dense(3, 4), Relu{}, make.dense(4, 2)}};
}
Network all_kinds() {
  samples::NetworkMaker make(2);
  return {6,
          {make.conv(3), make.dense(6, 5), make.cubic(), AveragePool1D{2}, MaxPool1D{2}, Relu{}, Sigmoid{},
           Softmax{}, Tanh{}, Gelu{}}};
}

TEST(ReadOnnx, RefusesAnEmptyFile) { EXPECT_EQ(onnx_refusal({}), "the ONNX file is empty"); }

TEST(ReadOnnx, RefusesBytesThatAreNoProtobuf) {
  EXPECT_THAT(onnx_refusal(as_bytes("features,label\n1,2\n")), HasSubstr("not an ONNX file"));
}

TEST(ReadOnnx, RefusesAFileWithoutGraphOrOpset) {
  EXPECT_EQ(onnx_refusal(as_bytes("\x08\x07")), "the ONNX file holds no graph");
  Model model(two_dense());
  model.proto().clear_opset_import();
  EXPECT_EQ(model.onnx_refusal(), "the ONNX file names no opset");
}

TEST(ReadOnnx, RefusesAnOpsetThatItDoesNotKnow) {
  Model model(two_dense());
  model.proto().mutable_opset_import(0)->set_version(6);
  EXPECT_EQ(model.onnx_refusal(), "opset 6 is not read; export with 7 to 21");
  EXPECT_EQ(read_onnx(model.bytes()).error().code(), ErrorCode::unsupported_version);
}

TEST(ReadOnnx, NamesTheNodeWithAnotherOperator) {
  Model model(two_dense());
  model.node(1).set_op_type("Sinh");
  EXPECT_THAT(model.onnx_refusal(), HasSubstr("node 2 'Relu_2/Relu_1' (Sinh): this operator is not read"));
  model.node(1).set_op_type("Relu");
  model.node(1).set_domain("com.example");
  EXPECT_THAT(model.onnx_refusal(), HasSubstr("this operator is not read"));
}

TEST(ReadOnnx, KeepsControlCharactersOfNamesOutOfMessages) {
  Model model(two_dense());
  model.node(1).set_op_type("Ta\n\x1bnh" + std::string(1000, 'x'));
  const std::string message = model.onnx_refusal();
  EXPECT_THAT(message, HasSubstr("(Ta??nhxxx"));
  EXPECT_LT(message.size(), 300U);
}

TEST(ReadOnnx, RefusesABranch) {
  Model model(two_dense());
  model.node(2).set_input(0, model.node(0).output(0));
  EXPECT_THAT(model.onnx_refusal(),
              HasSubstr("node 3 'Dense_3/Gemm_1' (Gemm): takes 'Dense_1/Gemm_1', which other nodes "
                        "have used already (the graph branches)"));
}

TEST(ReadOnnx, RefusesACycle) {
  Model model(two_dense());
  model.node(0).set_input(0, model.node(1).output(0));
  EXPECT_THAT(model.onnx_refusal(),
              HasSubstr("which no earlier node makes (the graph has a cycle or is not in order)"));
}

TEST(ReadOnnx, RefusesAValueThatIsMadeTwice) {
  Model model(two_dense());
  model.node(1).set_output(0, model.node(0).output(0));
  EXPECT_THAT(model.onnx_refusal(),
              HasSubstr("node 2 'Relu_2/Relu_1' (Relu): 'Dense_1/Gemm_1' is made twice"));
}

TEST(ReadOnnx, RefusesAnOutputThatIsNotTheEndOfTheChain) {
  Model model(two_dense());
  model.graph().mutable_output(0)->set_name(model.node(0).output(0));
  EXPECT_THAT(model.onnx_refusal(), HasSubstr("the graph's output 'Dense_1/Gemm_1' is not the end"));
  model.graph().mutable_output(0)->set_name("elsewhere");
  EXPECT_THAT(model.onnx_refusal(), HasSubstr("the graph's output 'elsewhere' is not the end"));
}

TEST(ReadOnnx, RefusesSeveralInputsOrOutputs) {
  Model model(two_dense());
  model.graph().add_input()->set_name("x2");
  EXPECT_THAT(model.onnx_refusal(), HasSubstr("the graph has 2 inputs"));
  model.graph().clear_input();
  EXPECT_THAT(model.onnx_refusal(), HasSubstr("the graph has 0 inputs"));
  model = Model(two_dense());
  model.graph().add_output()->set_name("y2");
  EXPECT_THAT(model.onnx_refusal(), HasSubstr("the graph has 2 outputs"));
}

TEST(ReadOnnx, RefusesInputsThatAreNotRowsOfAFixedWidth) {
  Model model(two_dense());
  auto* type = model.graph().mutable_input(0)->mutable_type()->mutable_tensor_type();
  type->mutable_shape()->mutable_dim(1)->set_dim_param("W");
  EXPECT_THAT(model.onnx_refusal(), HasSubstr("the graph's input 'x': axis 1 must have a fixed length"));
  type->mutable_shape()->mutable_dim(1)->set_dim_value(int64_t{1} << 62);
  EXPECT_THAT(model.onnx_refusal(), HasSubstr("axis 1 must have a fixed length"));
  type->mutable_shape()->mutable_dim(1)->set_dim_value(3);
  type->mutable_shape()->add_dim()->set_dim_value(5);
  EXPECT_THAT(model.onnx_refusal(), HasSubstr("only flat rows are read"));
  type->clear_shape();
  EXPECT_THAT(model.onnx_refusal(), HasSubstr("it must say its shape"));
  type->set_elem_type(onnx::TensorProto::STRING);
  EXPECT_THAT(model.onnx_refusal(), HasSubstr("it must be a tensor of floats or doubles"));
}

TEST(ReadOnnx, RefusesTensorsWhoseDataContradictsTheirDims) {
  Model model(two_dense());
  model.tensor(0).set_dims(0, 5);
  EXPECT_EQ(model.onnx_refusal(), "tensor 'Dense_1/weight': its dims say 15 numbers, but it holds 96 bytes");
  model.tensor(0).set_dims(0, int64_t{1} << 40);
  model.tensor(0).set_dims(1, int64_t{1} << 40);
  EXPECT_THAT(model.onnx_refusal(), HasSubstr("its dims are not positive, or too large"));
  model.tensor(0).set_dims(0, 0);
  EXPECT_THAT(model.onnx_refusal(), HasSubstr("its dims are not positive, or too large"));
  model.tensor(0).set_dims(0, -4);
  EXPECT_THAT(model.onnx_refusal(), HasSubstr("its dims are not positive, or too large"));
  model.tensor(0).set_dims(0, int64_t{1} << 40);
  model.tensor(0).set_dims(1, 1);
  EXPECT_THAT(model.onnx_refusal(), HasSubstr("its dims say 1099511627776 numbers, but it holds 96 bytes"));
}

TEST(ReadOnnx, RefusesTensorsOfOtherTypesAndPlaces) {
  Model model(two_dense());
  model.tensor(0).set_data_type(onnx::TensorProto::FLOAT16);
  EXPECT_THAT(model.onnx_refusal(), HasSubstr("tensor 'Dense_1/weight': its element type is 10"));
  model.tensor(0).set_data_location(onnx::TensorProto::EXTERNAL);
  EXPECT_THAT(model.onnx_refusal(), HasSubstr("its data is in another file"));
}

TEST(ReadOnnx, RefusesNumbersThatAreNotFinite) {
  Model model(two_dense());
  model.tensor(1).mutable_raw_data()->replace(0, 8, std::string("\0\0\0\0\0\0\xf8\x7f", 8));
  EXPECT_EQ(model.onnx_refusal(), "layer 1 (Dense): the bias has a number that is not finite");
}

TEST(ReadOnnx, NamesTheNodeWhoseWeightDoesNotFit) {
  Model model(two_dense());
  model.node(2).set_input(1, model.tensor(0).name());
  EXPECT_EQ(model.onnx_refusal(),
            "node 3 'Dense_3/Gemm_1' (Gemm): its weight takes rows of 3, but the row has 4");
}

TEST(ReadOnnx, RefusesAttributesOfAnotherType) {
  Model model(two_dense());
  model.node(0).mutable_attribute(0)->set_type(onnx::AttributeProto::FLOAT);
  EXPECT_THAT(model.onnx_refusal(), HasSubstr("attribute 'transB' must have type INT"));
}

TEST(ReadOnnx, RefusesStridesPaddingAndSecondFilters) {
  const Network network{6, {Conv1D{{1, 2, 3}}}};
  const int conv = 3;  // after casting the kernel, Unsqueeze and casting the rows
  Model model(network);
  ASSERT_EQ(model.node(conv).op_type(), "Conv");
  auto* strides = model.node(conv).add_attribute();
  strides->set_name("strides");
  strides->set_type(onnx::AttributeProto::INTS);
  strides->add_ints(2);
  EXPECT_THAT(model.onnx_refusal(), HasSubstr("(Conv): strides must be 1"));
  model = Model(network);
  model.node(conv).mutable_attribute(1)->set_ints(0, 0);
  EXPECT_THAT(model.onnx_refusal(), HasSubstr("(Conv): its pads must be 1 and 1"));
  model = Model(network);
  model.tensor(0).set_dims(0, 3);
  model.tensor(0).set_dims(2, 1);
  EXPECT_THAT(model.onnx_refusal(), HasSubstr("(Conv): it must have one filter on one channel"));
}

TEST(ReadOnnx, RefusesAPolynomialOfRunawayDegree) {
  Model model({2, {Polynomial{{0, 1}}}});
  model.graph().clear_node();
  std::string value = "x";
  for (int i = 0; i < 40; ++i) {
    onnx::NodeProto& node = *model.graph().add_node();
    node.set_op_type("Mul");
    node.add_input(value);
    node.add_input(value);
    node.add_output(value = "v" + std::to_string(i));
  }
  EXPECT_THAT(model.onnx_refusal(), HasSubstr("node 7 '' (Mul): the polynomial gets a degree beyond 64"));
}

TEST(ReadOnnx, RefusesANetworkFarLargerThanItsFile) {
  samples::NetworkMaker make(3);
  Model model({64, {make.dense(64, 64)}});
  const std::string weight = model.node(0).input(1);
  std::string value = "y";
  for (int i = 0; i < 100; ++i) {
    onnx::NodeProto& node = *model.graph().add_node();
    node.set_op_type("Gemm");
    node.add_input(value);
    node.add_input(weight);
    node.add_output(value = "v" + std::to_string(i));
  }
  model.graph().mutable_output(0)->set_name(value);
  EXPECT_THAT(model.onnx_refusal(), HasSubstr("data is shared too often"));
  EXPECT_EQ(read_onnx(model.bytes()).error().code(), ErrorCode::too_large);
}

TEST(ReadOnnx, RefusesCrowdsOfEmptyMessagesBeforeMakingThem) {
  // A graph of empty nodes, two bytes each.
  constexpr uint32_t kNodes = 1 << 20;
  std::string graph;
  for (uint32_t i = 0; i < kNodes; ++i) graph += std::string("\x0a\x00", 2);
  const std::string file = std::string("\x3a\x80\x80\x80\x01", 5) + graph;
  EXPECT_THAT(onnx_refusal(as_bytes(file)), HasSubstr("more messages and strings"));
}

TEST(ReadOnnx, RefusesDeepNesting) {
  onnx::ModelProto model;
  onnx::GraphProto* graph = model.mutable_graph();
  for (int i = 0; i < 30; ++i) graph = graph->add_node()->add_attribute()->mutable_g();
  EXPECT_THAT(onnx_refusal(as_bytes(model.SerializeAsString())), HasSubstr("more nested messages"));
}

TEST(WriteOnnx, RefusesANetworkThatIsNotWellFormed) {
  const auto bytes = write_onnx({3, {AveragePool1D{4}}});
  ASSERT_FALSE(bytes.ok());
  EXPECT_THAT(bytes.error().what(), HasSubstr("layer 1 (AveragePool1D)"));
}

TEST(WriteOnnx, GivesTheSameBytesForTheSameNetwork) {
  const std::map<std::string, std::string> metadata{{"b", "2"}, {"a", "1"}};
  EXPECT_EQ(write_onnx(all_kinds(), metadata).value(), write_onnx(all_kinds(), metadata).value());
}

TEST(ReadOnnx, GivesBackTheMetadata) {
  const std::map<std::string, std::string> metadata{{"digest", "00ff"}, {"name", "\xc3\xa9"}, {"empty", ""}};
  EXPECT_EQ(read_onnx(write_onnx(two_dense(), metadata).value())->metadata, metadata);
}

TEST(ReadOnnx, GivesBackTheNetworkToTheLastBit) {
  for (int seed = 0; seed < samples::property_cases(); ++seed) {
    const Network network = samples::NetworkMaker(static_cast<uint64_t>(seed)).any_network();
    SCOPED_TRACE("seed " + std::to_string(seed) + ": " + samples::text_of(network));
    const auto file = read_onnx(write_onnx(network).value());
    ASSERT_TRUE(file.ok()) << file.error().what();
    ASSERT_TRUE(samples::same(file->network, network)) << samples::text_of(file->network);
  }
}

TEST(ReadOnnx, KeepsPolynomialsInARowApart) {
  const Network network{2, {Polynomial{{0, 1}}, Polynomial{{1, 2, 3}}, Polynomial{{0.1, 0.2, 0, 0}}}};
  EXPECT_TRUE(samples::same(read_onnx(write_onnx(network).value())->network, network));
}

TEST(ReadOnnx, KeepsGeluAndPolynomialsInARowApart) {
  const Network network{2, {Polynomial{{0, 2}}, Gelu{}, Gelu{}, Polynomial{{0, 1}}}};
  EXPECT_TRUE(samples::same(read_onnx(write_onnx(network).value())->network, network));
}

TEST(ReadOnnx, RefusesErfThatIsNoGelu) {
  Model model({2, {Gelu{}}});
  const auto number = [&](const std::string& name) -> onnx::TensorProto& {
    return *std::ranges::find(*model.graph().mutable_initializer(), name, &onnx::TensorProto::name);
  };
  const auto set = [&](const std::string& name, double value) {
    number(name).mutable_raw_data()->assign(reinterpret_cast<const char*>(&value), sizeof value);
  };
  set("Gelu_1/sqrt2", 2);
  EXPECT_THAT(model.onnx_refusal(), HasSubstr("(Erf): only erf(x / sqrt(2)), as a part of Gelu, is read"));
  set("Gelu_1/sqrt2", 1.4142135);
  EXPECT_EQ(model.onnx_refusal(), "accepted");
  set("Gelu_1/half", 0.25);
  EXPECT_THAT(model.onnx_refusal(), HasSubstr("uses erf in another way than Gelu"));
}

TEST(ReadOnnx, RefusesGeluWithTanh) {
  Model model(two_dense());
  model.node(1).set_op_type("Gelu");
  EXPECT_EQ(model.onnx_refusal(), "accepted");
  onnx::AttributeProto& attribute = *model.node(1).add_attribute();
  attribute.set_name("approximate");
  attribute.set_type(onnx::AttributeProto::STRING);
  attribute.set_s("tanh");
  EXPECT_THAT(model.onnx_refusal(), HasSubstr("(Gelu): approximate must be none"));
}

TEST(ReadOnnx, GivesBackThePaperNetwork) {
  const Network network = samples::paper_network(5);
  const Bytes bytes = write_onnx(network).value();
  EXPECT_LT(bytes.size(), size_t{10} << 20);
  EXPECT_TRUE(samples::same(read_onnx(bytes)->network, network));
}

// ---- Hostile bytes: whatever is read must be a well-formed network, or a refusal of one line.

void expect_sane(ByteView bytes) {
  const auto file = read_onnx(bytes);
  if (file.ok()) {
    ASSERT_TRUE(output_width(file->network).ok());
  } else {
    const std::string message = file.error().what();
    ASSERT_FALSE(message.empty());
    ASSERT_EQ(message.find('\n'), std::string::npos);
    ASSERT_NE(file.error().code(), ErrorCode::internal);
  }
}

TEST(HostileOnnx, SurvivesEveryTruncation) {
  const Bytes bytes = write_onnx(all_kinds(), {{"key", "value"}}).value();
  for (size_t length = 0; length < bytes.size(); ++length) {
    SCOPED_TRACE(length);
    expect_sane(ByteView(bytes).first(length));
  }
}

TEST(HostileOnnx, RefusesEveryTruncationOfTheGraph) {
  const Bytes bytes = write_onnx(all_kinds()).value();
  for (size_t length = 0; length < bytes.size(); ++length) {
    ASSERT_FALSE(read_onnx(ByteView(bytes).first(length)).ok()) << length;
  }
}

TEST(HostileOnnx, SurvivesEveryByteFlipped) {
  const Bytes bytes = write_onnx(all_kinds(), {{"key", "value"}}).value();
  for (size_t at = 0; at < bytes.size(); ++at) {
    for (const unsigned flip : {0x01U, 0x80U, 0xffU}) {
      SCOPED_TRACE(std::to_string(at) + " ^ " + std::to_string(flip));
      Bytes changed = bytes;
      changed[at] = static_cast<uint8_t>(changed[at] ^ flip);
      expect_sane(changed);
    }
  }
}

TEST(HostileOnnx, SurvivesRandomBytes) {
  std::mt19937_64 random(11);
  for (int i = 0; i < 100 * samples::property_cases(); ++i) {
    Bytes bytes(random() % 200);
    for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random());
    SCOPED_TRACE(hex(bytes));
    expect_sane(bytes);
  }
}

TEST(HostileOnnx, SurvivesRandomFieldsChanged) {
  std::mt19937_64 random(12);
  const Bytes bytes = write_onnx(all_kinds()).value();
  for (int i = 0; i < 50 * samples::property_cases(); ++i) {
    Bytes changed = bytes;
    for (size_t changes = 1 + random() % 8; changes-- > 0;) {
      changed[random() % changed.size()] = static_cast<uint8_t>(random() % 3 == 0 ? random() : random() % 24);
    }
    SCOPED_TRACE(i);
    expect_sane(changed);
  }
}

}  // namespace
}  // namespace cryptotl

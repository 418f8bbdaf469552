// What PyTorch and Keras really export (exports/, made by the scripts there): read, it gives their answers.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>

#include "cryptotl/base/file.h"
#include "cryptotl/data/feature_file.h"
#include "cryptotl/network/folding.h"
#include "cryptotl/network/onnx.h"
#include "random_network.h"

namespace cryptotl {
namespace {

namespace fs = std::filesystem;

const fs::path kExports = fs::path(CRYPTOTL_SOURCE_DIR) / "tests" / "network" / "exports";

Matrix matrix(const std::string& file) {
  TableOptions options;
  options.expects_labels = false;
  return read_table(kExports / file, options)->features;
}

/// Every ONNX file by name, with the stem that its rows and answers have.
std::map<std::string, std::string> exports() {
  std::map<std::string, std::string> out;
  for (const auto& entry : fs::directory_iterator(kExports)) {
    const std::string name = entry.path().filename();
    if (name.ends_with(".onnx")) out[name] = name.substr(0, name.rfind('_'));
  }
  return out;
}

Network read(const std::string& name) { return read_onnx(read_file(kExports / name).value())->network; }

TEST(Exports, GiveTheAnswersOfTheFrameworkThatMadeThem) {
  const auto files = exports();
  // torch: 12 networks by two exporters, one at two opsets; keras: 9 by Keras and by tf2onnx.
  EXPECT_EQ(files.size(), 12U * 3 + 9U * 2);
  for (const auto& [name, stem] : files) {
    SCOPED_TRACE(name);
    const auto file = read_onnx(read_file(kExports / name).value());
    ASSERT_TRUE(file.ok()) << file.error().what();
    const Matrix wanted = matrix(stem + ".answers.npy");
    const Matrix got = forward(file->network, matrix(stem + ".rows.npy"));
    ASSERT_EQ(got.cols, wanted.cols);
    EXPECT_LT(samples::relative_error(got, wanted), 1e-6);  // theirs are floats
  }
}

TEST(Exports, HaveTheLayersThatWereWritten) {
  const std::map<std::string, std::string> layers{
      {"paper", "12 Conv1D Dense Polynomial AveragePool1D Dense"},
      {"paper_with_head", "12 Conv1D Dense Polynomial AveragePool1D Dense Dense Sigmoid"},
      {"relu_tanh_gelu", "12 Dense Relu Dense Tanh Dense Gelu Dense Sigmoid Dense"},
      {"softmax_head", "12 Dense Relu Dense Softmax"},
      {"upper", "12 Dense Relu MaxPool1D Dense Sigmoid"},
      {"even_kernel", "12 Conv1D Dense"},
  };
  size_t seen = 0;
  for (const auto& [name, stem] : exports()) {
    const auto found = layers.find(stem.substr(stem.find('_') + 1));
    if (found == layers.end()) continue;
    ++seen;
    EXPECT_EQ(samples::text_of(read(name)), found->second) << name;
  }
  EXPECT_EQ(seen, 6U * (3 + 2));
}

TEST(Exports, OfThePapersNetworkFold) {
  for (const char* name :
       {"torch_paper_opset13.onnx", "torch_paper_opset20.onnx", "torch_paper_dynamo.onnx",
        "torch_trained_quadratic_dynamo.onnx", "torch_batch_norm_dynamo.onnx", "keras_paper_opset13.onnx",
        "keras_paper_export.onnx", "keras_batch_norm_export.onnx"}) {
    SCOPED_TRACE(name);
    const Network network = read(name);
    const auto folded = fold(network);
    ASSERT_TRUE(folded.ok()) << folded.error().what();
    const Matrix rows = samples::NetworkMaker(1).rows(10, network.input_width);
    EXPECT_LT(samples::relative_error(forward(*folded, rows), forward(network, rows)), 1e-12);
  }
}

}  // namespace
}  // namespace cryptotl

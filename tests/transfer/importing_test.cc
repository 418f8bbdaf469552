#include "cryptotl/transfer/importing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cryptotl/base/file.h"
#include "cryptotl/network/onnx.h"
#include "cryptotl/transfer/fitting.h"
#include "cryptotl/transfer/pretraining.h"
#include "network/npz_file.h"
#include "network/random_network.h"
#include "transfer/small_world.h"

namespace cryptotl {
namespace {

using samples::npy_of;
using ::testing::HasSubstr;

/// Rows far from [0, 1], with labels "a" and "b" (or more) in turn.
Examples rows_of(size_t width, size_t labels = 2) {
  Examples out;
  out.source = "rows.csv";
  out.embeddings = samples::NetworkMaker(9).rows(60, width);
  for (double& value : out.embeddings.values) value = 10 * value - 3;
  out.embedder = external_embedder("numbers", width);
  for (size_t i = 0; i < 60 && labels > 0; ++i) {
    out.labels.push_back(std::string(1, static_cast<char>('a' + i % labels)));
  }
  return out;
}

ForeignWeights weights_of(Network network) {
  return {"w.onnx", std::move(network), std::nullopt, std::nullopt, false};
}

/// A network for rows of 6 whose pre-activations are of order one, up to its features.
Network body(const Layer& activation) {
  samples::NetworkMaker make(3);
  Dense first = make.dense(6, 8);
  for (double& value : first.weight.values) value *= 0.1;
  return {6, {make.conv(3), first, activation, AveragePool1D{2}, make.dense(7, 5)}};
}
Network with_head(size_t outputs, const std::vector<Layer>& squash) {
  Network out = body(Relu{});
  out.layers.emplace_back(Polynomial{{0.1, 1, 0.05}});
  out.layers.emplace_back(samples::NetworkMaker(4).dense(5, outputs));
  out.layers.insert(out.layers.end(), squash.begin(), squash.end());
  return out;
}

std::string refusal(const ForeignWeights& weights, const Examples& rows, const ImportOptions& options = {}) {
  try {
    import_model(weights, rows, options);
    return "accepted";
  } catch (const Error& error) {
    return error.what();
  }
}

Matrix scaled(const Model& model, const Examples& rows) {
  Matrix out = rows.embeddings;
  model.scaler.apply(out);
  return out;
}

TEST(ImportModel, RefusesRowsOfAnotherWidth) {
  EXPECT_EQ(refusal(weights_of(body(Relu{})), rows_of(7)),
            "rows.csv has 7 feature columns; the network of w.onnx takes 6");
}

TEST(ImportModel, RefusesOtherLabelsThanTheHeadTellsApart) {
  EXPECT_EQ(refusal(weights_of(with_head(3, {Softmax{}})), rows_of(6, 2)),
            "rows.csv has 2 labels, but the network's head tells 3 apart");
}

TEST(ImportModel, NamesFileAndLayerOfWhatCannotBeServed) {
  EXPECT_EQ(refusal(weights_of({6, {Conv1D{{1}}, AveragePool1D{2}}}), rows_of(6)).substr(0, 32),
            "w.onnx: the network has 3 layers");
  EXPECT_THAT(refusal(weights_of({6, {MaxPool1D{2}}}), rows_of(6)),
              HasSubstr("w.onnx: layer 2 (MaxPool1D): is no polynomial, and none replaces it"));
  ImportOptions last;
  last.head = HeadCut::last_layer;
  EXPECT_EQ(refusal(weights_of({6, {Relu{}}}), rows_of(6), last),
            "w.onnx: the network does not end in a Dense layer, which a head is");
}

TEST(ImportModel, GivesTheNetworksOwnAnswersToRowsAsTheyAre) {
  const Examples rows = rows_of(6);
  for (const Network& network : {body(Polynomial{{0.1, 0.5, 0.2}}),
                                 Network{6, {samples::NetworkMaker(1).dense(6, 4), Polynomial{{0, 0, 1}}}}}) {
    ImportOptions options;
    options.head = HeadCut::none;
    const ImportedModel made = import_model(weights_of(network), rows, options);
    EXPECT_LT(samples::relative_error(forward(made.model.lower, scaled(made.model, rows)),
                                      forward(network, rows.embeddings)),
              1e-12);
    EXPECT_EQ(made.feature_change, 0);
    EXPECT_TRUE(made.activations.empty());
  }
}

TEST(ImportModel, LeavesANetworkForScaledRowsAsItIs) {
  ImportOptions options;
  options.takes_scaled_rows = true;
  const Network network = body(Polynomial{{0.1, 0.5, 0.2}});
  const ImportedModel made = import_model(weights_of(network), rows_of(6), options);
  EXPECT_TRUE(samples::same(made.model.lower, network));
}

TEST(ImportModel, ReplacesActivationsOnTheRangeOfTheRows) {
  const Examples rows = rows_of(6);
  double change = HUGE_VAL;
  for (const size_t degree : {2, 4, 6}) {
    ImportOptions options;
    options.degree = degree;
    const Network network = body(Gelu{});
    const ImportedModel made = import_model(weights_of(network), rows, options);
    ASSERT_EQ(made.activations.size(), 1u);
    EXPECT_EQ(made.activations[0].function, "Gelu");
    EXPECT_LE(made.activations[0].degree, degree);
    const Matrix own = forward(network, rows.embeddings);
    const Matrix features = forward(made.model.lower, scaled(made.model, rows));
    double largest = 0;
    for (size_t i = 0; i < own.values.size(); ++i) {
      largest = std::max(largest, std::abs(own.values[i] - features.values[i]));
    }
    EXPECT_NEAR(made.feature_change, largest, 1e-12);
    EXPECT_LT(made.feature_change, change);
    change = made.feature_change;
  }
}

TEST(ImportModel, TakesTheHeadOff) {
  const Examples rows = rows_of(6);
  const auto head_of = [&](size_t outputs, const std::vector<Layer>& squash, HeadCut cut) {
    ImportOptions options;
    options.head = cut;
    const Examples labelled = rows_of(6, cut == HeadCut::last_layer || outputs < 3 ? 2 : outputs);
    return import_model(weights_of(with_head(outputs, squash)), outputs < 3 ? rows : labelled, options).model;
  };
  const Dense one = samples::NetworkMaker(4).dense(5, 1);
  for (const auto& squash : {std::vector<Layer>{}, std::vector<Layer>{Sigmoid{}}}) {
    const Model model = head_of(1, squash, HeadCut::automatic);
    ASSERT_TRUE(model.output_layer.has_value());
    EXPECT_EQ(model.output_layer->weight.values, one.weight.values);
    EXPECT_EQ(model.labels, (std::vector<std::string>{"a", "b"}));
    EXPECT_EQ(output_width(model.lower).value(), 5u);
    EXPECT_TRUE(model.score_calibration.has_value());
  }
  EXPECT_EQ(head_of(4, {Softmax{}}, HeadCut::automatic).output_layer->weight.rows, 4u);
  EXPECT_EQ(head_of(4, {Softmax{}}, HeadCut::automatic).labels.size(), 4u);
  EXPECT_FALSE(head_of(4, {}, HeadCut::automatic).output_layer.has_value());  // features, for all we know
  // Of two outputs the second's lead is the score.
  const Dense two = samples::NetworkMaker(4).dense(5, 2);
  const Model model = head_of(2, {}, HeadCut::last_layer);
  ASSERT_EQ(model.output_layer->weight.rows, 1u);
  EXPECT_DOUBLE_EQ(model.output_layer->weight(0, 3), two.weight(1, 3) - two.weight(0, 3));
  EXPECT_DOUBLE_EQ(model.output_layer->bias[0], two.bias[1] - two.bias[0]);
}

TEST(ImportModel, CountsWhatTheHeadTellsRight) {
  // The head's own answers as labels: its accuracy is 1.
  const Network network = with_head(3, {Softmax{}});
  Examples rows = rows_of(6, 3);
  const Matrix answers = forward(network, rows.embeddings);
  for (size_t i = 3; i < rows.rows(); ++i) {  // the first three keep all labels there
    const auto row = answers.row(i);
    rows.labels[i] = std::string(1, static_cast<char>('a' + (std::ranges::max_element(row) - row.begin())));
  }
  const ImportedModel made = import_model(weights_of(network), rows, {});
  EXPECT_GE(made.accuracy.value(), 57.0 / 60);
  EXPECT_GE(made.replaced_accuracy.value(), 0.5);
  rows.labels.clear();
  const ImportedModel unlabelled = import_model(weights_of(network), rows, {});
  EXPECT_FALSE(unlabelled.accuracy.has_value());
  EXPECT_EQ(unlabelled.model.labels, (std::vector<std::string>{"0", "1", "2"}));
}

TEST(ReadWeights, ReadsBothFormatsByTheirContent) {
  const TemporaryFolder folder = test_folder();
  const auto onnx = folder.path() / "a";
  const Network network = body(Tanh{});
  write_file(onnx, write_onnx(network).value()).value();
  EXPECT_TRUE(samples::same(read_weights(onnx)->network, network));
  const auto npz = folder.path() / "b";
  write_file(npz, samples::zip_of({{"w1.npy", npy_of("(2, 2)", {1, 2, 3, 4})},
                                   {"b1.npy", npy_of({1, 2})},
                                   {"w2.npy", npy_of("(1, 2)", {3, 4})},
                                   {"b2.npy", npy_of({5})},
                                   {"mn.npy", npy_of({0, 0})},
                                   {"mx.npy", npy_of({1, 2})}}))
      .value();
  const ForeignWeights weights = read_weights(npz).value();
  ASSERT_TRUE(weights.scaler.has_value());
  // The network takes what its own scaler makes, and no other is fitted.
  const ImportedModel made = import_model(weights, rows_of(2), {});
  EXPECT_EQ(made.model.scaler, *weights.scaler);
  EXPECT_TRUE(samples::same(made.model.lower, weights.network));
  write_file(folder.path() / "c", as_bytes("text")).value();
  EXPECT_THAT(read_weights(folder.path() / "c").error().what(), HasSubstr("c: not an ONNX file"));
  EXPECT_EQ(read_weights(folder.path() / "d").error().code(), ErrorCode::not_found);
}

TEST(ImportModel, MakesAFolderThatIsReadBack) {
  const TemporaryFolder folder = test_folder();
  const ImportedModel made = import_model(weights_of(with_head(1, {Sigmoid{}})), rows_of(6), {});
  save_whole_model(folder.path() / "model", made.model, false).value();
  const Model read = load_model(folder.path() / "model").value();
  EXPECT_EQ(model_digest(read), model_digest(made.model));
  EXPECT_EQ(read.training.at("replaced_activations").size(), 1u);
}

// --- Served, and asked through encryption

const std::filesystem::path kExports =
    std::filesystem::path(CRYPTOTL_SOURCE_DIR) / "tests" / "network" / "exports";
const std::filesystem::path kShared = std::filesystem::path(CRYPTOTL_SOURCE_DIR) / ".." / "shared" / "data";
constexpr double kSinglePrecision = 1e-6;  // of a framework's answers of order one

Examples unlabelled(const Matrix& rows) {
  Examples out;
  out.source = "rows";
  out.embeddings = rows;
  out.embedder = external_embedder("numbers", rows.cols);
  return out;
}

Examples table(const std::filesystem::path& file) {
  TableOptions options;
  options.expects_labels = false;
  return unlabelled(read_table(file, options)->features);
}

Matrix first_rows(const Matrix& rows, size_t count) {
  Matrix out(count, rows.cols);
  std::copy_n(rows.values.begin(), out.values.size(), out.values.begin());
  return out;
}

/// Features through encryption are the wanted ones, to the error that the plan predicts and their own.
void expect_features(const Model& model, const Matrix& rows, const Matrix& wanted, double own_error) {
  SmallWorld world(model);
  FeatureExtractor extractor(world.client, world.keys);
  const Extraction got = extractor.extract(rows);
  ASSERT_EQ(got.usable().size(), rows.rows);
  ASSERT_EQ(got.features.cols, wanted.cols);
  const double bound = world.client.metadata().plan.predicted_error + own_error;
  ASSERT_LT(bound, 2e-4);
  for (size_t i = 0; i < wanted.values.size(); ++i) {
    EXPECT_NEAR(got.features.values[i], wanted.values[i], bound);
  }
}

TEST(ImportedModel, GivesTheAnswersOfTheFrameworkThatMadeItThroughEncryption) {
  for (const std::string name : {"torch_paper", "keras_paper"}) {
    SCOPED_TRACE(name);
    const Examples rows = table(kExports / (name + ".rows.npy"));
    ImportOptions options;
    options.head = HeadCut::none;
    for (const char* exporter : {"_dynamo.onnx", "_export.onnx", "_opset13.onnx"}) {
      const auto file = kExports / (name + exporter);
      if (!std::filesystem::exists(file)) continue;  // each framework has one of the first two
      const ImportedModel made = import_model(read_weights(file).value(), rows, options);
      expect_features(made.model, rows.embeddings, table(kExports / (name + ".answers.npy")).embeddings,
                      kSinglePrecision);
    }
  }
}

TEST(ImportedModel, GivesTheScoresOfTheFrameworkThatMadeItThroughEncryption) {
  for (const std::string name : {"torch_paper_with_head", "keras_paper_with_head"}) {
    SCOPED_TRACE(name);
    const Examples rows = table(kExports / (name + ".rows.npy"));
    const ForeignWeights weights = read_weights(kExports / (name + "_opset13.onnx")).value();
    const TemporaryFolder folder = test_folder();
    const auto server = SmallWorld::start(import_model(weights, rows, {}).model, folder.path());
    ClientOptions asks_for_scores;
    asks_for_scores.answers = Answers::scores;
    ServiceClient client = ServiceClient::connect(server->url(), asks_for_scores).value();
    ClientKeys keys = ClientKeys::generate(client.metadata());
    keys.upload(client).value();
    Session session{std::move(client), std::move(keys)};
    const Prediction prediction = predict_server_only(rows, session, true);
    const Matrix wanted = table(kExports / (name + ".answers.npy")).embeddings;
    ASSERT_EQ(prediction.scores.values.size(), wanted.values.size());
    ASSERT_LT(prediction.score_bound, 1e-4);
    for (size_t i = 0; i < wanted.values.size(); ++i) {
      EXPECT_FALSE(prediction.flagged[i]);
      EXPECT_NEAR(prediction.scores.values[i], wanted.values[i], prediction.score_bound + kSinglePrecision);
    }
  }
}

TEST(ImportedModel, OfAnNpzFileOfThePapersSizeGivesItsNetworksFeaturesThroughEncryption) {
  if (!std::filesystem::exists(kShared)) GTEST_SKIP() << "the shared data sets are not beside this checkout";
  const ForeignWeights weights = read_weights(kShared / "lower_rt_polarity_cubic_seed0.npz").value();
  const Matrix source = table(kShared / "rt_polarity.f16.npy").embeddings;
  const ImportedModel made = import_model(weights, unlabelled(first_rows(source, 300)), {});
  const Matrix rows = first_rows(source, 3);
  Matrix scaled_rows = rows;
  weights.scaler->apply(scaled_rows);
  expect_features(made.model, rows, forward(weights.network, scaled_rows), 0);
}

}  // namespace
}  // namespace cryptotl

#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>

#include "cryptotl/base/file.h"
#include "service/served.h"

namespace cryptotl {
namespace {

using Json = nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;

/// One model whose scores are offered, with or without its features, and a data owner with keys for scores.
class ScoresTest : public testing::Test {
 protected:
  static Model model(size_t labels = 2) { return scoring_model(labels); }
  ServerOptions options(Offer offer) const {
    ServerOptions options;
    options.key_store = folder_.path() / "keys";
    options.offer = offer;
    return options;
  }
  void start(const Model& served, Offer offer) { server_ = Server::start(served, options(offer)).value(); }
  Result<ServiceClient> connect(std::optional<Answers> answers) {
    ClientOptions options;
    options.answers = answers;
    return ServiceClient::connect(server_->url(), options);
  }
  Json published(const std::string& name) {
    return Json::parse(send_once(*server_, request_text("GET", "/v2/models/" + name))->body);
  }
  std::string put_path(const std::string& name, const Owner& owner) const {
    return "/v2/models/" + name + "/keys/" + hex(owner.keys());
  }
  std::vector<std::string> names() {
    return Json::parse(send_once(*server_, request_text("GET", "/v2"))->body)["models"];
  }

  TemporaryFolder folder_;
  std::unique_ptr<Server> server_;
};

std::vector<double> plain_scores(const Model& model, std::span<const double> row) {
  const auto features = forward(model.lower, row);
  std::vector<double> out = model.output_layer->bias;
  for (size_t r = 0; r < out.size(); ++r) {
    const auto weights = model.output_layer->weight.row(r);
    out[r] = std::inner_product(weights.begin(), weights.end(), features.begin(), out[r]);
  }
  return out;
}

TEST_F(ScoresTest, OfAModelWithoutThemAreRefusedWithTheReason) {
  Model model = scoring_model(2);
  model.score_calibration.reset();
  for (const Offer offer : {Offer::scores, Offer::both}) {
    const auto started = Server::start(model, options(offer));
    ASSERT_FALSE(started.ok());
    EXPECT_EQ(started.error().code(), ErrorCode::invalid_argument);
    EXPECT_THAT(started.error().what(), HasSubstr("score_calibration"));
  }
  model.output_layer.reset();
  EXPECT_THAT(Server::start(model, options(Offer::scores)).error().what(), HasSubstr("no output layer"));
  Model uneven = scoring_model(3);
  uneven.labels.pop_back();
  EXPECT_THAT(Server::start(uneven, options(Offer::scores)).error().what(),
              HasSubstr("3 outputs for 2 labels"));
}

TEST_F(ScoresTest, AreOfferedBesideFeaturesWhereTheModelHasThem) {
  start(model(), Offer::automatic);
  EXPECT_THAT(names(), ElementsAre("small", "small-scores"));
  EXPECT_EQ(server_->left_out(), "");
  EXPECT_GT(server_->routes()[1].program_bytes, 0u);
  start(small_model(), Offer::automatic);
  EXPECT_THAT(names(), ElementsAre("small"));
  EXPECT_THAT(server_->left_out(), HasSubstr("score_calibration"));
}

TEST_F(ScoresTest, AloneLeaveNoRouteToFeaturesAndPublishNothingOfThem) {
  start(model(), Offer::scores);
  EXPECT_THAT(names(), ElementsAre("small-scores"));
  for (const char* const path : {"/v2/models/small", "/v2/models/small/ready", "/v2/models/small/keys/a"}) {
    const auto answer = send_once(*server_, request_text("GET", path));
    EXPECT_EQ(answer->status, 404) << path;
    EXPECT_EQ(answer->error_code(), "not_found") << path;
  }
  const ModelMetadata features =
      ModelMetadata::of(model(), plan_latency(fold(model().lower).value(), model().calibration).value());
  const Owner owner(features);
  EXPECT_EQ(send_once(*server_, request_text("PUT", put_path("small", owner), as_text(owner.evaluation_keys)))
                ->status,
            404);
  const Json parameters = published("small-scores")["parameters"];
  EXPECT_FALSE(parameters.contains("output_layer"));
  EXPECT_TRUE(parameters["feature_mean"].empty());
  EXPECT_TRUE(parameters["feature_deviation"].empty());
  EXPECT_EQ(parameters["answers"], "scores");
  EXPECT_EQ(parameters["score_function"], "sigmoid");
  EXPECT_EQ(connect(Answers::features).error().code(), ErrorCode::not_found);
  EXPECT_EQ(connect(std::nullopt)->metadata().answers, Answers::scores);
}

TEST_F(ScoresTest, AreNotThereWhereFeaturesAloneAreOffered) {
  start(model(), Offer::features);
  EXPECT_THAT(names(), ElementsAre("small"));
  const auto client = connect(Answers::scores);
  ASSERT_FALSE(client.ok());
  EXPECT_EQ(client.error().code(), ErrorCode::not_found);
  EXPECT_THAT(client.error().what(), HasSubstr("features only"));
  EXPECT_TRUE(published("small")["parameters"].contains("output_layer"));
}

TEST_F(ScoresTest, MetadataThatContradictsItselfIsRefused) {
  start(model(3), Offer::scores);
  const Json whole = published("small-scores");
  ASSERT_TRUE(ModelMetadata::from_json(whole).ok());
  EXPECT_EQ(ModelMetadata::from_json(whole)->score_function(), "softmax");
  const std::pair<const char*, Json> kWrong[] = {
      {"/parameters/answers", "weights"},
      {"/parameters/score_function", "sigmoid"},
      {"/parameters/labels", Json::array({"a", "b"})},
      {"/parameters/plan/random_limit", 0.0},
      {"/parameters/feature_mean", Json::array({1.0, 2.0, 3.0})},
  };
  for (const auto& [path, value] : kWrong) {
    Json bad = whole;
    bad[Json::json_pointer(path)] = value;
    if (std::string(path).ends_with("mean")) bad["parameters"]["feature_deviation"] = value;
    const auto read = ModelMetadata::from_json(bad);
    ASSERT_FALSE(read.ok()) << path;
    EXPECT_EQ(read.error().code(), ErrorCode::malformed) << path;
  }
}

/// More features than the sums of one score leave room for, so that the plans need other rotations.
Model wide_model() {
  constexpr size_t kFeatures = 40;
  Model model = scoring_model(2);
  Dense& last = std::get<Dense>(model.lower.layers.back());
  last = {uniform_rows(kFeatures, last.weight.cols, 3), std::vector<double>(kFeatures)};
  model.output_layer = Dense{uniform_rows(1, kFeatures, 4), {0.0}};
  model.feature_mean.assign(kFeatures, 0.0);
  model.feature_deviation.assign(kFeatures, 1.0);
  const Matrix rows = uniform_rows(50, model.lower.input_width, 1);
  model.calibration = calibrate(fold(model.lower).value(), rows);
  model.score_calibration = calibrate(append(fold(model.lower).value(), *model.output_layer), rows);
  return model;
}

TEST_F(ScoresTest, TakeNoKeysOfTheFeaturesPlanAndLoseNoneOfThem) {
  start(wide_model(), Offer::both);
  const Owner features(server_->routes()[0].metadata);
  const Owner scores(server_->routes()[1].metadata);
  const auto put = [&](const std::string& name, const Owner& owner) {
    return send_once(*server_, request_text("PUT", put_path(name, owner), as_text(owner.evaluation_keys)));
  };
  const auto wrong = put("small-scores", features);
  EXPECT_GE(wrong->status, 400);
  EXPECT_LT(wrong->status, 500);
  EXPECT_EQ(put("small", features)->status, 201);
  EXPECT_EQ(put("small-scores", scores)->status, 201);

  // A right input for scores that names the keys for features.
  const ModelMetadata& metadata = scores.metadata;
  const Matrix rows = uniform_rows(1, model().lower.input_width, 5);
  const std::string json =
      write_inference_request({"", features.keys(), metadata.model_digest, metadata.request_bytes()});
  const auto refused =
      send_once(*server_, inference_text("small-scores", json, scores.encrypted(rows.row(0))));
  EXPECT_EQ(refused->status, 409) << refused->body;
  EXPECT_EQ(refused->error_code(), "parameter_mismatch");
  EXPECT_THAT(refused->body, HasSubstr("another plan"));

  // Both sets are still there, and serve.
  ServiceClient client = connect(Answers::features).value();
  EXPECT_TRUE(client.has_keys(features.keys()).value());
  EXPECT_TRUE(client.infer(features.encrypted(rows.row(0)), features.keys()).ok());
  ServiceClient scoring = connect(Answers::scores).value();
  EXPECT_TRUE(scoring.infer(scores.encrypted(rows.row(0)), scores.keys()).ok());
}

TEST_F(ScoresTest, KeysOfAnotherPlanStayInASharedFolderAndDamagedOnesGo) {
  start(model(), Offer::scores);
  const Owner scores(server_->metadata());
  ServiceClient client = connect(Answers::scores).value();
  const Bytes input = scores.encrypted(uniform_rows(1, model().lower.input_width, 5).row(0));
  // Such as another server with another precision may have put there.
  const Bytes foreign(scores.evaluation_keys.size() / 2 + 3, 7);
  const auto path_of = [&](ByteView keys) { return folder_.path() / "keys" / (hex(digest(keys)) + ".keys"); };
  write_file(path_of(foreign), foreign).value();
  EXPECT_EQ(client.infer(input, digest(foreign)).error().code(), ErrorCode::parameter_mismatch);
  EXPECT_TRUE(std::filesystem::exists(path_of(foreign)));
  write_file(path_of(foreign), ByteView(foreign).first(100)).value();
  EXPECT_EQ(client.infer(input, digest(foreign)).error().code(), ErrorCode::missing_key);
  EXPECT_FALSE(std::filesystem::exists(path_of(foreign)));
}

/// The slots of a decrypted answer: every number in it that the client could read.
std::vector<std::complex<double>> slots_of(const Owner& owner, ByteView answer) {
  const SwitchedCiphertext ciphertext = read_answer(answer, owner.metadata.params).value();
  return owner.encoder.decode(decrypt(owner.secret, ciphertext), ciphertext.scale);
}

double correlation(const std::vector<double>& a, const std::vector<double>& b) {
  const auto mean = [](const std::vector<double>& x) {
    return std::accumulate(x.begin(), x.end(), 0.0) / static_cast<double>(x.size());
  };
  double ab = 0, aa = 0, bb = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    ab += (a[i] - mean(a)) * (b[i] - mean(b));
    aa += (a[i] - mean(a)) * (a[i] - mean(a));
    bb += (b[i] - mean(b)) * (b[i] - mean(b));
  }
  return ab / std::sqrt(aa * bb);
}

/// By the number of labels.
class ScoresOf : public ScoresTest, public testing::WithParamInterface<size_t> {};

TEST_P(ScoresOf, LabelsAreAllThatAnAnswerHolds) {
  const Model served = model(GetParam());
  start(served, Offer::both);
  ServiceClient client = connect(Answers::scores).value();
  const Owner owner(client.metadata());
  const LatencyPlan& plan = owner.metadata.plan;
  ASSERT_EQ(plan.output_width(), GetParam() == 2 ? 1 : GetParam());
  ASSERT_TRUE(plan.packing.only_outputs()) << "a random number hides no partial sum well";
  client.upload_keys(owner.evaluation_keys).value();
  const Matrix rows = uniform_rows(2, served.lower.input_width, 5);

  const auto others = [&](std::span<const double> row) {
    const Bytes answer = client.infer(owner.encrypted(row), owner.keys()).value().ciphertext;
    const auto slots = slots_of(owner, answer);
    const auto scores = unpack_output(plan.packing, slots);
    const auto expected = plain_scores(served, row);
    EXPECT_EQ(scores.size(), expected.size());
    for (size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(scores[i], expected[i], plan.predicted_error);
    std::vector<double> rest;
    const size_t half = plan.packing.half_outputs();
    for (size_t t = 0; t < slots.size(); ++t) {
      if (t >= half) rest.push_back(slots[t].real());
      if (t + half >= plan.output_width()) rest.push_back(slots[t].imag());
    }
    EXPECT_EQ(rest.size() + expected.size(), 2 * slots.size());
    return rest;
  };
  const auto first = others(rows.row(0));
  const auto second = others(rows.row(0));
  const auto another = others(rows.row(1));

  // Two uniform numbers below the limit in absolute value lie nearer than a thousandth of it with
  // probability 1/1000; a few slots carry copies of the scores on top.
  size_t near = 0;
  double mean_square = 0;
  for (size_t i = 0; i < first.size(); ++i) {
    EXPECT_NE(first[i], second[i]);
    near += std::abs(first[i] - second[i]) < 1e-3 * plan.output_limit ? 1 : 0;
    mean_square += first[i] * first[i] / static_cast<double>(first.size());
  }
  EXPECT_LT(near, first.size() / 200);
  EXPECT_NEAR(mean_square, plan.output_limit * plan.output_limit / 3,
              0.1 * plan.output_limit * plan.output_limit);
  // Seven deviations of the correlation of independent numbers.
  const double bound = 7 / std::sqrt(static_cast<double>(first.size()));
  EXPECT_LT(std::abs(correlation(first, second)), bound) << "the same input";
  EXPECT_LT(std::abs(correlation(first, another)), bound) << "another input";
}

INSTANTIATE_TEST_SUITE_P(Labels, ScoresOf, testing::Values(2, 3, 5));

}  // namespace
}  // namespace cryptotl

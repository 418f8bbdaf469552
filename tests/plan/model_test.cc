#include "cryptotl/plan/model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "cryptotl/base/file.h"
#include "plan/random_network.h"

namespace cryptotl {
namespace {

namespace fs = std::filesystem;

class ModelTest : public testing::Test {
 protected:
  ModelTest() : directory_(fs::temp_directory_path() / ("cryptotl-model-" + std::to_string(::getpid()))) {
    const Dense first{Matrix(3, 4), {0.1, 0.2, 0.3}};
    const Dense second{Matrix(2, 3), {0.0, -1.0}};
    model_.name = "small";
    model_.lower = {4, {first, Polynomial{{0.5, 0.5, 0.1, -0.01}}, second}};
    for (double& value : std::get<Dense>(model_.lower.layers[0]).weight.values) value = 1.0 / 3;
    model_.scaler = MinMaxScaler::fit(uniform_rows(5, 4, 1));
    model_.embedder = external_embedder("some-embedder", 4);
    model_.calibration = calibrate(fold(model_.lower).value(), uniform_rows(5, 4, 1));
    model_.labels = {"ham", "spam"};
    model_.output_layer = Dense{Matrix(1, 2), {0.25}};
    model_.score_calibration =
        calibrate(append(fold(model_.lower).value(), *model_.output_layer), uniform_rows(5, 4, 1));
    model_.feature_mean = {0.1, 0.2};
    model_.feature_deviation = {1.0, 2.0};
    model_.training = {{"epochs", 3}};
  }
  ~ModelTest() override { fs::remove_all(directory_); }

  void save() { save_model(directory_, model_).value(); }
  /// Without the fsync of write_file, which would take most of these tests' time.
  void overwrite(const char* name, ByteView bytes) {
    std::ofstream(directory_ / name, std::ios::binary | std::ios::trunc) << as_text(bytes);
  }
  void expect_refused(ErrorCode code) {
    const auto loaded = load_model(directory_);
    ASSERT_FALSE(loaded.ok());
    EXPECT_EQ(loaded.error().code(), code) << loaded.error().what();
    EXPECT_THAT(loaded.error().what(), testing::HasSubstr(directory_.string()));
  }

  fs::path directory_;
  Model model_;
};

TEST_F(ModelTest, RefusesAFolderWithoutAModel) { expect_refused(ErrorCode::not_found); }

TEST_F(ModelTest, RefusesEveryFlippedByteOfTheManifestAndOfTheNetwork) {
  save();
  for (const char* name : {"manifest.json", "lower.onnx"}) {
    const Bytes good = read_file(directory_ / name).value();
    for (size_t i = 0; i < good.size(); ++i) {
      Bytes bad = good;
      bad[i] ^= 0x10;
      overwrite(name, bad);
      const auto loaded = load_model(directory_);
      // White space between members may change without a change of meaning.
      if (loaded.ok()) {
        EXPECT_EQ(model_digest(*loaded), model_digest(model_)) << name << " byte " << i;
      }
    }
    // The manifest's last byte is a newline, which may be missing.
    for (size_t size = 0; size + 1 < good.size(); size += 1 + good.size() / 200) {
      overwrite(name, ByteView(good).first(size));
      EXPECT_FALSE(load_model(directory_).ok()) << name << " cut to " << size;
    }
    overwrite(name, good);
  }
  EXPECT_TRUE(load_model(directory_).ok());
}

TEST_F(ModelTest, RefusesTheNetworkOfAnotherModel) {
  save();
  const Bytes manifest = read_file(directory_ / "manifest.json").value();
  std::get<Dense>(model_.lower.layers[0]).bias[0] = 7;
  save();
  overwrite("manifest.json", manifest);
  expect_refused(ErrorCode::malformed);
}

TEST_F(ModelTest, RefusesToSavePartsThatDoNotFitTogether) {
  Model bad = model_;
  bad.embedder.width = 5;
  EXPECT_FALSE(save_model(directory_, bad).ok());
  bad = model_;
  bad.feature_mean.push_back(0);
  EXPECT_FALSE(save_model(directory_, bad).ok());
  bad = model_;
  bad.output_layer.reset();  // but not what was measured with it
  EXPECT_FALSE(save_model(directory_, bad).ok());
  bad = model_;
  bad.name = "../elsewhere";
  EXPECT_FALSE(save_model(directory_, bad).ok());
  EXPECT_FALSE(fs::exists(directory_));
}

TEST_F(ModelTest, LoadsWhatWasSavedToTheLastBit) {
  save();
  const Model loaded = load_model(directory_).value();
  EXPECT_EQ(model_digest(loaded), model_digest(model_));
  EXPECT_EQ(loaded.scaler, model_.scaler);
  EXPECT_EQ(loaded.embedder, model_.embedder);
  EXPECT_EQ(loaded.calibration, model_.calibration);
  EXPECT_EQ(loaded.score_calibration, model_.score_calibration);
  EXPECT_EQ(loaded.labels, model_.labels);
  EXPECT_EQ(loaded.output_layer->bias, model_.output_layer->bias);
  const Matrix rows = uniform_rows(3, 4, 9);
  EXPECT_EQ(forward(loaded.lower, rows).values, forward(model_.lower, rows).values);
}

TEST_F(ModelTest, AnyChangeChangesTheDigest) {
  Model other = model_;
  other.calibration.layers[0].sum_gain += 1e-12;
  EXPECT_NE(model_digest(other), model_digest(model_));
  other = model_;
  std::get<Dense>(other.lower.layers[2]).bias[1] += 1e-12;
  EXPECT_NE(model_digest(other), model_digest(model_));
}

}  // namespace
}  // namespace cryptotl

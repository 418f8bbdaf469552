#include "transfer/bench_subject.h"

#include <cmath>
#include <random>

#include "cryptotl/learn/pretrain.h"

namespace cryptotl {
namespace {

constexpr size_t kCalibrationRows = 100;

Dense random_dense(size_t outputs, size_t inputs, std::mt19937_64& generator) {
  std::normal_distribution<double> weight(0.0, std::sqrt(1.0 / static_cast<double>(inputs)));
  Dense out{Matrix(outputs, inputs), std::vector<double>(outputs)};
  for (double& value : out.weight.values) value = weight(generator);
  for (double& value : out.bias) value = weight(generator);
  return out;
}

Matrix random_rows(size_t rows, size_t cols, std::mt19937_64& generator) {
  std::uniform_real_distribution<double> uniform(0.0, 1.0);
  Matrix out(rows, cols);
  for (double& value : out.values) value = uniform(generator);
  return out;
}

}  // namespace

Model bench_model(std::vector<Dense> layers, const Polynomial& activation, const Matrix& calibration) {
  const size_t inputs = layers.front().weight.cols;
  Model model;
  model.name = "bench";
  model.lower.input_width = inputs;
  for (Dense& layer : layers) {
    if (!model.lower.layers.empty()) model.lower.layers.push_back(activation);
    model.lower.layers.push_back(std::move(layer));
  }
  model.scaler = {std::vector<double>(inputs, 0.0), std::vector<double>(inputs, 1.0)};
  model.embedder = external_embedder("random", inputs);
  model.calibration = calibrate(fold(model.lower).value(), calibration);
  return model;
}

BenchSubject random_bench_subject(const std::vector<size_t>& widths, bool quadratic, size_t inputs,
                                  size_t warm_up, uint64_t seed) {
  std::mt19937_64 generator(seed);
  Polynomial activation = kPaperCubic;
  if (quadratic) activation.coefficients.pop_back();
  std::vector<Dense> layers;
  for (size_t i = 1; i < widths.size(); ++i)
    layers.push_back(random_dense(widths[i], widths[i - 1], generator));
  Model model =
      bench_model(std::move(layers), activation, random_rows(kCalibrationRows, widths.front(), generator));
  Matrix rows = random_rows(inputs, widths.front(), generator);
  return {std::move(model), std::move(rows), random_rows(warm_up, widths.front(), generator)};
}

}  // namespace cryptotl

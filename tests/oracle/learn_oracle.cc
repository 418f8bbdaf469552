// Our side of learn_oracle.py. Numbers are little-endian doubles without a header.
//
//   measure CLASSES SCORES LABELS              the metrics of scores [rows][1 where CLASSES is 2, else
//   CLASSES] logistic CLASSES C COLUMNS DESIGN LABELS   weights and biases of a penalised logistic regression
//
// Prints one JSON object.

#include <cstdio>
#include <exception>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>

#include "cryptotl/base/bytes.h"
#include "cryptotl/base/file.h"
#include "cryptotl/learn/curves.h"
#include "cryptotl/learn/metrics.h"
#include "learn/logistic.h"

namespace cryptotl {
namespace {

using Json = nlohmann::json;

std::vector<double> read_numbers(const std::string& path) {
  const Bytes bytes = read_file(path).value();
  ByteReader reader(bytes);
  std::vector<double> numbers(bytes.size() / sizeof(double));
  for (double& number : numbers) number = reader.number<double>().value();
  return numbers;
}

std::vector<int> read_labels(const std::string& path) {
  std::vector<int> labels;
  for (const double number : read_numbers(path)) labels.push_back(static_cast<int>(number));
  return labels;
}

Matrix read_matrix(const std::string& path, size_t columns) {
  Matrix out;
  out.values = read_numbers(path);
  out.cols = columns;
  out.rows = out.values.size() / columns;
  return out;
}

Json curve_json(const std::vector<CurvePoint>& curve) {
  Json out = Json::array();
  for (const CurvePoint& point : curve) out.push_back({point.x, point.y});
  return out;
}

Json measure_json(const Matrix& scores, const std::vector<int>& labels) {
  const Metrics metrics = measure(scores, labels);
  Json out = {{"loss", metrics.loss},
              {"accuracy", metrics.accuracy},
              {"balanced_accuracy", metrics.balanced_accuracy},
              {"f1", metrics.f1},
              {"precision", metrics.precision},
              {"recall", metrics.recall},
              {"kappa", metrics.kappa},
              {"roc_auc", metrics.roc_auc},
              {"pr_auc", metrics.pr_auc},
              {"confusion", confusion_matrix(scores, labels).values}};
  if (scores.cols > 1) {
    out["roc"] = curve_json(mean_roc_curve(scores, labels));
    out["precision_recall"] = curve_json(mean_precision_recall_curve(scores, labels));
  }
  return out;
}

Json run(const std::vector<std::string>& arguments) {
  const size_t classes = std::stoul(arguments.at(1));
  if (arguments.at(0) == "measure") {
    return measure_json(read_matrix(arguments.at(2), classes == 2 ? 1 : classes),
                        read_labels(arguments.at(3)));
  }
  LogisticData data;
  data.classes = classes;
  data.design = read_matrix(arguments.at(4), std::stoul(arguments.at(3)));
  data.labels = read_labels(arguments.at(5));
  const LogisticWeights weights = fit_logistic(data, std::stod(arguments.at(2)));
  return {{"weight", weights.weight.values}, {"bias", weights.bias}};
}

}  // namespace
}  // namespace cryptotl

int main(int argc, char** argv) {
  try {
    std::cout << cryptotl::run({argv + 1, argv + argc}).dump() << "\n";
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 3;
  }
}

#include "transfer/plain_network.h"

#include <cblas.h>

#include <algorithm>

namespace cryptotl {
namespace {

void resize(Matrix& matrix, size_t rows, size_t cols) {
  matrix.rows = rows;
  matrix.cols = cols;
  matrix.values.resize(rows * cols);
}

/// out = in weight^T + bias.
void apply(const Dense& layer, const Matrix& in, Matrix& out) {
  for (size_t i = 0; i < in.rows; ++i) std::ranges::copy(layer.bias, out.row(i).begin());
  const auto size = [](size_t count) { return static_cast<int>(count); };
  cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, size(in.rows), size(layer.weight.rows), size(in.cols),
              1.0, in.values.data(), size(in.cols), layer.weight.values.data(), size(layer.weight.cols), 1.0,
              out.values.data(), size(out.cols));
}

void apply(const Polynomial& polynomial, Matrix& values) {
  const std::vector<double>& c = polynomial.coefficients;
  if (c.size() == 4) {  // unrolled, so that the compiler uses vectors
    for (double& x : values.values) x = ((c[3] * x + c[2]) * x + c[1]) * x + c[0];
    return;
  }
  for (double& x : values.values) {
    double sum = 0;
    for (size_t i = c.size(); i > 0; --i) sum = sum * x + c[i - 1];
    x = sum;
  }
}

}  // namespace

PlainNetwork::PlainNetwork(const Network& network, size_t threads) {
  for (const Layer& layer : network.layers) {
    const bool affine = layers_.size() == activations_.size();
    if (affine && std::holds_alternative<Dense>(layer)) {
      layers_.push_back(std::get<Dense>(layer));
    } else if (!affine && std::holds_alternative<Polynomial>(layer)) {
      activations_.push_back(std::get<Polynomial>(layer));
    } else {
      throw Error(ErrorCode::invalid_argument, "layers that do not alternate");
    }
  }
  hidden_.resize(activations_.size());
  openblas_set_num_threads(static_cast<int>(threads));
}

void PlainNetwork::run(const Matrix& rows, Matrix& out) {
  const Matrix* in = &rows;
  for (size_t i = 0; i < layers_.size(); ++i) {
    Matrix& result = i + 1 < layers_.size() ? hidden_[i] : out;
    resize(result, rows.rows, layers_[i].weight.rows);
    apply(layers_[i], *in, result);
    if (i < activations_.size()) apply(activations_[i], result);
    in = &result;
  }
}

}  // namespace cryptotl

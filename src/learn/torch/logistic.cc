#include <algorithm>

#include "backend.h"
#include "torch_network.h"

namespace cryptotl {
namespace {

using torch::Tensor;

constexpr int kNewtonSteps = 60;
constexpr int kHalvings = 30;
constexpr double kRelativeDecrease = 1e-9;  // of the objective, at which a fit is done

/// log(1 + e^f) - y f, the log-loss of the logit f.
Tensor log_loss(const Tensor& logits, const Tensor& labels) {
  return torch::relu(logits) + torch::log1p(torch::exp(-logits.abs())) - labels * logits;
}

/// Several fits of two classes at once, one a fold; all double.
struct KernelFits {
  Tensor gram;     ///< [fits][rows][rows]
  Tensor labels;   ///< [fits][rows]
  Tensor offset;   ///< [fits][rows]
  Tensor weights;  ///< [fits][rows], 1, or 0 for a row that only pads
  Tensor dual;     ///< [fits][rows], the solution: weight = design^T dual
  Tensor bias;     ///< [fits][1]

  /// K v for every fit.
  Tensor times_gram(const Tensor& vectors) const { return torch::bmm(gram, vectors.unsqueeze(2)).squeeze(2); }

  Tensor objective(const Tensor& dual_now, const Tensor& product, const Tensor& bias_now, double C) const {
    return C * (weights * log_loss(product + bias_now + offset, labels)).sum(1) +
           0.5 * (dual_now * product).sum(1);
  }

  /// Continues from dual and bias to the solution for this C.
  void solve(double C);
};

void KernelFits::solve(double C) {
  const Tensor identity = torch::eye(gram.size(1), gram.options());
  Tensor product = times_gram(dual);
  Tensor value = objective(dual, product, bias, C);
  for (int step = 0; step < kNewtonSteps; ++step) {
    const Tensor probability = torch::sigmoid(product + bias + offset);
    // A floor keeps rows that are already certain in the system; it changes the step, not the solution.
    const Tensor curvature = C * weights * (probability * (1 - probability)).clamp_min(1e-10);
    const Tensor root = curvature.sqrt();
    const Tensor target = curvature * (product + bias) - C * weights * (probability - labels);
    const Tensor system = root.unsqueeze(2) * gram * root.unsqueeze(1) + identity;
    const Tensor factor = torch::linalg_cholesky(system);
    const Tensor sides =
        torch::stack({torch::where(root > 0, target / root.clamp_min(1e-150), root), root}, 2);
    const Tensor solved = root.unsqueeze(2) * torch::cholesky_solve(sides, factor);
    const Tensor from_target = solved.select(2, 0), from_ones = solved.select(2, 1);
    const Tensor next_bias = from_target.sum(1, true) / from_ones.sum(1, true);
    const Tensor dual_step = from_target - from_ones * next_bias - dual;
    const Tensor bias_step = next_bias - bias;
    const Tensor product_step = times_gram(dual_step);

    Tensor share = torch::ones_like(bias);  // of the step that each fit takes
    Tensor next_value;
    for (int halving = 0; halving < kHalvings; ++halving) {
      next_value =
          objective(dual + share * dual_step, product + share * product_step, bias + share * bias_step, C);
      const Tensor risen = next_value > value + 1e-12 * value.abs();
      if (!risen.any().item<bool>()) break;
      share = torch::where(risen.unsqueeze(1), share / 2, share);
    }
    dual = dual + share * dual_step;
    bias = bias + share * bias_step;
    product = product + share * product_step;
    const bool done = ((value - next_value) <= kRelativeDecrease * (1 + value.abs())).all().item<bool>();
    value = next_value;
    if (done) return;
  }
}

Tensor offset_of(const LogisticData& data) {
  if (data.offset.values.empty()) {
    return torch::zeros({static_cast<int64_t>(data.labels.size()), static_cast<int64_t>(data.outputs())},
                        torch::kDouble);
  }
  return to_tensor(data.offset, torch::kDouble);
}

Tensor labels_of(const LogisticData& data) {
  return torch::tensor(std::vector<int64_t>(data.labels.begin(), data.labels.end()), torch::kLong);
}

bool uses_kernel(const LogisticData& data) { return data.classes == 2 && data.labels.size() <= kKernelRows; }

/// A model that is carried from one penalty to the next, larger one.
struct Weights {
  Tensor weight;  ///< [outputs][columns]
  Tensor bias;    ///< [outputs]
};

/// Several classes, or many rows.
void solve_by_columns(const Tensor& design, const Tensor& labels, const Tensor& offset, double C,
                      Weights& weights) {
  weights.weight.set_requires_grad(true);
  weights.bias.set_requires_grad(true);
  const bool binary = offset.size(1) == 1;
  const auto rows = static_cast<double>(design.size(0));
  torch::optim::LBFGS optimizer({weights.weight, weights.bias}, torch::optim::LBFGSOptions(1)
                                                                    .max_iter(1000)
                                                                    .max_eval(2000)
                                                                    .history_size(20)
                                                                    .tolerance_grad(1e-7)
                                                                    .tolerance_change(1e-12)
                                                                    .line_search_fn("strong_wolfe"));
  optimizer.step([&] {
    optimizer.zero_grad();
    const Tensor logits = torch::linear(design, weights.weight, weights.bias) + offset;
    const Tensor loss =
        binary ? torch::binary_cross_entropy_with_logits(logits.squeeze(1), labels.to(torch::kDouble))
               : torch::cross_entropy_loss(logits, labels);
    Tensor value = loss + weights.weight.square().sum() / (2 * C * rows);
    value.backward();
    return value;
  });
  weights.weight = weights.weight.detach();
  weights.bias = weights.bias.detach();
}

/// The design with no more columns than rows: design = reduced * basis^T, the basis orthonormal. A penalised
/// weight lies in the span of the rows, and a rotation leaves its norm as it is, so that a fit on `reduced`
/// with weight w is the fit on the design with weight w * basis^T.
struct ReducedDesign {
  Tensor reduced;  ///< [rows][min(rows, columns)]
  Tensor basis;    ///< [columns][the same]; undefined where nothing was reduced

  explicit ReducedDesign(const LogisticData& data) : reduced(to_tensor(data.design, torch::kDouble)) {
    // Two classes beyond the kernel's rows have more rows than columns as a rule, and keep their numbers.
    if (data.classes == 2 || data.design.cols <= data.design.rows) return;
    const auto [orthonormal, triangular] = torch::linalg_qr(reduced.t());
    basis = orthonormal;
    reduced = triangular.t().contiguous();
  }

  Tensor weight(const Tensor& fitted) const { return basis.defined() ? fitted.matmul(basis.t()) : fitted; }
};

Weights zero_weights(size_t outputs, const Tensor& design) {
  const auto rows = static_cast<int64_t>(outputs);
  return {torch::zeros({rows, design.size(1)}, torch::kDouble), torch::zeros({rows}, torch::kDouble)};
}

std::vector<double> to_vector(const Tensor& values) {
  const Tensor flat = values.contiguous();
  return {flat.data_ptr<double>(), flat.data_ptr<double>() + flat.numel()};
}

Matrix to_matrix(const Tensor& values) {
  Matrix out(static_cast<size_t>(values.size(0)), static_cast<size_t>(values.size(1)));
  out.values = to_vector(values);
  return out;
}

Tensor to_index(std::span<const size_t> rows) {
  return torch::tensor(std::vector<int64_t>(rows.begin(), rows.end()), torch::kLong);
}

/// All folds in one batch on the Gram matrix. Training sets that are shorter than the longest are padded with
/// rows of weight 0.
class KernelFoldFits : public PenaltyFits {
 public:
  KernelFoldFits(const LogisticData& data, std::span<const Split> folds)
      : labels_(labels_of(data).to(torch::kDouble)), offset_(offset_of(data).squeeze(1)) {
    const Tensor design = to_tensor(data.design, torch::kDouble);
    gram_ = design.matmul(design.t());
    size_t longest = 0;
    for (const Split& fold : folds) longest = std::max(longest, fold.train.size());
    std::vector<Tensor> grams, weights;
    for (const Split& fold : folds) {
      std::vector<size_t> padded = fold.train;
      padded.resize(longest, fold.train.front());
      train_.push_back(to_index(padded));
      test_.push_back(to_index(fold.test));
      grams.push_back(gram_.index_select(0, train_.back()).index_select(1, train_.back()));
      Tensor weight = torch::zeros({static_cast<int64_t>(longest)}, torch::kDouble);
      weight.narrow(0, 0, static_cast<int64_t>(fold.train.size())).fill_(1);
      weights.push_back(weight);
    }
    const Tensor train = torch::stack(train_);
    fits_.gram = torch::stack(grams);
    fits_.weights = torch::stack(weights);
    fits_.labels = labels_.take(train);
    fits_.offset = offset_.take(train);
    fits_.dual = torch::zeros_like(fits_.labels);
    fits_.bias = torch::zeros({train.size(0), 1}, torch::kDouble);
  }

  Matrix logits(double C) override {
    fits_.solve(C);
    Tensor logits = offset_.clone();
    for (size_t fold = 0; fold < test_.size(); ++fold) {
      const auto f = static_cast<int64_t>(fold);
      const Tensor cross = gram_.index_select(0, test_[fold]).index_select(1, train_[fold]);
      logits.index_add_(0, test_[fold], cross.mv(fits_.dual[f]) + fits_.bias[f]);
    }
    return to_matrix(logits.unsqueeze(1));
  }

 private:
  Tensor gram_, labels_, offset_;
  std::vector<Tensor> train_, test_;
  KernelFits fits_;
};

class ColumnFoldFits : public PenaltyFits {
 public:
  ColumnFoldFits(const LogisticData& data, std::span<const Split> folds)
      : design_(ReducedDesign(data).reduced), labels_(labels_of(data)), offset_(offset_of(data)) {
    for (const Split& fold : folds) {
      train_.push_back(to_index(fold.train));
      test_.push_back(to_index(fold.test));
      weights_.push_back(zero_weights(data.outputs(), design_));
    }
  }

  Matrix logits(double C) override {
    Tensor logits = offset_.clone();
    for (size_t fold = 0; fold < train_.size(); ++fold) {
      const Tensor& train = train_[fold];
      solve_by_columns(design_.index_select(0, train), labels_.index_select(0, train),
                       offset_.index_select(0, train), C, weights_[fold]);
      logits.index_add_(
          0, test_[fold],
          torch::linear(design_.index_select(0, test_[fold]), weights_[fold].weight, weights_[fold].bias));
    }
    return to_matrix(logits);
  }

 private:
  Tensor design_, labels_, offset_;
  std::vector<Tensor> train_, test_;
  std::vector<Weights> weights_;
};

}  // namespace

LogisticWeights TorchBackend::fit_logistic(const LogisticData& data, double C) const {
  Weights weights;
  if (uses_kernel(data)) {
    const Tensor design = to_tensor(data.design, torch::kDouble);
    KernelFits fit;
    fit.gram = design.matmul(design.t()).unsqueeze(0);
    fit.labels = labels_of(data).to(torch::kDouble).unsqueeze(0);
    fit.offset = offset_of(data).t();
    fit.weights = torch::ones_like(fit.labels);
    fit.dual = torch::zeros_like(fit.labels);
    fit.bias = torch::zeros({1, 1}, torch::kDouble);
    fit.solve(C);
    weights = {fit.dual.matmul(design), fit.bias[0]};
  } else {
    const ReducedDesign design(data);
    weights = zero_weights(data.outputs(), design.reduced);
    solve_by_columns(design.reduced, labels_of(data), offset_of(data), C, weights);
    weights.weight = design.weight(weights.weight);
  }
  return {to_matrix(weights.weight), to_vector(weights.bias)};
}

std::unique_ptr<PenaltyFits> TorchBackend::penalty_fits(const LogisticData& data,
                                                        std::span<const Split> folds) const {
  if (uses_kernel(data)) return std::make_unique<KernelFoldFits>(data, folds);
  return std::make_unique<ColumnFoldFits>(data, folds);
}

}  // namespace cryptotl

#pragma once

#include <vector>

#include "cryptotl/network/folding.h"
#include "cryptotl/plan/program_plan.h"

namespace cryptotl {

/// Who encrypts: the error of an input differs.
enum class Encryption { secret_key, public_key };

/// Where an error comes from: from the client's encryption, from rounding weights when they are encoded,
/// which makes another network but the same one for all, or from computing on ciphertexts.
enum class Origin { input, weights, evaluation };

/// Adds up independent errors, and keeps them apart where they are asked for.
class NoiseSum {
 public:
  explicit NoiseSum(std::vector<NoiseTerm>* terms = nullptr) : terms_(terms) {}
  /// Counts `tail` times (secret_tail()).
  void add(size_t layer, const char* name, double deviation, double tail = 1,
           Origin origin = Origin::evaluation);
  double deviation() const;
  /// Of those of evaluation alone.
  double evaluation_deviation() const;

 private:
  std::vector<NoiseTerm>* terms_;
  double variance_ = 0;
  double evaluation_variance_ = 0;
};

/// What errors depend on of the weights of every matrix: one look at them serves all plans that are weighed.
struct WeightSizes {
  explicit WeightSizes(const FoldedNetwork& network);
  std::vector<double> mean_square;  ///< [matrices] roots of them
  std::vector<double> limits;       ///< [matrices] largest absolute values
};

/// Predicts the error of a plan's answers from the gains that the calibration measured: every operation adds
/// independent errors of a known deviation (noise.h), and each gain says what of them arrives at an output.
/// Ring and packing are those that it is made for; all else may change between calls.
class NoiseModel {
 public:
  virtual ~NoiseModel() = default;

  /// The standard deviation of the worst output, tails counted, before the answer is rounded for its way to
  /// the client; with wish().
  double deviation(const ProgramPlan& plan, Encryption encryption) const;
  /// The same without wish().
  double source_deviation(const ProgramPlan& plan, Encryption encryption) const;
  /// The part of it that computing on ciphertexts adds, whoever encrypted.
  double evaluation_deviation(const ProgramPlan& plan) const;
  /// The same with that rounding, source by source.
  std::vector<NoiseTerm> terms(const ProgramPlan& plan, Encryption encryption) const;

  /// Largest absolute values of each register of activation i, over the widened range of its input.
  const std::vector<double>& register_limits(size_t i) const { return register_limits_[i]; }
  /// log2 of the largest size that an input times its scale may have.
  virtual double largest_input_log() const { return 60; }
  /// log2 of the largest scale that entries of matrix i may have.
  virtual double largest_matrix_log(size_t i) const = 0;

 protected:
  NoiseModel(const FoldedNetwork& network, const WeightSizes& weights, const Calibration& calibration,
             const ParamsSpec& params);

  virtual void add_matrix(const ProgramPlan& plan, size_t i, Encryption encryption, NoiseSum& sum) const = 0;
  /// What a wish for noise counts for in the deviation, where there is one.
  virtual double wish(const ProgramPlan&, const NoiseSum&) const { return 0; }
  /// What is added to the answer once the last matrix is done.
  virtual void add_answer(const ProgramPlan&, NoiseSum&) const {}

  const LayerCalibration& gains(size_t i) const { return calibration_.layers[i]; }
  double weight_limit(size_t i) const { return weights_.limits[i]; }
  double weight_mean_square(size_t i) const { return weights_.mean_square[i]; }
  /// The n of noise.h.
  size_t dimension() const { return dimension_; }
  double slot(double coefficient) const { return coefficient * slot_factor_; }
  double tail() const { return tail_; }
  void set_tail(double tail) { tail_ = tail; }
  double rounding() const;
  double key_switch(const ProgramPlan& plan, size_t limbs) const;

 private:
  void add_all(const ProgramPlan& plan, Encryption encryption, NoiseSum& sum) const;
  void add_activation(const ProgramPlan& plan, size_t i, NoiseSum& sum) const;

  WeightSizes weights_;
  const Calibration& calibration_;
  std::vector<std::vector<double>> register_limits_;
  std::vector<std::vector<std::vector<double>>> linear_;  ///< [activation][product][register]
  std::vector<double> widths_;                            ///< of each hidden layer
  size_t dimension_;
  double slot_factor_;
  double tail_;
};

}  // namespace cryptotl

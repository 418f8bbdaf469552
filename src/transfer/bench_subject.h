#pragma once

#include "cryptotl/plan/model.h"

namespace cryptotl {

/// What a bench measures, and with what.
struct BenchSubject {
  Model model;
  Matrix inputs;
  Matrix warm_up;
};

/// Layers with an activation between any two, calibrated, behind a scaler that changes nothing.
Model bench_model(std::vector<Dense> layers, const Polynomial& activation, const Matrix& calibration);

/// Random weights and rows: every weight and bias is normal of variance one over the layer's inputs, rows are
/// uniform in [0, 1], and calibration uses others than are measured.
BenchSubject random_bench_subject(const std::vector<size_t>& widths, bool quadratic, size_t inputs,
                                  size_t warm_up, uint64_t seed);

}  // namespace cryptotl

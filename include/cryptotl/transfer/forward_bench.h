#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "cryptotl/base/error.h"
#include "cryptotl/plan/planner.h"

namespace cryptotl {

struct ForwardBenchOptions {
  size_t inputs = 100;
  size_t threads = 1;                            ///< of the server's pass
  uint64_t seed = 0;                             ///< of weights and inputs
  double precision = kFastPrecision;             ///< planner.h
  std::vector<size_t> widths = {768, 768, 766};  ///< input, hidden layers, output
  bool quadratic = false;                        ///< the paper's cubic without its last term
  /// Where it is not empty, weights and rows come from this folder, of w1.npy [hidden][inputs], b1.npy,
  /// w2.npy, b2.npy, inputs.npy and calibration.npy [rows][inputs], with the cubic between the layers;
  /// `inputs` of its rows are measured at most.
  std::filesystem::path network;
  bool trusting = false;  ///< as the server's option
  std::filesystem::path server_program;
  bool quiet = false;
};

/// Times and errors of the paper's pass on random weights, as `cryptotl bench forward --json` prints them.
/// The network is the folded one (768 - 768 - cubic - 766), every weight and bias normal of variance one over
/// the layer's inputs; inputs are uniform in [0, 1], and calibration uses others than are measured. The
/// server is a process of its own with one model and one client; first passes that warm it up are not
/// measured. All inputs are measured twice: cold, without any ticket, and once their tickets are ready.
/// Throws the errors of its parts, malformed where files of the network are missing numbers or do not fit.
nlohmann::json bench_forward(const ForwardBenchOptions& options);

}  // namespace cryptotl

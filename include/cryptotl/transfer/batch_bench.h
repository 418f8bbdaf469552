#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "cryptotl/plan/planner.h"

namespace cryptotl {

struct BatchBenchOptions {
  size_t samples = 8192;
  size_t threads = 1;                            ///< of the server, and of the plain network
  uint64_t seed = 0;                             ///< of weights and inputs
  double precision = kFastPrecision;             ///< planner.h
  std::vector<size_t> widths = {768, 768, 766};  ///< input, hidden layers, output
  bool quadratic = false;                        ///< the paper's cubic without its last term
  bool trusting = false;                         ///< as the server's option
  std::filesystem::path server_program;
  bool quiet = false;
};

/// Times and errors of batches on random weights, as `cryptotl bench batch --json` prints them, beside the
/// same network in plain double precision (OpenBLAS) on the same rows with as many threads. The network is
/// that of bench_forward(). The server is a process of its own with one client, asked over a socket; a first
/// batch that warms it up is not measured. All samples are measured twice: cold, and once the server has
/// worked ahead. The plain network runs before, between and after, with nothing else at work. Throws the
/// errors of its parts.
nlohmann::json bench_batch(const BatchBenchOptions& options);

}  // namespace cryptotl

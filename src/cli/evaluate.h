#pragma once

#include "cli/command.h"
#include "cryptotl/transfer/evaluation.h"

namespace cryptotl {

/// The options that evaluate and demo share.
void define_evaluation(CLI::App& verb, EvaluationOptions& options);

/// Evaluates, and writes the page where `report` names one.
Outcome run_evaluation(const CommandLine& line, const Examples& source, const Examples& target,
                       EvaluationOptions options, const std::string& report);

}  // namespace cryptotl

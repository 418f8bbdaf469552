// Our side of privacy_oracle.py: for every line "RATE NOISE STEPS DELTA" of standard input, "RENYI TIGHT",
// the epsilons of both accountants; for "noise EPSILON DELTA RATE STEPS" the least noise multiplier; for
// "plan ROWS EPSILON DELTA BATCH STEPS" what a training would spend: "RATE NOISE STEPS EPSILON".
#include <iomanip>
#include <iostream>
#include <sstream>
#include <string>

#include "cryptotl/learn/private_training.h"

int main() {
  std::cout << std::setprecision(12);
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream in(line);
    if (line.starts_with("noise")) {
      std::string word;
      double epsilon = 0, delta = 0, rate = 0;
      size_t steps = 0;
      in >> word >> epsilon >> delta >> rate >> steps;
      std::cout << cryptotl::noise_multiplier_for(epsilon, delta, rate, steps) << "\n";
      continue;
    }
    if (line.starts_with("plan")) {
      std::string word;
      size_t rows = 0;
      double epsilon = 0;
      cryptotl::PrivacyOptions options;
      in >> word >> rows >> epsilon >> options.delta >> options.batch >> options.steps;
      options.epsilon = epsilon;
      const cryptotl::PrivacySpent spent = cryptotl::plan_privacy(rows, options);
      std::cout << spent.mechanism.sampling_rate << " " << spent.mechanism.noise_multiplier << " "
                << spent.mechanism.steps << " " << spent.epsilon << "\n";
      continue;
    }
    cryptotl::SampledGaussian mechanism;
    double delta = 0;
    in >> mechanism.sampling_rate >> mechanism.noise_multiplier >> mechanism.steps >> delta;
    if (!in) return 1;
    std::cout << cryptotl::renyi_epsilon({&mechanism, 1}, delta) << " "
              << cryptotl::tight_epsilon({&mechanism, 1}, delta) << "\n";
  }
}

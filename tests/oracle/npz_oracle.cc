// Our side of npz_oracle.py: npz_oracle WEIGHTS.npz ROWS.npy FEATURES.npy SCORES.npy
// writes the lower network's features of the scaled rows, and what the output layer makes of them. Exit 3 and
// one line on standard error where the weights are refused.

#include <cstdio>
#include <exception>

#include "cryptotl/base/file.h"
#include "cryptotl/data/feature_file.h"
#include "cryptotl/network/npz.h"

namespace cryptotl {
namespace {

void run(char** argv) {
  const NpzWeights weights = read_npz(read_file(argv[1]).value(), argv[1]).value();
  TableOptions options;
  options.expects_labels = false;
  Matrix rows = read_table(argv[2], options)->features;
  if (weights.scaler) weights.scaler->apply(rows);
  const Matrix features = forward(weights.lower, rows);
  write_npy(argv[3], features).value();
  if (!weights.output_layer) return;
  write_npy(argv[4], forward(Network{features.cols, {*weights.output_layer}}, features)).value();
}

}  // namespace
}  // namespace cryptotl

int main(int argc, char** argv) {
  if (argc != 5) {
    std::fputs("usage: npz_oracle WEIGHTS.npz ROWS.npy FEATURES.npy SCORES.npy\n", stderr);
    return 2;
  }
  try {
    cryptotl::run(argv);
    return 0;
  } catch (const cryptotl::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return cryptotl::exit_code(error.code());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}

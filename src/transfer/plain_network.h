#pragma once

#include "cryptotl/network/network.h"

namespace cryptotl {

/// A network of affine layers with polynomials between them, in double precision as a provider who sees the
/// inputs would run it: matrix products by OpenBLAS on so many threads, the rest in loops. What encrypted
/// passes are compared with.
class PlainNetwork {
 public:
  /// Of layers that alternate; throws invalid_argument for others.
  PlainNetwork(const Network& network, size_t threads);

  /// One row an input. The hidden layers' memory is this object's and is kept, as a server would.
  void run(const Matrix& rows, Matrix& out);

 private:
  std::vector<Dense> layers_;
  std::vector<Polynomial> activations_;
  std::vector<Matrix> hidden_;
};

}  // namespace cryptotl

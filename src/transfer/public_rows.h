#pragma once

#include "cryptotl/network/network.h"

namespace cryptotl {

/// Rows that nobody's data took part in, scaled as a privately trained network takes them, to calibrate its
/// plan on: `of_length_1` where its own rows are of length 1 and were scaled from [-range, range] to [0, 1],
/// else uniform in [0, 1]. Of the former, two thirds lean towards what raises or lowers the network's scores
/// most, as rows of the classes that it was trained on do. The network, with its output layer, is private
/// already, so what is computed from it costs nothing.
Matrix public_rows(const Network& scores, bool of_length_1, double range);

}  // namespace cryptotl

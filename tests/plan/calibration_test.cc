#include "cryptotl/plan/calibration.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "cryptotl/plan/packing.h"
#include "cryptotl/plan/planner.h"
#include "plan/random_network.h"

namespace cryptotl {
namespace {

/// Values of the only hidden layer at one row, less their mean, and the outputs.
struct OneRow {
  OneRow(const FoldedNetwork& network, std::span<const double> row)
      : outputs(forward(network, row)), hidden(network.maps.front().bias) {
    const Matrix& weight = network.maps.front().weight;
    double mean = 0;
    for (size_t unit = 0; unit < hidden.size(); ++unit) {
      for (size_t col = 0; col < row.size(); ++col) hidden[unit] += weight(unit, col) * row[col];
      hidden[unit] = network.activations.front().at(hidden[unit]);
      mean += hidden[unit] / static_cast<double>(hidden.size());
    }
    for (double& value : hidden) value -= mean;
  }
  std::vector<double> outputs, hidden;
};

// Which packing is cheapest depends on the machine, and the calibration is made before.
TEST(CalibrationTest, TheMeanOfAnAnswersSlotsCoversEveryPackingOfEveryRing) {
  for (const std::vector<size_t>& widths : {std::vector<size_t>{20, 16, 5}, {8, 300, 1}, {768, 768, 766}}) {
    const FoldedNetwork network = random_network(widths, kPaperCubic, 1);
    const Matrix rows = uniform_rows(1, widths[0], 2);
    const Calibration calibration = calibrate(network, rows);
    const OneRow row(network, rows.row(0));
    double bias = 0;
    for (const double output : row.outputs) bias += std::abs(output);
    double largest = 0;
    size_t packings = 0;
    for (size_t log_n = 12; log_n <= 15; ++log_n) {
      const auto possible = possible_packings(widths, log_n);
      if (!possible.ok()) continue;
      for (const Packing& packing : *possible) {
        ++packings;
        largest = std::max(
            largest, mean_answer_slot(packing, partial_outputs(network.maps.back().weight, row.hidden)) +
                         bias / static_cast<double>(packing.slots()));
      }
    }
    EXPECT_GT(packings, 4u);
    EXPECT_NEAR(calibration.slot_mean, largest, 1e-9 * largest);
  }
}

TEST(CalibrationTest, EveryPlanFromItHasASlotLimitThatCoversItsOwnPacking) {
  const FoldedNetwork network = random_network(200, 100, 90, 1);
  const Matrix rows = uniform_rows(1, 200, 2);
  const Calibration calibration = calibrate(network, rows);
  const OneRow row(network, rows.row(0));
  for (const double diagonal : {0.01, 0.26, 10.0}) {
    for (const double precision : {1e-2, 1e-5, 1e-9}) {
      PlanOptions options{precision};
      options.speeds.diagonal = diagonal;
      const LatencyPlan plan = plan_latency(network, calibration, options).value();
      EXPECT_LE(mean_answer_slot(plan.packing, partial_outputs(network.maps.back().weight, row.hidden)),
                plan.slot_limit / 2);
    }
  }
}

}  // namespace
}  // namespace cryptotl

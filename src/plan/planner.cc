// The search: every chain of primes that the guideline allows, the cheapest first; for each the scales of the
// least predicted error, until one is precise enough.
#include "cryptotl/plan/planner.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <sstream>

#include "answer_rounding.h"
#include "cost.h"
#include "cryptotl/plan/activation_circuit.h"
#include "noise_model.h"
#include "rings.h"
#include "scales.h"

namespace cryptotl {
namespace {

constexpr size_t kPrimeBits = 30;
constexpr size_t kMaxBaseLimbs = 3;
constexpr size_t kMaxSpecialPrimes = 3;  // a fourth pays for no chain of 30-bit primes up to N = 16384
// A Gaussian leaves 8 deviations with probability 1.3e-15, so one of 1,024 outputs does with less than
// 2^-39.5.
constexpr double kTail = 8.0;
constexpr double kOutputMargin = 2.0;     // answers may be this much larger than any seen on the source
constexpr double kInputMargin = 0.5;      // spans of the input range on either side
constexpr double kModulusMargin = 8.0;    // between a value times its scale and the modulus
constexpr double kPartialSums = 8.0;      // how much larger than the whole they may be
constexpr double kLargestInput = 0x1p60;  // of an input times its scale, which travels as 64-bit integers
constexpr double kLargestMatrixLog = 56;  // log2 of a matrix's largest entry times its scale
constexpr size_t kMaxChoices = 9;         // rescales that are chosen one by one; beyond, in two groups

Error refuse(const std::string& why) { return Error(ErrorCode::invalid_argument, "plan: " + why); }

ValueRange widened(const ValueRange& range, double margin) {
  const double span = std::max(range.high - range.low, 1e-3);
  return {range.low - margin * span, range.high + margin * span};
}

/// How many primes each rescale takes, in the order of the program, and the base; and the special ones.
struct Chain {
  std::vector<size_t> drops;
  size_t base_limbs = 0;
  size_t special_primes = 1;
  size_t primes() const {
    size_t sum = base_limbs;
    for (const size_t drop : drops) sum += drop;
    return sum;
  }
};

/// Calls `visit` for every chain of one or two primes a rescale (none to two after the last matrix) and of at
/// most `most_primes` in all.
template <typename Visit>
void for_each_chain(const std::vector<bool>& of_matrix, size_t most_primes, const Visit& visit) {
  const size_t rescales = of_matrix.size();
  const bool grouped = rescales > kMaxChoices;
  const size_t choices = grouped ? 2 : rescales - 1;
  for (size_t bits = 0; bits < size_t{1} << choices; ++bits) {
    Chain chain;
    for (size_t i = 0; i + 1 < rescales; ++i) {
      const size_t bit = grouped ? (of_matrix[i] ? 0 : 1) : i;
      chain.drops.push_back(1 + (bits >> bit & 1));
    }
    chain.drops.push_back(0);
    for (size_t& last = chain.drops.back(); last <= 2; ++last) {
      for (chain.base_limbs = 1; chain.base_limbs <= kMaxBaseLimbs; ++chain.base_limbs) {
        for (chain.special_primes = 1; chain.special_primes <= kMaxSpecialPrimes; ++chain.special_primes) {
          if (chain.primes() + chain.special_primes <= most_primes) visit(chain);
        }
      }
    }
  }
}

/// True for the rescales after a matrix, false for those after products.
std::vector<bool> rescales_of(const FoldedNetwork& network) {
  std::vector<bool> out;
  for (const FoldedActivation& activation : network.activations) {
    out.push_back(true);
    out.insert(out.end(), activation_depth(activation.degree), false);
  }
  out.push_back(true);
  return out;
}

void use_chain(LatencyPlan& plan, const Chain& chain) {
  size_t limbs = chain.primes();
  plan.params.base_limbs = chain.base_limbs;
  const size_t special = chain.special_primes;
  plan.params.primes = ntt_primes(1u << kPrimeBits, uint32_t{2} << plan.params.log_n, limbs + special);
  // The largest primes divide the key switching noise.
  plan.params.special_primes.assign(plan.params.primes.begin(),
                                    plan.params.primes.begin() + static_cast<std::ptrdiff_t>(special));
  plan.params.primes.erase(plan.params.primes.begin(),
                           plan.params.primes.begin() + static_cast<std::ptrdiff_t>(special));
  size_t next = 0;
  const auto drop = [&] {
    limbs -= chain.drops[next];
    return chain.drops[next++];
  };
  for (size_t i = 0; i < plan.matrices.size(); ++i) {
    plan.matrices[i].limbs = limbs;
    plan.matrices[i].drop = drop();
    if (i == plan.activations.size()) break;
    for (size_t& depth : plan.activations[i].drops) depth = drop();
  }
}

/// With fewer partial sums of each output, folding leaves outputs alone in the slots: a random number on top
/// of a partial sum would not hide it well. Not possible for more outputs than two blocks hold.
bool leave_outputs_alone(Packing& packing) {
  while (!packing.only_outputs() && packing.output_copies > 1) {
    packing.output_copies /= 2;
    packing.output_window = packing.block / packing.output_copies;
    if (packing.half_outputs() <= packing.output_window) packing.output_stride = packing.output_window;
  }
  return packing.only_outputs();
}

/// A plan for one ring, all but its chain and scales.
LatencyPlan outline(const FoldedNetwork& network, const Calibration& calibration, const PlanOptions& options,
                    const Packing& packing) {
  LatencyPlan plan;
  plan.params.log_n = packing.log_n;
  plan.packing = packing;
  for (size_t i = 0; i < network.maps.size(); ++i) {
    plan.matrices.push_back({0, 0, 1, 0});
  }
  for (const FoldedActivation& activation : network.activations) {
    plan.activations.push_back({activation.degree, std::vector<size_t>(activation_depth(activation.degree))});
  }
  plan.input_range = widened(calibration.input, kInputMargin);
  plan.output_limit =
      kOutputMargin * std::max({std::abs(calibration.output.low), std::abs(calibration.output.high), 1e-3});
  plan.random_slots = options.random_slots;
  plan.slot_limit = kOutputMargin * std::max(calibration.slot_mean, 1e-6);
  // Random numbers reach as far as an output may.
  if (options.random_slots) plan.slot_limit = std::max(plan.slot_limit, 2 * plan.output_limit);
  return plan;
}

/// Everything that the search over scales asks of a plan.
class ScaleSearch {
 public:
  ScaleSearch(const NoiseModel& noise, LatencyPlan& plan) : noise_(noise), plan_(plan) {}

  /// Sets the scales of the least predicted error; infinity where none fits. The error is a sum of products
  /// of powers of the scales, hence convex in their logarithms: going downhill finds its least value.
  double run() {
    std::vector<double> best;
    double least = std::numeric_limits<double>::infinity();
    for (double input = 24; input <= 60; input += 4) {
      for (double matrix = 14; matrix <= 54; matrix += 4) {
        std::vector<double> logs(plan_.matrices.size(), matrix);
        logs[0] = input;
        if (const double error = evaluate(logs); error < least) {
          least = error;
          best = logs;
        }
      }
    }
    if (best.empty()) return least;
    for (double step = 2; step >= 0.25; step /= 2) descend(best, least, step);
    return evaluate(best);
  }

 private:
  void descend(std::vector<double>& best, double& least, double step) {
    for (bool better = true; better;) {
      better = false;
      // One scale at a time, and one up while another goes down: along the edge of what fits.
      for (size_t i = 0; i < best.size(); ++i) {
        for (size_t j = 0; j < best.size(); ++j) {
          for (const double direction : {step, -step}) {
            std::vector<double> moved = best;
            moved[i] += direction;
            if (i != j) moved[j] -= direction;
            if (const double error = evaluate(moved); error < least) {
              least = error;
              best = moved;
              better = true;
            }
          }
        }
      }
    }
  }

  /// logs: of the input's scale, then of each matrix's but the last, which takes what the base leaves.
  double evaluate(const std::vector<double>& logs) {
    constexpr double kRefused = std::numeric_limits<double>::infinity();
    plan_.input_scale = std::exp2(logs[0]);
    for (size_t i = 0; i + 1 < plan_.matrices.size(); ++i) plan_.matrices[i].scale = std::exp2(logs[i + 1]);
    plan_.matrices.back().scale = 1;
    const double left = std::log2(largest_output_scale(plan_) / plan_.output_scale());
    plan_.matrices.back().scale =
        std::exp2(std::min(largest_log(plan_.matrices.size() - 1), std::floor(4 * left) / 4));
    return fits() ? noise_.deviation(plan_, Encryption::secret_key) : kRefused;
  }

  /// log2 of the largest scale at which a matrix's diagonals are integers that the encoder takes.
  double largest_log(size_t matrix) const {
    return kLargestMatrixLog - std::ceil(std::log2(std::max(1.0, noise_.weight_limit(matrix))));
  }

  bool fits() const {
    const double input_limit = std::max(std::abs(plan_.input_range.low), std::abs(plan_.input_range.high));
    const double input = plan_.input_scale * (1 + input_limit);
    if (plan_.input_scale < 0x1p12 || input > kLargestInput || !inside(input, 1, plan_.top_limbs()))
      return false;
    for (size_t i = 0; i < plan_.matrices.size(); ++i) {
      const MatrixPlan& matrix = plan_.matrices[i];
      const bool last = i == plan_.activations.size();
      if (matrix.scale < 0x1p10 || matrix.scale > std::exp2(largest_log(i))) return false;
      if (last) continue;  // its scale follows from the largest of the output
      // Partial sums may be larger than the sum.
      const double sums = kPartialSums * noise_.register_limits(i).front();
      if (!inside(plan_.matrix_input(i).scale * matrix.scale, sums, matrix.limbs)) return false;
      if (!activation_fits(i)) return false;
    }
    return true;
  }

  bool activation_fits(size_t i) const {
    const std::vector<double>& limits = noise_.register_limits(i);
    const std::vector<Register> registers = plan_.registers(i);
    const auto products = activation_products(plan_.activations[i].degree);
    for (size_t k = 0; k < registers.size(); ++k) {
      if (registers[k].scale < 0x1p15 || !inside(registers[k].scale, limits[k], registers[k].limbs))
        return false;
    }
    for (size_t p = 0; p < products.size(); ++p) {
      const auto& [left, right, depth] = products[p];
      const size_t limbs = std::min(registers[left].limbs, registers[right].limbs);
      const double largest = std::max(limits[p + 1], limits[left] * limits[right]);
      if (!inside(registers[left].scale * registers[right].scale, largest, limbs)) return false;
    }
    return true;
  }

  bool inside(double scale, double largest, size_t limbs) const {
    return scale * std::max(1.0, largest) * kModulusMargin < modulus_of(plan_.params, limbs);
  }

  const NoiseModel& noise_;
  LatencyPlan& plan_;
};

struct Candidate {
  double cost = 0;
  size_t outline = 0;  ///< index into outlines
  Chain chain;
};

std::string in_short(const LatencyPlan& plan) {
  std::ostringstream out;
  out << "N = " << 2 * plan.packing.slots() << " with " << plan.top_limbs() << " primes";
  return out.str();
}

class Search {
 public:
  Search(const FoldedNetwork& network, const Calibration& calibration, const PlanOptions& options)
      : network_(network), calibration_(calibration), options_(options) {}

  Result<LatencyPlan> run() {
    CRYPTOTL_TRY(collect());
    std::optional<LatencyPlan> best;
    for (const Candidate& candidate : candidates_) {
      LatencyPlan plan = outlines_[candidate.outline];
      use_chain(plan, candidate.chain);
      choose_splits(plan, options_.speeds);
      const NoiseModel& noise = noises_[candidate.outline];
      const double deviation = ScaleSearch(noise, plan).run();
      if (!std::isfinite(deviation)) continue;
      choose_answer(plan, deviation, options_.precision / kTail);
      const double rounding = answer_rounding(plan);
      plan.predicted_error = kTail * std::hypot(deviation, rounding);
      if (!best || plan.predicted_error < best->predicted_error) best = plan;
      if (plan.predicted_error > options_.precision) continue;
      plan.predicted_error_public =
          kTail * std::hypot(noise.deviation(plan, Encryption::public_key), rounding);
      plan.noise = noise.terms(plan, Encryption::secret_key);
      return plan;
    }
    std::ostringstream why;
    why << "no parameters up to N = " << (size_t{1} << kLargestRing)
        << " within 128 bits of security reach an error of " << options_.precision << " for this network";
    if (best) {
      why << "; the least is " << best->predicted_error << ", at " << in_short(*best)
          << ": ask for that precision";
    } else {
      why << ": its activations need more levels, or its answers (up to " << calibration_.output.high
          << ") more room than there is";
    }
    return refuse(why.str());
  }

 private:
  Status collect() {
    const std::vector<size_t> widths = widths_of(network_);
    const std::vector<bool> rescales = rescales_of(network_);
    Status refused;
    for (size_t log_n = kSmallestRing; log_n <= kLargestRing; ++log_n) {
      auto packings = possible_packings(widths, log_n);
      if (!packings.ok()) refused = packings.error();
      for (size_t i = 0; packings.ok() && i < packings->size(); ++i) {
        const Status added = collect((*packings)[i], rescales);
        if (!added.ok()) refused = added;
      }
    }
    if (outlines_.empty()) return refused;
    std::ranges::stable_sort(candidates_, {}, &Candidate::cost);
    return {};
  }

  /// Every chain of one packing.
  Status collect(Packing packing, const std::vector<bool>& rescales) {
    if (options_.random_slots && !leave_outputs_alone(packing)) {
      return Error(ErrorCode::invalid_argument, "plan: " + std::to_string(packing.output_width()) +
                                                    " outputs leave partial sums beside them; at most " +
                                                    std::to_string(2 * packing.block) +
                                                    " come alone from these hidden layers");
    }
    outlines_.push_back(outline(network_, calibration_, options_, packing));
    noises_.emplace_back(network_, calibration_, outlines_.back());
    const size_t most = static_cast<size_t>(guideline_log_qp(packing.log_n)) / kPrimeBits;
    for_each_chain(rescales, most, [&](const Chain& chain) {
      LatencyPlan plan = outlines_.back();
      use_chain(plan, chain);
      candidates_.push_back({choose_splits(plan, options_.speeds), outlines_.size() - 1, chain});
    });
    return {};
  }

  const FoldedNetwork& network_;
  const Calibration& calibration_;
  const PlanOptions& options_;
  std::vector<LatencyPlan> outlines_;
  std::vector<NoiseModel> noises_;
  std::vector<Candidate> candidates_;
};

Status check_calibration(const FoldedNetwork& network, const Calibration& calibration) {
  bool fits = calibration.layers.size() == network.maps.size();
  for (size_t i = 0; fits && i < network.activations.size(); ++i) {
    const size_t products = activation_products(network.activations[i].degree).size();
    fits = calibration.layers[i].register_gains.size() == products;
  }
  return fits ? Status() : refuse("the calibration is not of this network");
}

}  // namespace

Result<double> preset_precision(std::string_view preset) {
  if (preset == "fast") return kFastPrecision;
  if (preset == "accurate") return kAccuratePrecision;
  return refuse("no preset is called '" + std::string(preset) + "'; there are fast and accurate");
}

Result<LatencyPlan> plan_latency(const FoldedNetwork& network, const Calibration& calibration,
                                 const PlanOptions& options) {
  if (!(options.precision >= kFinestPrecision && options.precision <= kCoarsestPrecision)) {
    std::ostringstream why;
    why << "a precision of " << options.precision << "; " << kFinestPrecision << " to " << kCoarsestPrecision
        << " can be asked for";
    return refuse(why.str());
  }
  CRYPTOTL_TRY(check_calibration(network, calibration));
  return Search(network, calibration, options).run();
}

}  // namespace cryptotl

#include "cryptotl/plan/latency_plan.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <nlohmann/json.hpp>
#include <sstream>

#include "cryptotl/ckks/sampling.h"
#include "cryptotl/rns/automorphism.h"

namespace cryptotl {
namespace {

constexpr size_t kLogN = 13;
constexpr size_t kTopLimbs = 5;
constexpr size_t kBaseLimbs = 2;
constexpr size_t kBlock = 1024;
constexpr size_t kMaxBabySteps = 16;  // as many products as one lazy sum takes (kernels.h)
// A Gaussian leaves 8 deviations with probability 1.3e-15, so one of 1,024 outputs does with less than
// 2^-39.5.
constexpr double kTail = 8.0;
constexpr double kOutputMargin = 2.0;  // answers may be this much larger than any seen on the source
constexpr double kWrapWarning = 0.75;  // of half the base modulus
constexpr double kInputMargin = 0.5;   // spans of the input range on either side

Error refuse(const std::string& why) { return Error(ErrorCode::invalid_argument, "plan: " + why); }

size_t ceil_divide(size_t a, size_t b) { return (a + b - 1) / b; }

// --- Packing
// -------------------------------------------------------------------------------------------------------

/// Row i reads slots i .. i + shift - 1 of every block. The four windows tile the period as long as they stay
/// inside their blocks, or where shift divides the block (then the block that follows takes over where one
/// ends).
size_t choose_shift(size_t input_width, size_t hidden_width, size_t blocks) {
  const size_t shift = ceil_divide(ceil_divide(input_width, 2), blocks);
  return hidden_width + shift <= kBlock + 1 ? shift : std::bit_ceil(shift);
}

/// Partial sums stand at stride b, b < copies, and read windows of block / copies hidden units. With stride
/// an odd multiple of the window the windows tile the block. More copies mean fewer rotations.
void choose_output(LatencyPlan& plan) {
  for (size_t copies = 64; copies >= 1; copies /= 2) {
    const size_t window = kBlock / copies;
    size_t stride = ceil_divide(plan.half_outputs(), window) * window;
    if (stride / window % 2 == 0) stride += window;
    if (stride * copies <= plan.slots() || copies == 1) {
      plan.output_copies = copies;
      plan.output_window = window;
      plan.output_stride = stride;
      return;
    }
  }
}

LatencyPlan packed(size_t input_width, size_t hidden_width, size_t output_width) {
  LatencyPlan plan;
  plan.params.log_n = kLogN;
  plan.params.base_limbs = kBaseLimbs;
  plan.params.primes = ntt_primes(1u << 30, uint32_t{2} << kLogN, kTopLimbs + 1);
  // The largest prime divides the key switching noise.
  plan.params.special_prime = plan.params.primes.front();
  plan.params.primes.erase(plan.params.primes.begin());
  plan.input_width = input_width;
  plan.hidden_width = hidden_width;
  plan.output_width = output_width;
  plan.block = kBlock;
  plan.shift = choose_shift(input_width, hidden_width, plan.blocks());
  plan.baby_steps = kMaxBabySteps;
  choose_output(plan);
  return plan;
}

// --- Noise
// ---------------------------------------------------------------------------------------------------------

/// Sums over the weights that the error of output r depends on; the largest over all r is what counts.
struct WeightNorms {
  double through_first = 0;  ///< sum_c W2[r][c]^2 |W1[c]|^2
  double second = 0;         ///< sum_c W2[r][c]^2
  double pair = 0;           ///< sum_c W2[r][c]^2 + W2[r'][c]^2, r' being the output that shares r's slot
};

WeightNorms weight_norms(const FoldedNetwork& network, size_t half_outputs) {
  const auto squares = [](std::span<const double> row) {
    double sum = 0;
    for (const double value : row) sum += value * value;
    return sum;
  };
  std::vector<double> first(network.first.weight.rows);
  for (size_t c = 0; c < first.size(); ++c) first[c] = squares(network.first.weight.row(c));
  const Matrix& w2 = network.second.weight;
  std::vector<double> second(w2.rows);
  WeightNorms out;
  for (size_t r = 0; r < w2.rows; ++r) {
    second[r] = squares(w2.row(r));
    double through = 0;
    for (size_t c = 0; c < w2.cols; ++c) through += w2(r, c) * w2(r, c) * first[c];
    out.through_first = std::max(out.through_first, through);
    out.second = std::max(out.second, second[r]);
  }
  for (size_t r = 0; r < std::min(half_outputs, w2.rows); ++r) {
    out.pair = std::max(out.pair, second[r] + (r + half_outputs < w2.rows ? second[r + half_outputs] : 0.0));
  }
  return out;
}

/// Standard deviations a coefficient, in ring units (sources in noise.h's formulas: the canonical embedding
/// multiplies by sqrt(N/2) for the real part of a slot).
struct RingNoise {
  explicit RingNoise(size_t log_n) : n(std::exp2(static_cast<double>(log_n))) {}
  double n;
  double slot(double coefficient) const { return coefficient * std::sqrt(n / 2); }
  double encoding() const { return slot(std::sqrt(1.0 / 12)); }
  double fresh() const { return slot(std::sqrt(kErrorDeviation * kErrorDeviation + 1.0 / 12)); }
  /// Digits uniform in (-q/2, q/2], one error each, divided by P of about q.
  double key_switch(size_t limbs) const {
    return slot(std::sqrt(static_cast<double>(limbs) * n / 12) * kErrorDeviation);
  }
  /// Rounding of c_0, and of c_1 times a ternary secret of density 2/3.
  double rounding() const { return slot(std::sqrt((1 + 2 * n / 3) / 12)); }
};

std::vector<NoiseTerm> noise_terms(const LatencyPlan& plan, const WeightNorms& norms,
                                   const Calibration& calibration, double largest_v) {
  const RingNoise ring(plan.params.log_n);
  const double x = plan.input_scale;
  const double v = plan.v_scale();
  const double square = plan.square_scale();
  const double cubic = plan.cubic_scale();
  const double through = calibration.slope * std::sqrt(norms.through_first);
  const double after = std::sqrt(norms.second);
  const double pair = std::sqrt(norms.pair);
  const double folds = std::log2(static_cast<double>(plan.output_copies));
  return {
      {"encryption of the input", through * ring.fresh() / x},
      {"baby steps of the first matrix", through * ring.key_switch(plan.top_limbs()) / x},
      {"rounding of the first diagonals",
       calibration.slope * after * 2 * ring.encoding() / plan.first_scale * calibration.input_norm},
      {"rescale to v", calibration.slope * pair * ring.rounding() / v},
      {"v^2: key switching and rescale",
       largest_v * pair * std::hypot(ring.rounding() / square, ring.key_switch(plan.v_limbs()) / (v * v))},
      {"(v^2 + alpha) v: key switching and rescale",
       pair * std::hypot(ring.rounding() / cubic, ring.key_switch(plan.square_limbs()) / (square * v))},
      {"baby steps of the second matrix", pair * ring.key_switch(plan.last_limbs()) / cubic},
      {"rounding of the second diagonals", ring.encoding() / plan.second_scale * calibration.activation_norm},
      {"folds and the last division by P",
       std::hypot(ring.rounding(), std::exp2(folds) * ring.key_switch(plan.last_limbs())) /
           plan.output_scale()},
  };
}

double total(const std::vector<NoiseTerm>& terms) {
  double sum = 0;
  for (const NoiseTerm& term : terms) sum += term.deviation * term.deviation;
  return std::sqrt(sum);
}

// --- Scales
// --------------------------------------------------------------------------------------------------------

double base_modulus(const ParamsSpec& params) {
  double product = 1;
  for (size_t i = 0; i < params.base_limbs; ++i) product *= params.primes[i];
  return product;
}

/// The largest scale at which an answer cannot wrap around: a coefficient of the decrypted polynomial is at
/// most the mean absolute value of its slots.
double largest_output_scale(const LatencyPlan& plan) {
  return 0.98 * base_modulus(plan.params) / 2 / plan.slot_limit;
}

/// Least predicted error over the scales of input and first diagonals; the second diagonals take what is left
/// of the modulus.
Status choose_scales(LatencyPlan& plan, const WeightNorms& norms, const Calibration& calibration,
                     double largest_v) {
  LatencyPlan best = plan;
  best.predicted_error = INFINITY;
  const double output_scale = largest_output_scale(plan);
  for (double log_input = 26; log_input <= 42; log_input += 0.25) {
    for (double log_first = 18; log_first <= 34; log_first += 0.25) {
      plan.input_scale = std::exp2(log_input);
      plan.first_scale = std::exp2(log_first);
      plan.second_scale = 1;
      plan.second_scale = std::exp2(std::floor(4 * std::log2(output_scale / plan.cubic_scale())) / 4);
      if (plan.second_scale < 0x1p12 || plan.v_scale() < 0x1p20) continue;
      plan.noise = noise_terms(plan, norms, calibration, largest_v);
      plan.predicted_error = kTail * total(plan.noise);
      if (plan.predicted_error < best.predicted_error) best = plan;
    }
  }
  if (!std::isfinite(best.predicted_error)) {
    return refuse("answers up to " + std::to_string(plan.output_limit) + " leave no room for any precision");
  }
  plan = best;
  return {};
}

ValueRange widened(const ValueRange& range, double margin) {
  const double span = std::max(range.high - range.low, 1e-3);
  return {range.low - margin * span, range.high + margin * span};
}

Status check_widths(const LatencyPlan& plan) {
  const std::pair<const char*, size_t> widths[] = {
      {"input", plan.input_width}, {"hidden", plan.hidden_width}, {"output", plan.output_width}};
  for (const auto& [name, width] : widths) {
    if (width == 0 || width > kBlock) {
      return refuse(std::string("the ") + name + " width is " + std::to_string(width) + "; 1 to " +
                    std::to_string(kBlock) + " fit one ciphertext");
    }
  }
  return {};
}

}  // namespace

double LatencyPlan::v_scale() const { return input_scale * first_scale / params.primes[top_limbs() - 1]; }
double LatencyPlan::square_scale() const { return v_scale() * v_scale() / params.primes[top_limbs() - 2]; }
double LatencyPlan::cubic_scale() const {
  return square_scale() * v_scale() / params.primes[top_limbs() - 3];
}
double LatencyPlan::output_scale() const { return cubic_scale() * second_scale; }

Result<LatencyPlan> plan_latency(const FoldedNetwork& network, const Calibration& calibration) {
  LatencyPlan shape;
  shape.input_width = network.first.weight.cols;
  shape.hidden_width = network.first.weight.rows;
  shape.output_width = network.second.weight.rows;
  CRYPTOTL_TRY(check_widths(shape));
  LatencyPlan plan = packed(shape.input_width, shape.hidden_width, shape.output_width);
  const auto v_of = [&](double u) { return std::abs(network.inner_scale * (u - network.inner_shift)); };
  const double largest_v =
      std::max(v_of(calibration.pre_activation.low), v_of(calibration.pre_activation.high));
  plan.input_range = widened(calibration.input, kInputMargin);
  plan.output_limit =
      kOutputMargin * std::max({std::abs(calibration.output.low), std::abs(calibration.output.high), 1e-3});
  plan.slot_limit = kOutputMargin * std::max(calibration.slot_mean, 1e-6);
  CRYPTOTL_TRY(choose_scales(plan, weight_norms(network, plan.half_outputs()), calibration, largest_v));
  return plan;
}

std::vector<KeyRequest> key_uses(const LatencyPlan& plan) {
  const size_t log_n = plan.params.log_n;
  std::vector<KeyRequest> uses = {{kRelinearisation, plan.v_limbs()},
                                  {kRelinearisation, plan.square_limbs()},
                                  {galois_element_of_conjugation(log_n), plan.top_limbs()}};
  const auto rotation = [&](size_t steps, size_t limbs) {
    const KeyRequest use{galois_element_of_rotation(static_cast<int>(steps), log_n), limbs};
    if (std::ranges::find(uses, use) == uses.end()) uses.push_back(use);
  };
  const auto matrix = [&](size_t diagonals, size_t limbs) {
    for (size_t step = 1; step < std::min(plan.baby_steps, diagonals); ++step) rotation(step, limbs);
    if (diagonals > plan.baby_steps) rotation(plan.baby_steps, limbs);
  };
  matrix(plan.shift, plan.top_limbs());
  for (size_t step = plan.block; step < plan.slots(); step *= 2) rotation(step, plan.top_limbs());
  matrix(plan.output_window, plan.last_limbs());
  for (size_t copies = 1; copies < plan.output_copies; copies *= 2) {
    rotation(plan.output_stride * copies, plan.last_limbs());
  }
  return uses;
}

std::vector<KeyRequest> required_keys(const LatencyPlan& plan) {
  std::vector<KeyRequest> keys;
  for (const KeyRequest& use : key_uses(plan)) {
    const auto same = std::ranges::find(keys, use.galois_element, &KeyRequest::galois_element);
    if (same == keys.end()) {
      keys.push_back(use);
    } else {
      same->limbs = std::max(same->limbs, use.limbs);
    }
  }
  return keys;
}

size_t input_of_slot(const LatencyPlan& plan, size_t slot) {
  return (slot % plan.block + plan.shift * (slot / plan.block)) % plan.period();
}

std::vector<std::complex<double>> pack_input(const LatencyPlan& plan, std::span<const double> row) {
  if (row.size() != plan.input_width) {
    throw Error(ErrorCode::parameter_mismatch, "an input of " + std::to_string(row.size()) +
                                                   " values; the model takes " +
                                                   std::to_string(plan.input_width));
  }
  const auto value = [&](size_t k) { return k < row.size() ? row[k] - 0.5 : 0.0; };
  std::vector<std::complex<double>> slots(plan.slots());
  for (size_t t = 0; t < slots.size(); ++t) {
    const size_t k = input_of_slot(plan, t);
    slots[t] = {value(k), value(plan.period() + k)};
  }
  return slots;
}

std::vector<double> unpack_output(const LatencyPlan& plan, std::span<const std::complex<double>> slots) {
  std::vector<double> out(plan.output_width);
  for (size_t r = 0; r < out.size(); ++r) {
    out[r] = r < plan.half_outputs() ? slots[r].real() : slots[r - plan.half_outputs()].imag();
  }
  return out;
}

double mean_answer_slot(const FoldedNetwork& network, std::span<const double> v) {
  const Matrix& w2 = network.second.weight;
  const LatencyPlan plan = packed(network.first.weight.cols, network.first.weight.rows, w2.rows);
  const auto power = [&](double x) { return (x * x + network.alpha) * x; };
  const double w0 = power(-network.inner_scale * network.inner_shift);
  const size_t half = plan.half_outputs();
  std::vector<double> w(plan.block);
  for (size_t unit = 0; unit < v.size(); ++unit) w[unit] = power(v[unit]) - w0;
  std::vector<std::complex<double>> slots(plan.slots());
  for (size_t copy = 0; copy < plan.output_copies; ++copy) {
    for (size_t row = 0; row < half; ++row) {
      const size_t t = copy * plan.output_stride + row;
      for (size_t r = 0; r < plan.output_window; ++r) {
        const size_t unit = (t + r) % plan.block;
        if (unit >= w2.cols) continue;
        slots[t] +=
            std::complex<double>(w2(row, unit), row + half < w2.rows ? w2(row + half, unit) : 0.0) * w[unit];
      }
    }
  }
  for (size_t copies = 1; copies < plan.output_copies; copies *= 2) {
    const std::vector<std::complex<double>> before = slots;
    for (size_t t = 0; t < slots.size(); ++t)
      slots[t] += before[(t + copies * plan.output_stride) % slots.size()];
  }
  double sum = 0;
  for (const auto& slot : slots) sum += std::abs(slot);
  // The last bias stands in the outputs' slots alone.
  for (size_t r = 0; r < w2.rows; ++r) {
    double row_sum = 0;
    for (const double weight : w2.row(r)) row_sum += weight;
    sum += std::abs(network.second.bias[r] + w0 * row_sum);
  }
  return sum / static_cast<double>(slots.size());
}

bool may_have_wrapped(const LatencyPlan& plan, std::span<const double> coefficients) {
  const double limit = kWrapWarning * base_modulus(plan.params) / 2;
  return std::ranges::any_of(coefficients, [&](double value) { return std::abs(value) > limit; });
}

nlohmann::json LatencyPlan::to_json() const {
  nlohmann::json terms = nlohmann::json::array();
  for (const NoiseTerm& term : noise) terms.push_back({{"name", term.name}, {"deviation", term.deviation}});
  return {
      {"ring_degree_log2", params.log_n},
      {"primes", params.primes},
      {"special_prime", params.special_prime},
      {"base_limbs", params.base_limbs},
      {"input_width", input_width},
      {"hidden_width", hidden_width},
      {"output_width", output_width},
      {"input_scale", input_scale},
      {"first_scale", first_scale},
      {"second_scale", second_scale},
      {"input_range", {input_range.low, input_range.high}},
      {"output_limit", output_limit},
      {"slot_limit", slot_limit},
      {"predicted_error", predicted_error},
      {"noise", terms},
  };
}

namespace {

/// The plan as the JSON states it; throws on missing or mistyped members.
LatencyPlan unchecked_from_json(const nlohmann::json& json) {
  LatencyPlan shape;
  shape.input_width = json.at("input_width").get<size_t>();
  shape.hidden_width = json.at("hidden_width").get<size_t>();
  shape.output_width = json.at("output_width").get<size_t>();
  check_widths(shape).value();
  LatencyPlan plan = packed(shape.input_width, shape.hidden_width, shape.output_width);
  ParamsSpec params;
  params.log_n = json.at("ring_degree_log2").get<size_t>();
  params.primes = json.at("primes").get<std::vector<uint32_t>>();
  params.special_prime = json.at("special_prime").get<uint32_t>();
  params.base_limbs = json.at("base_limbs").get<size_t>();
  plan.params = params;
  plan.input_scale = json.at("input_scale").get<double>();
  plan.first_scale = json.at("first_scale").get<double>();
  plan.second_scale = json.at("second_scale").get<double>();
  const auto& range = json.at("input_range");
  plan.input_range = {range.at(0).get<double>(), range.at(1).get<double>()};
  plan.output_limit = json.at("output_limit").get<double>();
  plan.slot_limit = json.at("slot_limit").get<double>();
  plan.predicted_error = json.at("predicted_error").get<double>();
  for (const auto& term : json.at("noise")) {
    plan.noise.push_back({term.at("name").get<std::string>(), term.at("deviation").get<double>()});
  }
  return plan;
}

bool positive(double value) { return std::isfinite(value) && value > 0; }

/// What a client must not take on trust from a server.
Status check(const LatencyPlan& plan) {
  const auto params = Params::create(plan.params);
  if (!params.ok()) return params.error();
  if (plan.params.log_n != kLogN || plan.params.primes.size() != kTopLimbs ||
      plan.params.base_limbs != kBaseLimbs) {
    return refuse("the chain of primes is not one that this program knows");
  }
  if (!positive(plan.input_scale) || !positive(plan.first_scale) || !positive(plan.second_scale) ||
      plan.input_scale < 0x1p20 || plan.input_scale > 0x1p50) {
    return refuse("a scale is out of bounds");
  }
  if (!std::isfinite(plan.input_range.low) || !std::isfinite(plan.input_range.high) ||
      plan.input_range.low > plan.input_range.high ||
      std::max(std::abs(plan.input_range.low), std::abs(plan.input_range.high)) > 1e6) {
    return refuse("the input range is not one");
  }
  if (!positive(plan.output_limit) || !positive(plan.slot_limit) || !positive(plan.predicted_error)) {
    return refuse("no output limit, slot limit or predicted error");
  }
  if (plan.output_scale() > largest_output_scale(plan))
    return refuse("answers within the slot limit may wrap around");
  return {};
}

}  // namespace

Result<LatencyPlan> LatencyPlan::from_json(const nlohmann::json& json) {
  try {
    LatencyPlan plan = unchecked_from_json(json);
    CRYPTOTL_TRY(check(plan));
    return plan;
  } catch (const nlohmann::json::exception& error) {
    return Error(ErrorCode::malformed, std::string("plan: ") + error.what());
  } catch (const Error& error) {
    return error;
  }
}

std::string describe(const LatencyPlan& plan) {
  std::ostringstream out;
  const auto log = [](double scale) { return std::round(100 * std::log2(scale)) / 100; };
  out << "one input at a time, N = " << 2 * plan.slots() << ", " << plan.top_limbs()
      << " primes and a special one\n"
      << "  1. input of " << plan.input_width << " in pairs, " << plan.blocks() << " blocks; scale 2^"
      << log(plan.input_scale) << "\n"
      << "  2. first matrix " << plan.hidden_width << " x " << plan.input_width << ": " << plan.shift
      << " diagonals at 2^" << log(plan.first_scale) << ", " << plan.top_limbs() << " limbs -> v at 2^"
      << log(plan.v_scale()) << "\n"
      << "  3. v^2 + alpha: " << plan.v_limbs() << " limbs -> 2^" << log(plan.square_scale()) << "\n"
      << "  4. (v^2 + alpha) v: " << plan.square_limbs() << " limbs -> 2^" << log(plan.cubic_scale()) << "\n"
      << "  5. second matrix " << plan.output_width << " x " << plan.hidden_width << ": "
      << plan.output_window << " diagonals at 2^" << log(plan.second_scale) << ", " << plan.output_copies
      << " partial sums, " << plan.last_limbs() << " limbs\n"
      << "  6. answer at 2^" << log(plan.output_scale()) << ", |y| <= " << plan.output_limit << "\n"
      << "predicted error " << plan.predicted_error << "; standard deviation by source:\n";
  for (const NoiseTerm& term : plan.noise) out << "  " << term.deviation << "  " << term.name << "\n";
  return out.str();
}

}  // namespace cryptotl

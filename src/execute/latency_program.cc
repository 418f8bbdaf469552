// Matrices as generalised diagonals (Halevi and Shoup, CRYPTO 2014): out[t] = sum_r D_r[t] in[t + r]. With r
// = giant * baby_steps + baby, the diagonal that meets the baby rotation before the giant one is D_r moved
// right by giant * baby_steps.
#include <algorithm>
#include <cmath>
#include <complex>
#include <random>

#include "cryptotl/ckks/wire.h"
#include "cryptotl/execute/latency.h"
#include "cryptotl/plan/activation_circuit.h"
#include "cryptotl/rns/kernels.h"
#include "execute/key_set.h"
#include "execute/residues.h"

namespace cryptotl {
namespace {

/// Every input must meet every row once: the windows of a row's blocks tile the period.
void require_cover(const Packing& packing) {
  for (size_t row = 0; row < packing.widths[1]; ++row) {
    std::vector<uint8_t> met(packing.period());
    for (size_t t = row; t < packing.slots(); t += packing.block) {
      for (size_t r = 0; r < packing.shift; ++r) ++met[input_of_slot(packing, (t + r) % packing.slots())];
    }
    CRYPTOTL_ASSERT(std::ranges::all_of(met, [](uint8_t count) { return count == 1; }));
  }
}

constexpr double kEncodedMatrix = 0x1p57;  // largest entry times the scale at which diagonals are encoded

double entry_or_zero(const Matrix& matrix, size_t row, size_t col) {
  return row < matrix.rows && col < matrix.cols ? matrix(row, col) : 0.0;
}

/// The coefficients of a diagonal at this scale, as integers whose errors leave all slots equally wrong.
///
/// Rounding to the nearest does that where coefficients are many independent sums of many entries, and about
/// 1 or larger. Else it is a function of the few entries and takes part of them away: a diagonal of one entry
/// keeps its whole error in that slot, sqrt(n) times as much as its share. There every coefficient is rounded
/// up with the probability of what it has beyond an integer, which makes the errors independent of the
/// entries, and at most sqrt(3) times as large. `copies` says how often the diagonal repeats its entries.
std::vector<int64_t> encode_diagonal(const Encoder& encoder, std::span<const Complex> diagonal, double scale,
                                     size_t copies, uint64_t seed) {
  constexpr double kEntries = 64;
  constexpr double kLargest = 0x1p61;
  constexpr size_t kFractionBits = 16;
  double squares = 0, fourths = 0, largest = 0;
  for (const Complex& entry : diagonal) {
    const double square = std::norm(entry);
    squares += square;
    fourths += square * square;
    largest = std::max(largest, square);
  }
  if (squares == 0) return encoder.encode(diagonal, scale);
  const double entries = squares * squares / fourths / static_cast<double>(copies);
  const double coefficient = scale * std::sqrt(squares / 2) / static_cast<double>(diagonal.size());
  if (entries >= kEntries && coefficient >= 1) return encoder.encode(diagonal, scale);
  size_t bits = 0;
  for (double size = 2 * scale * std::sqrt(largest); bits < kFractionBits && size <= kLargest; size *= 2)
    ++bits;
  std::vector<int64_t> out = encoder.encode(diagonal, std::ldexp(scale, static_cast<int>(bits)));
  std::mt19937_64 generator(seed);
  const auto mask = static_cast<int64_t>((uint64_t{1} << bits) - 1);
  for (int64_t& value : out) value = (value + (static_cast<int64_t>(generator() >> 1) & mask)) >> bits;
  return out;
}

}  // namespace

/// Constants stand at scales beyond the encoder's 62 bits: encoded at one that leaves coefficients all the
/// digits of their doubles, and multiplied by the power of two between.
RnsPolynomial LatencyProgram::encode_constant(std::span<const Complex> slots, const Register& at) const {
  constexpr double kEncoded = 0x1p61;
  double largest = 1;
  for (const Complex& slot : slots) largest = std::max(largest, std::abs(slot));
  uint64_t doublings = 0;
  double scale = at.scale;
  for (; scale * largest > kEncoded; scale /= 2) ++doublings;
  RnsPolynomial out = to_ntt(*params_, encoder_.encode(slots, scale), at.limbs);
  for (size_t limb = 0; limb < at.limbs && doublings > 0; ++limb) {
    const Modulus& q = params_->modulus(limb);
    kernels().multiply_scalar(out.limb(limb), out.limb(limb), q.power(2, doublings), params_->n(), q);
  }
  return out;
}

template <typename Entry>
LatencyProgram::Diagonals LatencyProgram::encode(size_t matrix, double largest, const Entry& entry) const {
  const size_t n = params_->n();
  const size_t slots = params_->slots();
  const size_t count = plan_.packing.diagonals(matrix);
  Diagonals out;
  out.limbs = plan_.matrices[matrix].limbs;
  out.baby_steps = std::min(count, plan_.matrices[matrix].baby_steps);
  out.giant_steps = (count + out.baby_steps - 1) / out.baby_steps;
  out.limb_words = out.giant_steps * out.baby_steps * n + 16;
  const size_t limbs = out.limbs + params_->num_special();
  out.words.resize(limbs * out.limb_words);
  const bool between = matrix > 0 && matrix + 1 < plan_.matrices.size();
  const size_t copies = between ? plan_.packing.blocks() : 1;  // each input and each output has its own entry
  // Beyond the encoder's integers: encoded at a scale that holds all digits of doubles, and multiplied.
  double scale = plan_.matrices[matrix].scale;
  int shift = 0;
  for (; scale * std::max(1.0, largest) > kEncodedMatrix; scale /= 2) ++shift;
  std::vector<Complex> diagonal(slots);
  for (size_t r = 0; r < count; ++r) {
    const size_t giant = r / out.baby_steps;
    const size_t baby = r % out.baby_steps;
    const size_t moved = giant * out.baby_steps;
    for (size_t t = 0; t < slots; ++t) diagonal[(t + moved) % slots] = entry(r, t);
    const std::vector<int64_t> integers =
        encode_diagonal(encoder_, diagonal, scale, copies, matrix * slots + r);
    const RnsPolynomial encoded = shifted_to_ntt(*params_, integers, shift, out.limbs, true);
    for (size_t limb = 0; limb < limbs; ++limb) {
      const Modulus& q = params_->modulus(params_->extended_index(limb, out.limbs));
      for (size_t block = 0; block < n / 16; ++block) {
        uint32_t* place = out.words.data() +
                          out.offset(limb, block / kTileBlocks, giant, baby / out.group_size()) +
                          (block % kTileBlocks * out.group_size() + baby % out.group_size()) * 16;
        for (size_t l = 0; l < 16; ++l) place[l] = q.to_montgomery(encoded.limb(limb)[16 * block + l]);
      }
    }
  }
  return out;
}

void LatencyProgram::encode_matrices(const FoldedNetwork& network) {
  const Packing& packing = plan_.packing;
  const size_t half = packing.half_outputs();
  const size_t last = network.maps.size() - 1;
  // Adding the conjugate doubles the real part, hence the halves.
  const auto largest = [&](size_t i) {
    double out = 0;
    for (const double weight : network.maps[i].weight.values) out = std::max(out, std::abs(weight));
    return out;
  };
  matrices_.push_back(encode(0, largest(0), [&](size_t r, size_t t) {
    const Matrix& weight = network.maps.front().weight;
    const size_t k = input_of_slot(packing, (t + r) % packing.slots());
    const size_t row = t % packing.block;
    return Complex(0.5 * entry_or_zero(weight, row, k),
                   -0.5 * entry_or_zero(weight, row, packing.period() + k));
  }));
  for (size_t i = 1; i < last; ++i) {
    matrices_.push_back(encode(i, largest(i), [&](size_t r, size_t t) {
      const size_t row = t % packing.block;
      return Complex(entry_or_zero(network.maps[i].weight, row, (row + r) % packing.block), 0);
    }));
  }
  matrices_.push_back(encode(last, largest(last), [&](size_t r, size_t t) {
    const Matrix& weight = network.maps.back().weight;
    OutputEntry at;
    if (!output_entry(packing, t, r, at)) return Complex(0, 0);
    return Complex(entry_or_zero(weight, at.row, at.unit), entry_or_zero(weight, at.row + half, at.unit));
  }));
}

/// Inputs travel less 1/2, and an activation's values less their centre, because the rounding of a diagonal
/// multiplies them; the biases give back what that takes away.
void LatencyProgram::encode_biases(const FoldedNetwork& network, const std::vector<double>& centres) {
  const Packing& packing = plan_.packing;
  const size_t half = packing.half_outputs();
  for (size_t i = 0; i < network.maps.size(); ++i) {
    const AffineMap& map = network.maps[i];
    const bool last = i + 1 == network.maps.size();
    const double centre = i == 0 ? 0.5 : centres[i - 1];
    const auto bias = [&](size_t row) { return row < map.weight.rows ? bias_of(map, row, centre) : 0.0; };
    std::vector<Complex> slots(last && !packing.only_outputs() ? half : packing.slots());
    for (size_t t = 0; t < slots.size(); ++t) {
      // Copies of outputs get theirs, too: without, they would tell it.
      const size_t r = packing.only_outputs() ? t % packing.output_stride : t;
      if (!last) slots[t] = Complex(bias(t % packing.block), 0);
      if (last && r < half) slots[t] = Complex(bias(r), bias(r + half));
    }
    biases_.push_back(encode_constant(slots, plan_.matrix_output(i)));
  }
}

void LatencyProgram::encode_activation(const FoldedActivation& activation, size_t index, double centre) {
  const std::vector<Register> registers = plan_.registers(index);
  const std::vector<ProductTerms> wanted = activation_terms(activation);
  std::vector<ProductResidues>& out = terms_.emplace_back(linear_residues(*params_, plan_, index, wanted));
  for (size_t p = 0; p < out.size(); ++p) {
    const bool last = p + 1 == out.size();
    if (wanted[p].constant == 0 && !last) continue;
    std::vector<Complex> slots(plan_.packing.slots(), wanted[p].constant);
    for (size_t t = 0; last && t < slots.size(); ++t) {
      if (t % plan_.packing.block < plan_.packing.widths[index + 1]) slots[t] -= centre;
    }
    out[p].constant = encode_constant(slots, registers[p + 1]);
  }
}

LatencyProgram::LatencyProgram(const FoldedNetwork& network, const Calibration& calibration,
                               const LatencyPlan& plan, bool trusting)
    : plan_(plan),
      trusting_(trusting),
      secret_(1),
      params_(Params::create(plan.params).value()),
      encoder_(plan.params.log_n) {
  if (!made_for(plan, plan.packing.widths, network, calibration)) {
    throw Error(ErrorCode::parameter_mismatch,
                "the plan was made for a network of other widths or activations");
  }
  require_cover(plan.packing);
  random_bytes(secret_[0]);
  std::vector<double> centres;
  for (size_t i = 0; i < network.activations.size(); ++i) {
    centres.push_back(calibration.layers[i].centre);
    encode_activation(network.activations[i], i, centres.back());
  }
  encode_matrices(network);
  encode_biases(network, centres);
  automorphisms_.try_emplace(1, params_->log_n(), 1u);
  for (const KeyRequest& use : key_uses(plan_)) {
    if (use.galois_element != kRelinearisation) {
      automorphisms_.try_emplace(use.galois_element, params_->log_n(), use.galois_element);
    }
  }
}

size_t LatencyProgram::bytes() const {
  size_t words = 0;
  for (const Diagonals& matrix : matrices_) words += matrix.words.size();
  return words * sizeof(uint32_t);
}

Result<std::shared_ptr<const LatencyKeys>> LatencyKeys::create(const LatencyPlan& plan,
                                                               const EvaluationKeys& keys,
                                                               const PublicKey& public_key) {
  const auto out = std::make_shared<LatencyKeys>();
  const auto params = Params::create(plan.params);
  if (!params.ok()) return params.error();
  CRYPTOTL_TRY(check_key_set(**params, keys, public_key, "evaluation keys"));
  out->key_id_ = keys.key_id;
  out->public_key_ = fingerprint(public_key);
  const std::vector<KeyRequest> uses = key_uses(plan);
  size_t words = 0;
  for (const KeyRequest& use : uses) words += PreparedKey::words(**params, use.limbs);
  out->words_.resize(words);
  uint32_t* memory = out->words_.data();
  for (const KeyRequest& use : uses) {
    const auto key = find_key(keys, use, "evaluation keys");
    if (!key.ok()) return key.error();
    out->keys_.try_emplace({use.galois_element, use.limbs}, **params, keys.key_id, **key, use.limbs, memory);
    memory += PreparedKey::words(**params, use.limbs);
  }
  out->zero_.emplace(public_key, plan.answer_limbs());
  return std::shared_ptr<const LatencyKeys>(out);
}

size_t LatencyKeys::bytes() const {
  size_t sum = zero_->bytes();
  for (const auto& [use, key] : keys_) sum += key.bytes();
  return sum;
}

}  // namespace cryptotl

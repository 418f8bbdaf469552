#include <cmath>
#include <limits>

#include "cryptotl/ckks/encoder.h"
#include "cryptotl/ckks/wire.h"
#include "cryptotl/execute/batch.h"
#include "cryptotl/plan/activation_circuit.h"
#include "cryptotl/plan/packing.h"
#include "execute/block_matrix.h"
#include "execute/key_set.h"
#include "execute/residues.h"

namespace cryptotl {
namespace {

constexpr double kInputCentre = 0.5;

/// A number that every slot holds, at a scale: the constant term of a polynomial.
std::vector<uint32_t> constant_residues(const Params& params, double value, const Register& at) {
  std::vector<uint32_t> out;
  for (size_t limb = 0; limb < at.limbs; ++limb)
    out.push_back(residue_of(std::round(value * at.scale), params.modulus(limb)));
  return out;
}

/// The same in NTT form.
RnsPolynomial constant_polynomial(const Params& params, std::span<const uint32_t> residues) {
  RnsPolynomial out(params.n(), residues.size());
  for (size_t limb = 0; limb < residues.size(); ++limb)
    std::ranges::fill(out.limb_span(limb), residues[limb]);
  return out;
}

/// Where in its range the activation is nearest to its centre: slots that belong to no hidden unit then hold
/// about nothing, and bring no errors of the next matrix's entries into its sums.
double central_argument(const FoldedActivation& activation, const LayerCalibration& layer) {
  constexpr int kSteps = 4096;
  double best = 0;
  double least = std::numeric_limits<double>::infinity();
  for (int step = 0; step <= kSteps; ++step) {
    const double u =
        std::lerp(layer.pre_activation.low, layer.pre_activation.high, static_cast<double>(step) / kSteps);
    const double v = activation.inner_scale * (u - activation.inner_shift);
    const double distance = std::abs(activation_registers(activation, v).back() - layer.centre);
    if (distance < least) {
      least = distance;
      best = v;
    }
  }
  return best;
}

}  // namespace

void BatchProgram::round_matrices(const FoldedNetwork& network) {
  for (size_t i = 0; i < network.maps.size(); ++i) {
    const Matrix& weight = network.maps[i].weight;
    std::vector<int32_t> entries;
    entries.reserve(weight.values.size());
    for (const double value : weight.values) {
      const double entry = std::round(value * plan_.matrices[i].scale);
      if (!(std::abs(entry) < kMatrixEntryBound))
        throw Error(ErrorCode::parameter_mismatch, "the batch plan was made for smaller weights");
      entries.push_back(static_cast<int32_t>(entry));
    }
    if (i == 0)
      first_matrix_ =
          digest({reinterpret_cast<const uint8_t*>(entries.data()), entries.size() * sizeof(int32_t)});
    matrices_.emplace_back(entries, weight.rows, weight.cols, matrix_kernel());
  }
}

void BatchProgram::encode_blocks(const FoldedNetwork& network, const Calibration& calibration) {
  const auto blocks = std::make_shared<Blocks>();
  for (size_t i = 0; i < network.maps.size(); ++i) {
    const bool last = i == network.activations.size();
    blocks->matrices.emplace_back(*params_, plan_, i, network.maps[i],
                                  i == 0 ? kInputCentre : calibration.layers[i - 1].centre,
                                  last ? 0 : central_argument(network.activations[i], calibration.layers[i]));
  }
  blocks_ = blocks;
}

/// Inputs travel less 1/2, and an activation's values less their centre, because the rounding of an entry
/// multiplies them; the biases give back what that takes away.
void BatchProgram::add_biases(const FoldedNetwork& network, const std::vector<double>& centres) {
  for (size_t i = 0; i < network.maps.size(); ++i) {
    const double centre = i == 0 ? kInputCentre : centres[i - 1];
    std::vector<std::vector<uint32_t>>& rows = biases_.emplace_back();
    for (size_t row = 0; row < network.maps[i].weight.rows; ++row) {
      rows.push_back(
          constant_residues(*params_, bias_of(network.maps[i], row, centre), plan_.matrix_output(i)));
    }
  }
}

void BatchProgram::add_activation(const FoldedActivation& activation, size_t index, double centre) {
  const std::vector<Register> registers = plan_.registers(index);
  const std::vector<ProductTerms> wanted = activation_terms(activation);
  std::vector<ProductResidues>& out = products_.emplace_back(linear_residues(*params_, plan_, index, wanted));
  for (size_t p = 0; p < out.size(); ++p) {
    const bool last = p + 1 == out.size();
    const std::vector<uint32_t> constant =
        constant_residues(*params_, wanted[p].constant - (last ? centre : 0), registers[p + 1]);
    if (last) {
      activation_constants_.push_back(constant);
    } else if (wanted[p].constant != 0) {
      out[p].constant = constant_polynomial(*params_, constant);
    }
  }
}

BatchProgram::BatchProgram(const FoldedNetwork& network, const Calibration& calibration,
                           const BatchPlan& plan)
    : plan_(plan), secret_(1), params_(Params::create(plan.params).value()) {
  random_bytes(secret_[0]);
  if (!made_for(plan, plan.widths, network, calibration)) {
    throw Error(ErrorCode::parameter_mismatch,
                "the batch plan was made for a network of other widths or activations");
  }
  std::vector<double> centres;
  for (size_t i = 0; i < network.activations.size(); ++i) {
    centres.push_back(calibration.layers[i].centre);
    add_activation(network.activations[i], i, centres.back());
  }
  if (plan.has_blocks()) {
    encode_blocks(network, calibration);
  } else {
    round_matrices(network);
    add_biases(network, centres);
  }
}

size_t BatchProgram::bytes() const {
  size_t sum = 0;
  for (const IntegerMatrix& matrix : matrices_) sum += matrix.bytes();
  if (blocks_) {
    for (const BlockMatrix& matrix : blocks_->matrices) sum += matrix.bytes();
  }
  return sum;
}

namespace {

/// Every key at every number of limbs at which it is used; some stand more than once.
std::vector<KeyRequest> uses_of(const BatchPlan& plan) {
  std::vector<KeyRequest> out;
  for (size_t i = 0; i < plan.activations.size(); ++i) {
    const std::vector<Register> registers = plan.registers(i);
    for (const Product& product : activation_products(plan.activations[i].degree))
      out.push_back(
          {kRelinearisation, std::min(registers[product.left].limbs, registers[product.right].limbs)});
  }
  for (const int steps : rotations_of(plan)) {
    const uint32_t element = galois_element_of_rotation(steps, plan.params.log_n, plan.params.ring);
    for (const MatrixPlan& matrix : plan.matrices) out.push_back({element, matrix.limbs});
  }
  return out;
}

}  // namespace

Result<std::shared_ptr<const BatchKeys>> BatchKeys::create(const BatchPlan& plan, const EvaluationKeys& keys,
                                                           const PublicKey& public_key) {
  const auto params = Params::create(plan.params);
  if (!params.ok()) return params.error();
  CRYPTOTL_TRY(check_key_set(**params, keys, public_key, "batch keys"));
  const auto out = std::make_shared<BatchKeys>();
  out->key_id_ = keys.key_id;
  out->public_key_ = fingerprint(public_key);
  for (const KeyRequest& wanted : uses_of(plan)) {
    if (out->find(wanted) != nullptr) continue;
    const auto key = find_key(keys, wanted, "batch keys");
    if (!key.ok()) return key.error();
    out->keys_.emplace_back(**params, keys.key_id, **key, wanted.limbs);
  }
  out->zero_.emplace(public_key, plan.matrices.back().limbs - plan.matrices.back().drop);
  return std::shared_ptr<const BatchKeys>(out);
}

const PreparedKey* BatchKeys::find(const KeyRequest& wanted) const {
  for (const PreparedKey& key : keys_) {
    if (key.galois_element() == wanted.galois_element && key.limbs() == wanted.limbs) return &key;
  }
  return nullptr;
}

const PreparedKey& BatchKeys::at(uint32_t galois_element, size_t limbs) const {
  const PreparedKey* key = find({galois_element, limbs});
  CRYPTOTL_ASSERT(key != nullptr);
  return *key;
}

size_t BatchKeys::bytes() const {
  size_t sum = zero_->bytes();
  for (const PreparedKey& key : keys_) sum += key.bytes();
  return sum;
}

}  // namespace cryptotl

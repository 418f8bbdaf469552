// Batches with blocks. A matrix meets rows in NTT form, B products of residues for B ranges of positions;
// what stands in neighbouring slots of a sample is brought together by rotations of the rows before, and of
// the sums behind.
#include "execute/block_layers.h"

#include <cstring>

#include "execute/activation.h"

namespace cryptotl {
namespace {

size_t most_rows(const BatchPlan& plan) {
  size_t most = 0;
  for (const size_t width : plan.widths) most = std::max(most, plan.rows(width));
  return most;
}

/// Of rotated rows, or of a product: both parts of every sum.
size_t most_operands(const BatchPlan& plan) {
  return most_rows(plan) * std::max(baby_steps(plan.block), 2 * giant_steps(plan.block).size());
}

void add_constant(uint32_t* values, size_t count, uint32_t constant, const Modulus& q) {
  for (size_t i = 0; i < count; ++i) values[i] = q.add(values[i], constant);
}

/// Whether baby step d + steps comes from baby step d: steps is a digit below all those of d.
bool comes_from(size_t d, int steps, size_t baby) {
  if (steps < 0 || d + static_cast<size_t>(steps) >= baby) return false;
  size_t place = 1;
  while (static_cast<size_t>(steps) >= kRotationBase * place) place *= kRotationBase;
  return d % (kRotationBase * place) == 0;
}

}  // namespace

BatchRunner::BlockLayers::BlockLayers(const BatchProgram& program, ThreadPool& pool, Lent<Unit>& units)
    : program_(program),
      params_(*program.params()),
      pool_(pool),
      units_(units),
      rotations_(rotations_of(plan())),
      rows_(params_.n(), most_rows(plan()), plan().top_limbs()),
      operand_(params_.n(), most_operands(plan()), plan().top_limbs()) {
  for (size_t i = 0; i < pool.threads(); ++i) {
    auto workspace = std::make_unique<Workspace>(
        Workspace{MatrixProduct(program.blocks_->matrices.front().products.front().sums.kernel(),
                                most_rows(plan()) * baby_steps(plan().block)),
                  {}});
    width_ = std::min(workspace->product.width(), params_.n() / plan().block);
    workspace->last.resize(2 * most_rows(plan()) * width_);
    workspaces_.add(std::move(workspace));
  }
}

template <typename Body>
void BatchRunner::BlockLayers::for_each_row(size_t count, const Body& body) {
  pool_.for_each(count, [&](size_t row) {
    std::unique_ptr<Unit> unit = units_.take();
    body(row, *unit);
    units_.give(std::move(unit));
  });
}

const PreparedKey& BatchRunner::BlockLayers::rotation(const BatchKeys& keys, int steps, size_t limbs) const {
  return keys.at(galois_element_of_rotation(steps, params_.log_n(), params_.ring()), limbs);
}

void BatchRunner::BlockLayers::copy(RnsPolynomial& out, Operand& from, size_t side, size_t row,
                                    size_t limbs) const {
  for (size_t limb = 0; limb < limbs; ++limb)
    std::memcpy(out.limb(limb), from.at(side, limb, row), params_.n() * sizeof(uint32_t));
}

/// One decomposition serves all rotations that come from one (kRotationBase).
void BatchRunner::BlockLayers::rotate(size_t index, size_t row, const BatchKeys& keys, Unit& unit) {
  const size_t limbs = plan().matrices[index].limbs;
  const size_t rows = plan().rows(plan().widths[index]);
  const size_t baby = baby_steps(plan().block);
  Multiplier& multiplier = unit.multiplier;
  Stage& stage = multiplier.stage;
  RnsPolynomial& lifted = multiplier.product[0];  // P c_0
  Pair& source = unit.registers[0];
  Pair& rotated = unit.registers[1];
  const auto store = [&](const Pair& pair, size_t d) {
    for (size_t side = 0; side < 2; ++side) {
      for (size_t limb = 0; limb < limbs; ++limb) {
        std::memcpy(operand_.at(side, limb, d * rows + row), pair[side].limb(limb),
                    params_.n() * sizeof(uint32_t));
      }
    }
  };
  for (size_t side = 0; side < 2; ++side) copy(source[side], rows_, side, row, limbs);
  if (index == 0) {
    for (size_t limb = 0; limb < limbs; ++limb) {
      for (size_t side = 0; side < 2; ++side)
        kernels().ntt_forward(source[side].limb(limb), params_.tables(limb));
    }
  }
  store(source, 0);
  for (size_t d = 0; d < baby; d += kRotationBase) {
    if (d != 0) {
      for (size_t side = 0; side < 2; ++side) copy(source[side], operand_, side, d * rows + row, limbs);
    }
    stage.enter(limbs);
    multiplier.to_coefficients(source[1], stage.work, limbs);
    decompose(params_, stage.work, &source[1], stage.digits, unit.one_thread);
    for (size_t limb = 0; limb < limbs; ++limb) {
      kernels().multiply_scalar(lifted.limb(limb), source[0].limb(limb), params_.special_product(limb),
                                params_.n(), params_.modulus(limb));
    }
    for (const int steps : rotations_) {
      if (!comes_from(d, steps, baby)) continue;
      const PreparedKey& key = rotation(keys, steps, limbs);
      for (size_t limb = 0; limb < multiplier.extended_limbs(); ++limb) {
        switch_limb(params_, stage.digits, key, limb, limb < limbs ? lifted.limb(limb) : nullptr,
                    stage.sum[0].limb(limb), stage.sum[1].limb(limb));
      }
      for (size_t side = 0; side < 2; ++side)
        mod_down(params_, stage.sum[side], limbs, 0, rotated[side], stage.scratch, unit.one_thread);
      store(rotated, d + static_cast<size_t>(steps));
    }
  }
}

/// In place, at `count` positions from `first` on.
void BatchRunner::BlockLayers::multiply_part(const BlockMatrix::Product& matrix, size_t side, size_t limb,
                                             size_t first, size_t count) {
  std::unique_ptr<Workspace> workspace = workspaces_.take();
  std::vector<const uint32_t*> in;
  std::vector<uint32_t*> out, last;
  for (size_t row = 0; row < matrix.sums.columns(); ++row) in.push_back(operand_.at(side, limb, row) + first);
  for (size_t row = 0; row < matrix.sums.rows(); ++row) out.push_back(operand_.at(side, limb, row) + first);
  for (size_t row = 0; row < matrix.last.rows(); ++row) last.push_back(workspace->last.data() + row * width_);
  const Modulus& q = params_.modulus(limb);
  const auto later = std::span(in).subspan(in.size() - matrix.last.columns());
  workspace->product.multiply(matrix.last, later, last, 0, count, q);
  workspace->product.multiply(matrix.sums, in, out, 0, count, q);
  for (size_t row = 0; row < last.size(); ++row)
    std::memcpy(operand_.at(side, limb, out.size() + row) + first, last[row], count * sizeof(uint32_t));
  workspaces_.give(std::move(workspace));
}

void BatchRunner::BlockLayers::multiply(size_t index) {
  const BlockMatrix& matrix = program_.blocks_->matrices[index];
  const size_t limbs = plan().matrices[index].limbs;
  const size_t positions = params_.n() / plan().block;
  const size_t parts = (positions + width_ - 1) / width_;
  pool_.for_each(2 * limbs * plan().block * parts, [&](size_t task) {
    const size_t first = task % parts * width_;
    const size_t b = task / parts % plan().block;
    const size_t limb = task / parts / plan().block % limbs;
    const size_t side = task / parts / plan().block / limbs;
    multiply_part(matrix.product(limb, b), side, limb, b * positions + first,
                  std::min(width_, positions - first));
  });
}

/// One of a row's sums, from its parts.
void BatchRunner::BlockLayers::join(size_t index, size_t row, size_t sum, size_t side, RnsPolynomial& out) {
  const size_t rows = plan().rows(plan().widths[index + 1]);
  const size_t parts = program_.blocks_->matrices[index].parts;
  for (size_t limb = 0; limb < plan().matrices[index].limbs; ++limb) {
    const Modulus& q = params_.modulus(limb);
    const uint32_t* const high = operand_.at(side, limb, parts * sum * rows + row);
    if (parts == 1) {
      std::memcpy(out.limb(limb), high, params_.n() * sizeof(uint32_t));
      continue;
    }
    kernels().multiply_scalar(out.limb(limb), high, uint32_t{1} << BlockMatrix::kHalfBits, params_.n(), q);
    kernels().add(out.limb(limb), out.limb(limb), operand_.at(side, limb, (2 * sum + 1) * rows + row),
                  params_.n(), q);
  }
}

/// stage.sum = P (bias + sums, rotated by their giant steps), modulo QP: to be divided next.
void BatchRunner::BlockLayers::add_sums(size_t index, size_t row, const BatchKeys& keys, Unit& unit) {
  const size_t limbs = plan().matrices[index].limbs;
  const size_t n = params_.n();
  const size_t positions = n / plan().block;
  const std::vector<int> giants = giant_steps(plan().block);
  Multiplier& multiplier = unit.multiplier;
  RnsPolynomial* const product = multiplier.product;
  RnsPolynomial& scratch = multiplier.stage.scratch;
  join(index, row, 0, 0, product[0]);
  for (size_t sum = 1; sum < giants.size(); ++sum) {
    const PreparedKey& key = rotation(keys, giants[sum], limbs);
    join(index, row, sum, 0, product[2]);
    for (size_t limb = 0; limb < limbs; ++limb) {
      kernels().permute(scratch.limb(limb), 16, product[2].limb(limb), key.automorphism());
      kernels().add(product[0].limb(limb), product[0].limb(limb), scratch.limb(limb), n,
                    params_.modulus(limb));
    }
  }
  for (size_t limb = 0; limb < limbs; ++limb) {
    const std::vector<uint32_t>& bias = program_.blocks_->matrices[index].biases[row][limb];
    for (size_t b = 0; b < plan().block; ++b)
      add_constant(product[0].limb(limb) + b * positions, positions, bias[b], params_.modulus(limb));
  }
  join(index, row, 0, 1, product[1]);
  for (size_t sum = 1; sum < giants.size(); ++sum) {
    const PreparedKey& key = rotation(keys, giants[sum], limbs);
    join(index, row, sum, 1, product[2]);
    if (sum == 1) {
      multiplier.relinearise(product[2], limbs, true, key);
    } else {
      multiplier.add_switched(product[2], limbs, key);
    }
  }
}

void BatchRunner::BlockLayers::activate(size_t index, size_t row, const BatchKeys& keys, Unit& unit) {
  const MatrixPlan& matrix = plan().matrices[index];
  Stage& stage = unit.multiplier.stage;
  add_sums(index, row, keys, unit);
  for (size_t side = 0; side < 2; ++side) {
    mod_down(params_, stage.sum[side], matrix.limbs, matrix.drop, unit.registers[0][side], stage.scratch,
             unit.one_thread);
  }
  const LastProduct last = multiply_up(plan(), index, program_.products_[index], keys, unit);
  Pair& value = unit.registers[0];
  for (size_t side = 0; side < 2; ++side)
    mod_down(params_, stage.sum[side], last.limbs, last.drop, value[side], stage.scratch, unit.one_thread);
  for (size_t limb = 0; limb < last.limbs - last.drop; ++limb) {
    const Modulus& q = params_.modulus(limb);
    const uint32_t constant = program_.activation_constants_[index][limb];
    add_constant(value[0].limb(limb), params_.n(), constant, q);
    for (size_t side = 0; side < 2; ++side)
      std::memcpy(rows_.at(side, limb, row), value[side].limb(limb), params_.n() * sizeof(uint32_t));
  }
}

void BatchRunner::BlockLayers::run(const BatchKeys& keys, Times& times) {
  for (size_t i = 0; i < plan().matrices.size(); ++i) {
    const Stopwatch matrix;
    for_each_row(plan().rows(plan().widths[i]), [&](size_t row, Unit& unit) { rotate(i, row, keys, unit); });
    multiply(i);
    times.matrices[i] = matrix.seconds();
    if (i == plan().activations.size()) break;
    const Stopwatch activation;
    for_each_row(plan().rows(plan().widths[i + 1]),
                 [&](size_t row, Unit& unit) { activate(i, row, keys, unit); });
    times.activations += activation.seconds();
  }
}

void BatchRunner::BlockLayers::answer(size_t row, const BatchKeys& keys, Unit& unit, Pair& out) {
  const size_t last = plan().matrices.size() - 1;
  const MatrixPlan& matrix = plan().matrices[last];
  Stage& stage = unit.multiplier.stage;
  add_sums(last, row, keys, unit);
  for (size_t side = 0; side < 2; ++side) {
    mod_down_to_coefficients(params_, stage.sum[side], matrix.limbs, matrix.drop, unit.one_thread);
    for (size_t limb = 0; limb < matrix.limbs - matrix.drop; ++limb)
      std::memcpy(out[side].limb(limb), stage.sum[side].limb(limb), params_.n() * sizeof(uint32_t));
  }
}

}  // namespace cryptotl

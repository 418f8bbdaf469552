// Batches with blocks. A matrix meets rows in NTT form, B products of residues for B ranges of positions;
// what stands in neighbouring slots of a sample is brought together by rotations of the rows before, and what
// has got into the next sample's slots by a rotation of the sums behind.
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

size_t most_operands(const BatchPlan& plan) {
  return most_rows(plan) * std::max(plan.block, BlockMatrix::kParts);
}

void add_constant(uint32_t* values, size_t count, uint32_t constant, const Modulus& q) {
  for (size_t i = 0; i < count; ++i) values[i] = q.add(values[i], constant);
}

/// Whether rotation d + steps comes from rotation d: steps is a digit below all those of d.
bool comes_from(size_t d, int steps, size_t block) {
  if (steps < 0 || d + static_cast<size_t>(steps) >= block) return false;
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
    auto product = std::make_unique<MatrixProduct>(
        program.blocks_->matrices.front().products.front().kernel(), most_rows(plan()) * plan().block);
    width_ = product->width();
    products_.add(std::move(product));
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
  const size_t block = plan().block;
  Multiplier& multiplier = unit.multiplier;
  Stage& stage = multiplier.stage;
  RnsPolynomial& lifted = multiplier.product[0];  // P c_0
  Pair& source = unit.registers[0];
  Pair& rotated = unit.registers[1];
  const auto store = [&](const Pair& pair, size_t d) {
    for (size_t side = 0; side < 2; ++side) {
      for (size_t limb = 0; limb < limbs; ++limb) {
        std::memcpy(operand_.at(side, limb, row * block + d), pair[side].limb(limb),
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
  for (size_t d = 0; d < block; d += kRotationBase) {
    if (d != 0) {
      for (size_t side = 0; side < 2; ++side) copy(source[side], operand_, side, row * block + d, limbs);
    }
    stage.enter(limbs);
    multiplier.to_coefficients(source[1], stage.work, limbs);
    decompose(params_, stage.work, &source[1], stage.digits, unit.one_thread);
    for (size_t limb = 0; limb < limbs; ++limb) {
      kernels().multiply_scalar(lifted.limb(limb), source[0].limb(limb), params_.special_product(limb),
                                params_.n(), params_.modulus(limb));
    }
    for (const int steps : rotations_) {
      if (!comes_from(d, steps, block)) continue;
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

/// In place.
void BatchRunner::BlockLayers::multiply(size_t index) {
  const BlockMatrix& matrix = program_.blocks_->matrices[index];
  const size_t limbs = plan().matrices[index].limbs;
  const size_t positions = params_.n() / plan().block;
  const size_t width = std::min(width_, positions);
  const size_t parts = (positions + width - 1) / width;
  pool_.for_each(2 * limbs * plan().block * parts, [&](size_t task) {
    const size_t first = task % parts * width;
    const size_t b = task / parts % plan().block;
    const size_t limb = task / parts / plan().block % limbs;
    const size_t side = task / parts / plan().block / limbs;
    const IntegerMatrix& product = matrix.product(limb, b);
    std::vector<const uint32_t*> in;
    std::vector<uint32_t*> out;
    for (size_t row = 0; row < product.columns(); ++row) in.push_back(operand_.at(side, limb, row));
    for (size_t row = 0; row < product.rows(); ++row) out.push_back(operand_.at(side, limb, row));
    std::unique_ptr<MatrixProduct> memory = products_.take();
    memory->multiply(product, in, out, b * positions + first, std::min(width, positions - first),
                     params_.modulus(limb));
    products_.give(std::move(memory));
  });
}

/// One of a row's two sums, from its halves.
void BatchRunner::BlockLayers::join(size_t index, size_t row, size_t sum, size_t side, RnsPolynomial& out) {
  const size_t rows = plan().rows(plan().widths[index + 1]);
  for (size_t limb = 0; limb < plan().matrices[index].limbs; ++limb) {
    const Modulus& q = params_.modulus(limb);
    kernels().multiply_scalar(out.limb(limb), operand_.at(side, limb, 2 * sum * rows + row),
                              uint32_t{1} << BlockMatrix::kHalfBits, params_.n(), q);
    kernels().add(out.limb(limb), out.limb(limb), operand_.at(side, limb, (2 * sum + 1) * rows + row),
                  params_.n(), q);
  }
}

/// stage.sum = P (first sum + bias + second sum rotated back by a block), modulo QP: to be divided next.
void BatchRunner::BlockLayers::add_sums(size_t index, size_t row, const BatchKeys& keys, Unit& unit) {
  const size_t limbs = plan().matrices[index].limbs;
  const size_t n = params_.n();
  const size_t positions = n / plan().block;
  Multiplier& multiplier = unit.multiplier;
  RnsPolynomial* const product = multiplier.product;
  RnsPolynomial& scratch = multiplier.stage.scratch;
  const PreparedKey& key = rotation(keys, -static_cast<int>(plan().block), limbs);
  join(index, row, 1, 0, product[2]);
  join(index, row, 0, 0, product[0]);
  for (size_t limb = 0; limb < limbs; ++limb) {
    const Modulus& q = params_.modulus(limb);
    kernels().permute(scratch.limb(limb), 16, product[2].limb(limb), key.automorphism());
    uint32_t* const out = product[0].limb(limb);
    kernels().add(out, out, scratch.limb(limb), n, q);
    const std::vector<uint32_t>& bias = program_.blocks_->matrices[index].biases[row][limb];
    for (size_t b = 0; b < plan().block; ++b) add_constant(out + b * positions, positions, bias[b], q);
  }
  join(index, row, 0, 1, product[1]);
  join(index, row, 1, 1, product[2]);
  multiplier.relinearise(product[2], limbs, true, key);
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

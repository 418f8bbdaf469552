// The encrypted forward pass of a batch. Without blocks, matrices meet residues in coefficient form, where
// they are linear as anywhere else and rescaling takes no transform; activations meet them in NTT form, one
// hidden unit at a time. With blocks: block_layers.cc.
#include <algorithm>
#include <chrono>
#include <cstring>
#include <numeric>

#include "cryptotl/ckks/wire.h"
#include "cryptotl/execute/batch.h"
#include "execute/activation.h"
#include "execute/batch_memory.h"
#include "execute/block_layers.h"

namespace cryptotl {

struct BatchRunner::State {
  State(const BatchProgram& served, size_t thread_count)
      : program(served),
        params(*served.params()),
        pool(thread_count),
        operand(params.n(), plan().has_blocks() ? 0 : widest(), plan().top_limbs()) {
    for (size_t i = 0; i < pool.threads(); ++i) units.add(std::make_unique<Unit>(params, plan()));
    if (plan().has_blocks()) {
      blocks = std::make_unique<BlockLayers>(program, pool, units);
      return;
    }
    for (size_t i = 0; i < pool.threads(); ++i) {
      auto product = std::make_unique<MatrixProduct>(program.matrices_.front().kernel(), widest());
      width = product->width();
      products.add(std::move(product));
    }
  }

  const BatchPlan& plan() const { return program.plan(); }
  uint32_t* input(size_t side, size_t limb, size_t row) {
    return blocks ? blocks->input(side, limb, row) : operand.at(side, limb, row);
  }
  size_t widest() const { return *std::ranges::max_element(plan().widths); }

  void multiply(size_t index, std::span<const size_t> sides);
  void load(size_t index, size_t unit, size_t side, RnsPolynomial& out);
  void activate(size_t index, size_t unit, const BatchKeys& keys, Unit& memory);
  void activate_all(size_t index, const BatchKeys& keys);
  void load_answer(size_t row, Pair& parts);
  void mask(size_t row, const BatchKeys& keys, Pair& parts) const;
  Bytes answer(size_t row, const BatchKeys& keys, bool trusting);

  const BatchProgram& program;
  const Params& params;
  ThreadPool pool;
  Operand operand;
  Lent<Unit> units;
  Lent<MatrixProduct> products;
  size_t width = 0;                     ///< of every product
  std::unique_ptr<BlockLayers> blocks;  ///< where the plan has blocks, in the operand's place

  bool begun = false;
  bool done = false;
  BatchRow next;
  KeyId key_id{};
  std::shared_ptr<const BatchHalf> half;
  Times times;
};

/// A layer's matrix times one or both parts, in place: limb by limb and, within, as many positions at a time
/// as a cache holds.
void BatchRunner::State::multiply(size_t index, std::span<const size_t> sides) {
  const Stopwatch time;
  const IntegerMatrix& matrix = program.matrices_[index];
  const size_t limbs = plan().matrices[index].limbs;
  const size_t parts = (params.n() + width - 1) / width;
  pool.for_each(sides.size() * limbs * parts, [&](size_t task) {
    const size_t first = task % parts * width;
    const size_t limb = task / parts % limbs;
    const size_t side = sides[task / parts / limbs];
    std::vector<const uint32_t*> in;
    std::vector<uint32_t*> out;
    for (size_t row = 0; row < matrix.columns(); ++row) in.push_back(operand.at(side, limb, row));
    for (size_t row = 0; row < matrix.rows(); ++row) out.push_back(operand.at(side, limb, row));
    std::unique_ptr<MatrixProduct> product = products.take();
    product->multiply(matrix, in, out, first, std::min(width, params.n() - first), params.modulus(limb));
    products.give(std::move(product));
  });
  times.matrices[index] = time.seconds();
}

/// One part of a hidden unit: rescaled, with its bias, in NTT form.
void BatchRunner::State::load(size_t index, size_t unit, size_t side, RnsPolynomial& out) {
  const MatrixPlan& matrix = plan().matrices[index];
  const size_t left = matrix.limbs - matrix.drop;
  for (size_t limb = 0; limb < matrix.limbs; ++limb)
    std::memcpy(out.limb(limb), operand.at(side, limb, unit), params.n() * sizeof(uint32_t));
  rescale_coefficients(params, out, matrix.limbs, matrix.drop);
  for (size_t limb = 0; limb < left; ++limb) {
    uint32_t* const values = out.limb(limb);
    if (side == 0) values[0] = params.modulus(limb).add(values[0], program.biases_[index][unit][limb]);
    kernels().ntt_forward(values, params.tables(limb));
  }
}

/// The activation of one hidden unit, from the operand and back to it in coefficient form.
void BatchRunner::State::activate(size_t index, size_t unit, const BatchKeys& keys, Unit& memory) {
  const size_t first_limbs = plan().matrix_output(index).limbs;
  load(index, unit, 0, memory.registers[0][0]);
  if (index == 0 && half != nullptr) {
    const uint32_t* words = half->words_.data() + unit * first_limbs * params.n();
    for (size_t limb = 0; limb < first_limbs; ++limb, words += params.n())
      std::memcpy(memory.registers[0][1].limb(limb), words, params.n() * sizeof(uint32_t));
  } else {
    load(index, unit, 1, memory.registers[0][1]);
  }
  const LastProduct last = multiply_up(plan(), index, program.products_[index], keys, memory);
  for (size_t side = 0; side < 2; ++side) {
    RnsPolynomial& sum = memory.multiplier.stage.sum[side];
    mod_down_to_coefficients(params, sum, last.limbs, last.drop, memory.one_thread);
    for (size_t limb = 0; limb < last.limbs - last.drop; ++limb) {
      uint32_t* const out = operand.at(side, limb, unit);
      std::memcpy(out, sum.limb(limb), params.n() * sizeof(uint32_t));
      if (side == 0) out[0] = params.modulus(limb).add(out[0], program.activation_constants_[index][limb]);
    }
  }
}

void BatchRunner::State::activate_all(size_t index, const BatchKeys& keys) {
  const Stopwatch time;
  pool.for_each(plan().widths[index + 1], [&](size_t unit) {
    std::unique_ptr<Unit> memory = units.take();
    activate(index, unit, keys, *memory);
    units.give(std::move(memory));
  });
  times.activations += time.seconds();
}

/// A row of the last matrix's result, rescaled, with its bias.
void BatchRunner::State::load_answer(size_t row, Pair& parts) {
  const size_t last = plan().matrices.size() - 1;
  const MatrixPlan& matrix = plan().matrices[last];
  for (size_t side = 0; side < 2; ++side) {
    for (size_t limb = 0; limb < matrix.limbs; ++limb)
      std::memcpy(parts[side].limb(limb), operand.at(side, limb, row), params.n() * sizeof(uint32_t));
    rescale_coefficients(params, parts[side], matrix.limbs, matrix.drop);
  }
  for (size_t limb = 0; limb < matrix.limbs - matrix.drop; ++limb) {
    uint32_t& constant = parts[0].limb(limb)[0];
    constant = params.modulus(limb).add(constant, program.biases_[last][row][limb]);
  }
}

/// All that is added to one row of answers follows from the program's secret and from what names the row, so
/// that no row gets two masks, which could be averaged away.
void BatchRunner::State::mask(size_t row, const BatchKeys& keys, Pair& parts) const {
  Label label("row of answers");
  label.add(params.id()).add(key_id).add(keys.public_key()).add(next.seed).add(next.number).add(row);
  Xof stream(program.secret_[0], label.view());
  keys.zero().add_to(parts[0], parts[1], stream, plan().coefficient_deviation(plan().flood_deviation));
}

Bytes BatchRunner::State::answer(size_t row, const BatchKeys& keys, bool trusting) {
  const MatrixPlan& matrix = plan().matrices.back();
  Pair parts = {RnsPolynomial(params.n(), matrix.limbs), RnsPolynomial(params.n(), matrix.limbs)};
  if (blocks) {
    std::unique_ptr<Unit> unit = units.take();
    blocks->answer(row, keys, *unit, parts);
    units.give(std::move(unit));
  } else {
    load_answer(row, parts);
  }
  for (RnsPolynomial& part : parts) part.drop_to(matrix.limbs - matrix.drop);
  if (!trusting) mask(row, keys, parts);
  return write_answer(modulus_switch(program.params(), key_id, plan().output_scale(), parts[0], parts[1],
                                     plan().answer_bits, plan().answer_dropped_bits,
                                     plan().answer_spare_bits));
}

BatchRunner::BatchRunner(std::shared_ptr<const BatchProgram> program, size_t threads)
    : program_(std::move(program)), state_(std::make_unique<State>(*program_, threads)) {}

BatchRunner::~BatchRunner() = default;

size_t BatchRunner::memory_bytes() const {
  const Params& params = *program_->params();
  const size_t extended = program_->plan().top_limbs() + params.num_special();
  // Digits, two pairs, work and scratch, a product of three, registers: of each thread.
  const size_t polynomials = params.digits(program_->plan().top_limbs()) + 6 + 3 + 2 * kMaxActivationDegree;
  return state_->operand.bytes() + (state_->blocks ? state_->blocks->bytes() : 0) +
         state_->pool.threads() * polynomials * extended * params.n() * sizeof(uint32_t);
}

void BatchRunner::begin(const Digest& seed, uint64_t number, const KeyId& key_id,
                        std::shared_ptr<const BatchHalf> half) {
  if (half != nullptr && (half->seed() != seed || half->number() != number))
    throw Error(ErrorCode::parameter_mismatch, "the half is of another batch");
  state_->begun = true;
  state_->done = false;
  state_->next = {seed, number, 0};
  state_->key_id = key_id;
  state_->half = std::move(half);
  state_->times = {};
  state_->times.matrices.resize(program_->plan().matrices.size());
}

size_t BatchRunner::rows_taken() const { return state_->next.row; }

Status BatchRunner::take_row(ByteView row) {
  const Stopwatch time;
  const BatchPlan& plan = program_->plan();
  State& state = *state_;
  if (!state.begun || state.next.row == plan.input_rows())
    return Error(ErrorCode::resource_exhausted,
                 "a batch of more than " + std::to_string(plan.input_rows()) + " rows");
  std::vector<uint32_t*> out;
  for (size_t limb = 0; limb < plan.top_limbs(); ++limb) out.push_back(state.input(0, limb, state.next.row));
  KeyId key_id{};
  const auto place = read_batch_row(row, *program_->params(), out, &key_id);
  if (!place.ok()) return place.error();
  if (*place != state.next || key_id != state.key_id) {
    return Error(ErrorCode::parameter_mismatch, "batch row: row " + std::to_string(place->row) +
                                                    " of batch " + std::to_string(place->number) +
                                                    " where row " + std::to_string(state.next.row) +
                                                    " of batch " + std::to_string(state.next.number) +
                                                    " is expected, under the announced key and seed");
  }
  if (state.half == nullptr) {
    state.pool.for_each(plan.top_limbs(), [&](size_t limb) {
      expand_batch_row(*program_->params(), state.next, limb,
                       {state.input(1, limb, state.next.row), program_->params()->n()});
    });
  }
  ++state.next.row;
  state.times.read += time.seconds();
  return {};
}

void BatchRunner::run(const BatchKeys& keys) {
  State& state = *state_;
  const BatchPlan& plan = program_->plan();
  if (!state.begun || state.done || state.next.row != plan.input_rows()) {
    throw Error(ErrorCode::invalid_argument, "a batch of " + std::to_string(state.next.row) + " rows where " +
                                                 std::to_string(plan.input_rows()) + " are right");
  }
  if (keys.key_id() != state.key_id)
    throw Error(ErrorCode::parameter_mismatch,
                "the batch was made for another key than the evaluation keys'");
  constexpr size_t kBoth[] = {0, 1};
  state.pool.enter([&] {
    if (state.blocks) return state.blocks->run(keys, state.times);
    for (size_t i = 0; i < plan.matrices.size(); ++i) {
      const bool known = i == 0 && state.half != nullptr;
      state.multiply(i, std::span(kBoth).first(known ? 1 : 2));
      if (i < plan.activations.size()) state.activate_all(i, keys);
    }
  });
  state.done = true;
}

std::vector<Bytes> BatchRunner::answer_rows(size_t first, size_t count, const BatchKeys& keys,
                                            bool trusting) {
  const Stopwatch time;
  if (!state_->done || first + count > program_->plan().output_rows())
    throw Error(ErrorCode::invalid_argument, "no such rows of an answer");
  if (keys.key_id() != state_->key_id)
    throw Error(ErrorCode::parameter_mismatch,
                "the batch was made for another key than the evaluation keys'");
  std::vector<Bytes> out(count);
  state_->pool.for_each(count, [&](size_t i) { out[i] = state_->answer(first + i, keys, trusting); });
  state_->times.answers += time.seconds();
  return out;
}

std::shared_ptr<const BatchHalf> BatchRunner::prepare(const Digest& seed, uint64_t number) {
  State& state = *state_;
  const BatchPlan& plan = program_->plan();
  const Params& params = *program_->params();
  if (plan.has_blocks())
    throw Error(ErrorCode::invalid_argument, "a batch with blocks has no half that serves every client");
  state.begun = false;
  state.done = false;
  state.times = {};
  state.times.matrices.resize(plan.matrices.size());
  const size_t limbs = plan.matrix_output(0).limbs;
  const auto half = std::make_shared<BatchHalf>();
  half->seed_ = seed;
  half->number_ = number;
  half->words_.resize(plan.widths[1] * limbs * params.n());
  constexpr size_t kSecond[] = {1};
  state.pool.enter([&] {
    state.pool.for_each(plan.input_width() * plan.top_limbs(), [&](size_t i) {
      const size_t row = i / plan.top_limbs();
      const size_t limb = i % plan.top_limbs();
      expand_batch_row(params, {seed, number, static_cast<uint32_t>(row)}, limb,
                       {state.operand.at(1, limb, row), params.n()});
    });
    state.multiply(0, kSecond);
    state.pool.for_each(plan.widths[1], [&](size_t unit) {
      std::unique_ptr<Unit> memory = state.units.take();
      RnsPolynomial& part = memory->registers[0][1];
      state.load(0, unit, 1, part);
      for (size_t limb = 0; limb < limbs; ++limb) {
        std::memcpy(half->words_.data() + (unit * limbs + limb) * params.n(), part.limb(limb),
                    params.n() * sizeof(uint32_t));
      }
      state.units.give(std::move(memory));
    });
  });
  return half;
}

double BatchRunner::Times::sum() const {
  return read + std::accumulate(matrices.begin(), matrices.end(), activations + answers);
}

const BatchRunner::Times& BatchRunner::times() const { return state_->times; }

}  // namespace cryptotl

// The encrypted forward pass: hoisted baby steps kept modulo QP (double hoisting:
// Bossuat, Mouchet, Troncoso-Pastoriza, Hubaux, eprint 2020/1203), giant steps by Horner's rule with one key,
// folds before the rescale.
#include <array>
#include <cmath>
#include <cstring>

#include "cryptotl/base/random.h"
#include "cryptotl/ckks/wire.h"
#include "cryptotl/execute/latency.h"
#include "cryptotl/plan/activation_circuit.h"
#include "cryptotl/rns/kernels.h"

namespace cryptotl {
namespace {

/// Memory for what happens at one number of limbs, large enough for all; polynomials modulo QP have one limb
/// more.
struct Stage {
  Stage(size_t n, size_t most_limbs)
      : digits(n, most_limbs),
        sum{{n, most_limbs + 1}, {n, most_limbs + 1}},
        switched{{n, most_limbs + 1}, {n, most_limbs + 1}},
        work(n, most_limbs + 1),
        scratch(n, most_limbs + 1) {}

  void enter(size_t count) {
    limbs = count;
    digits.reshape(count);
  }

  size_t limbs = 0;
  Digits digits;
  RnsPolynomial sum[2];       ///< the running pair, modulo QP, P times its value
  RnsPolynomial switched[2];  ///< what a key switching gives
  RnsPolynomial work, scratch;
};

/// Memory for a matrix product: rotated ciphertexts and the giant steps' sums.
struct MatrixMemory {
  MatrixMemory(size_t n, size_t most_limbs, size_t baby_steps, size_t giant_steps, bool parallel)
      : babies(n * 2 * baby_steps, parallel ? most_limbs + 1 : 1),
        sums(n, giant_steps * 2 * (most_limbs + 1)),
        limbs_(most_limbs) {}

  /// Alone, the thread reuses one limb's memory, which then stays in its cache.
  uint32_t* babies_of(size_t limb) { return babies.limb(babies.num_limbs() == 1 ? 0 : limb); }
  uint32_t* sum(size_t giant, size_t side, size_t limb) {
    return sums.limb((giant * 2 + side) * (limbs_ + 1) + limb);
  }

  RnsPolynomial babies;  ///< [limb][group][N/16][baby][2][16]
  RnsPolynomial sums;    ///< [giant][2][limb][N]

 private:
  size_t limbs_;
};

using Pair = std::array<RnsPolynomial, 2>;

}  // namespace

struct LatencyRunner::Workspace {
  using Diagonals = LatencyProgram::Diagonals;
  using Terms = LatencyProgram::Terms;

  Workspace(const LatencyProgram& served, ThreadPool& threads)
      : params(*served.params_),
        program(served),
        pool(threads),
        kernel(kernels()),
        stage(n(), plan().top_limbs()),
        memory(matrix_memory()),
        product{poly(), poly(), poly()} {
    size_t most = 0;
    for (const ActivationPlan& activation : plan().activations) {
      most = std::max(most, activation_products(activation.degree).size() + 1);
    }
    for (size_t i = 0; i < most; ++i) registers.push_back({poly(), poly()});
    random_slots.resize(plan().random_slots ? plan().packing.slots() : 0);
  }

  const LatencyPlan& plan() const { return program.plan(); }
  size_t n() const { return params.n(); }
  RnsPolynomial poly() const { return {n(), plan().top_limbs()}; }
  MatrixMemory matrix_memory() const {
    size_t baby_steps = 1;
    size_t giant_steps = 1;
    for (const Diagonals& matrix : program.matrices_) {
      baby_steps = std::max(baby_steps, matrix.baby_steps);
      giant_steps = std::max(giant_steps, matrix.giant_steps);
    }
    return {n(), plan().top_limbs(), baby_steps, giant_steps, pool.threads() > 1};
  }
  const Modulus& modulus(size_t limb) const {
    return params.modulus(params.extended_index(limb, stage.limbs));
  }

  void to_coefficients(const RnsPolynomial& ntt, RnsPolynomial& out, size_t limbs);
  void baby_steps(const Diagonals& diagonals, const RnsPolynomial* in, const LatencyKeys& keys, size_t limb);
  void dot_diagonals(const Diagonals& diagonals, size_t giant, size_t limb, uint32_t* out0, uint32_t* out1);
  void rotate_sum(const PreparedKey& key, bool from_memory, size_t giant);
  void matrix(size_t index, const RnsPolynomial* in, const LatencyKeys& keys);
  void fold(uint32_t galois_element, const LatencyKeys& keys);
  void fold_rotated(size_t steps, const LatencyKeys& keys) {
    fold(galois_element_of_rotation(static_cast<int>(steps), params.log_n()), keys);
  }
  void tensor(const Pair& a, const Pair& b, size_t limbs);
  void add_linear(const Terms& terms, size_t limbs);
  void multiply(const Product& factors, const Terms& terms, size_t drop, Pair& out, size_t limbs,
                const LatencyKeys& keys);
  void activation(size_t index, const LatencyKeys& keys);
  void add(RnsPolynomial& out, const RnsPolynomial& b);
  void fill_other_slots(RnsPolynomial& out);
  SwitchedCiphertext run(const Ciphertext& input, const LatencyKeys& keys);

  const Params& params;
  const LatencyProgram& program;
  ThreadPool& pool;
  const KernelTable& kernel;
  Stage stage;
  MatrixMemory memory;
  std::vector<Pair> registers;  ///< of one activation: v, then one a product
  RnsPolynomial product[3];
  std::vector<Complex> random_slots;
};

void LatencyRunner::Workspace::to_coefficients(const RnsPolynomial& ntt, RnsPolynomial& out, size_t limbs) {
  pool.for_each(limbs, [&](size_t i) {
    std::memcpy(out.limb(i), ntt.limb(i), n() * sizeof(uint32_t));
    kernel.ntt_inverse(out.limb(i), params.tables(i));
  });
}

/// Baby steps of one limb: P c_0 and the switched c_1, moved, side by side for the diagonals to meet them.
void LatencyRunner::Workspace::baby_steps(const Diagonals& diagonals, const RnsPolynomial* in,
                                          const LatencyKeys& keys, size_t limb) {
  const size_t limbs = stage.limbs;
  const Modulus& q = modulus(limb);
  const size_t block = diagonals.group_size() * 2 * 16;
  const auto place = [&](size_t baby) {
    const size_t group = baby / diagonals.group_size();
    return memory.babies_of(limb) + group * diagonals.group_size() * 2 * n() +
           baby % diagonals.group_size() * 32;
  };
  uint32_t* scaled[2] = {stage.work.limb(limb), stage.scratch.limb(limb)};
  for (size_t side = 0; side < 2; ++side) {
    if (limb < limbs) {
      kernel.multiply_scalar(scaled[side], in[side].limb(limb), params.special().value() % q.value(), n(), q);
    } else {
      std::memset(scaled[side], 0, n() * sizeof(uint32_t));
    }
    kernel.permute(place(0) + 16 * side, block, scaled[side], program.automorphisms_.at(1));
  }
  for (size_t baby = 1; baby < diagonals.baby_steps; ++baby) {
    const uint32_t element = galois_element_of_rotation(static_cast<int>(baby), params.log_n());
    const Automorphism& automorphism = program.automorphisms_.at(element);
    uint32_t* out0 = stage.switched[0].limb(limb);
    uint32_t* out1 = stage.switched[1].limb(limb);
    switch_limb(params, stage.digits, keys.at(element, limbs), limb, out0, out1);
    if (limb < limbs) kernel.add(out0, out0, scaled[0], n(), q);
    kernel.permute(place(baby), block, out0, automorphism);
    kernel.permute(place(baby) + 16, block, out1, automorphism);
  }
}

/// One giant step's sum over the baby steps, group by group.
void LatencyRunner::Workspace::dot_diagonals(const Diagonals& diagonals, size_t giant, size_t limb,
                                             uint32_t* out0, uint32_t* out1) {
  const Modulus& q = modulus(limb);
  const size_t size = diagonals.group_size();
  for (size_t group = 0; group < diagonals.groups(); ++group) {
    uint32_t* sum0 = group == 0 ? out0 : stage.switched[0].limb(limb);
    uint32_t* sum1 = group == 0 ? out1 : stage.switched[1].limb(limb);
    kernel.dot_pairs(sum0, sum1, 16, memory.babies_of(limb) + group * size * 2 * n(),
                     diagonals.stream(limb, giant, group, n()), size * 16, 16, size, n(), q);
    if (group == 0) continue;
    kernel.add(out0, out0, sum0, n(), q);
    kernel.add(out1, out1, sum1, n(), q);
  }
}

/// stage.sum = rotation of stage.sum + (the sum of that giant step, or stage.sum itself where not
/// `from_memory`). c_0 stays modulo QP all the time; only c_1 is divided by P, to be decomposed.
void LatencyRunner::Workspace::rotate_sum(const PreparedKey& key, bool from_memory, size_t giant) {
  const size_t limbs = stage.limbs;
  pool.for_each(limbs + 1, [&](size_t limb) {
    std::memcpy(stage.work.limb(limb), stage.sum[1].limb(limb), n() * sizeof(uint32_t));
  });
  mod_down_to_coefficients(params, stage.work, limbs, stage.scratch, pool);
  decompose(params, stage.work, nullptr, stage.digits, pool);
  const Automorphism& automorphism = program.automorphisms_.at(key.galois_element());
  pool.for_each(limbs + 1, [&](size_t limb) {
    const Modulus& q = modulus(limb);
    uint32_t* switched[2] = {stage.switched[0].limb(limb), stage.switched[1].limb(limb)};
    switch_limb(params, stage.digits, key, limb, switched[0], switched[1]);
    kernel.add(switched[0], switched[0], stage.sum[0].limb(limb), n(), q);
    for (size_t side = 0; side < 2; ++side) {
      uint32_t* moved = stage.work.limb(limb);
      uint32_t* sum = stage.sum[side].limb(limb);
      kernel.permute(moved, 16, switched[side], automorphism);
      kernel.add(sum, from_memory ? memory.sum(giant, side, limb) : sum, moved, n(), q);
    }
  });
}

void LatencyRunner::Workspace::fold(uint32_t galois_element, const LatencyKeys& keys) {
  rotate_sum(keys.at(galois_element, stage.limbs), false, 0);
}

/// stage.sum = P times the product of the matrix with the ciphertext `in`, modulo QP, its folds done.
void LatencyRunner::Workspace::matrix(size_t index, const RnsPolynomial* in, const LatencyKeys& keys) {
  const Packing& packing = plan().packing;
  const Diagonals& diagonals = program.matrices_[index];
  const size_t limbs = diagonals.limbs;
  stage.enter(limbs);
  to_coefficients(in[1], stage.work, limbs);
  decompose(params, stage.work, &in[1], stage.digits, pool);
  const size_t last_giant = diagonals.giant_steps - 1;
  pool.for_each(limbs + 1, [&](size_t limb) {
    baby_steps(diagonals, in, keys, limb);
    for (size_t giant = 0; giant <= last_giant; ++giant) {
      const bool last = giant == last_giant;
      dot_diagonals(diagonals, giant, limb, last ? stage.sum[0].limb(limb) : memory.sum(giant, 0, limb),
                    last ? stage.sum[1].limb(limb) : memory.sum(giant, 1, limb));
    }
  });
  const uint32_t element = galois_element_of_rotation(static_cast<int>(diagonals.baby_steps), params.log_n());
  for (size_t giant = last_giant; giant-- > 0;) rotate_sum(keys.at(element, limbs), true, giant);
  if (index == 0) {
    for (size_t step = packing.block; step < packing.slots(); step *= 2) fold_rotated(step, keys);
    fold(galois_element_of_conjugation(params.log_n()), keys);
  } else if (index + 1 == packing.matrices()) {
    for (size_t copies = 1; copies < packing.output_copies; copies *= 2) {
      fold_rotated(packing.output_stride * copies % packing.slots(), keys);
    }
  }
}

/// product = a b, three parts.
void LatencyRunner::Workspace::tensor(const Pair& a, const Pair& b, size_t limbs) {
  pool.for_each(limbs, [&](size_t i) {
    const Modulus& q = params.modulus(i);
    kernel.multiply(product[0].limb(i), a[0].limb(i), b[0].limb(i), n(), q);
    kernel.multiply(product[1].limb(i), a[0].limb(i), b[1].limb(i), n(), q);
    kernel.multiply_add(product[1].limb(i), a[1].limb(i), b[0].limb(i), n(), q);
    kernel.multiply(product[2].limb(i), a[1].limb(i), b[1].limb(i), n(), q);
  });
}

/// Adds integer multiples of earlier registers to the product, at its scale.
void LatencyRunner::Workspace::add_linear(const Terms& terms, size_t limbs) {
  for (size_t k = 0; k < terms.factors.size(); ++k) {
    if (terms.factors[k].empty()) continue;
    pool.for_each(limbs, [&](size_t i) {
      const Modulus& q = params.modulus(i);
      for (size_t side = 0; side < 2; ++side) {
        uint32_t* scaled = stage.scratch.limb(i);
        kernel.multiply_scalar(scaled, registers[k][side].limb(i), terms.factors[k][i], n(), q);
        kernel.add(product[side].limb(i), product[side].limb(i), scaled, n(), q);
      }
    });
  }
}

/// out = (left right + linear terms) relinearised and rescaled by `drop` primes, + constant.
void LatencyRunner::Workspace::multiply(const Product& factors, const Terms& terms, size_t drop, Pair& out,
                                        size_t limbs, const LatencyKeys& keys) {
  stage.enter(limbs);
  tensor(registers[factors.left], registers[factors.right], limbs);
  add_linear(terms, limbs);
  to_coefficients(product[2], stage.work, limbs);
  decompose(params, stage.work, &product[2], stage.digits, pool);
  const PreparedKey& key = keys.at(kRelinearisation, limbs);
  pool.for_each(limbs + 1, [&](size_t limb) {
    switch_limb(params, stage.digits, key, limb, stage.sum[0].limb(limb), stage.sum[1].limb(limb));
    if (limb == limbs) return;
    const Modulus& q = params.modulus(limb);
    for (size_t side = 0; side < 2; ++side) {
      uint32_t* scaled = stage.scratch.limb(limb);
      kernel.multiply_scalar(scaled, product[side].limb(limb), params.special().value() % q.value(), n(), q);
      kernel.add(stage.sum[side].limb(limb), stage.sum[side].limb(limb), scaled, n(), q);
    }
  });
  for (size_t side = 0; side < 2; ++side) {
    mod_down(params, stage.sum[side], limbs, drop, out[side], stage.scratch, pool);
  }
  if (terms.constant) add(out[0], *terms.constant);
}

/// From register 0 to the last one.
void LatencyRunner::Workspace::activation(size_t index, const LatencyKeys& keys) {
  const ActivationPlan& step = plan().activations[index];
  const auto products = activation_products(step.degree);
  std::array<size_t, kMaxActivationDegree> limbs = {program.biases_[index].num_limbs()};
  for (size_t p = 0; p < products.size(); ++p) {
    const size_t before = std::min(limbs[products[p].left], limbs[products[p].right]);
    const size_t drop = step.drops[products[p].depth - 1];
    multiply(products[p], program.terms_[index][p], drop, registers[p + 1], before, keys);
    limbs[p + 1] = before - drop;
  }
}

void LatencyRunner::Workspace::add(RnsPolynomial& out, const RnsPolynomial& b) {
  for (size_t i = 0; i < b.num_limbs(); ++i)
    kernel.add(out.limb(i), out.limb(i), b.limb(i), n(), params.modulus(i));
}

/// Random numbers up to the output limit in every slot, and part of a slot, that holds no output.
void LatencyRunner::Workspace::fill_other_slots(RnsPolynomial& out) {
  if (random_slots.empty()) return;
  std::vector<int64_t> words(2 * random_slots.size());
  random_bytes({reinterpret_cast<uint8_t*>(words.data()), words.size() * sizeof(int64_t)});
  const auto number = [&](size_t i) { return plan().output_limit * 0x1p-63 * static_cast<double>(words[i]); };
  const size_t half = plan().packing.half_outputs();
  for (size_t t = 0; t < random_slots.size(); ++t) {
    random_slots[t] = {t < half ? 0.0 : number(2 * t),
                       t + half < plan().output_width() ? 0.0 : number(2 * t + 1)};
  }
  add(out, program.encode_constant(random_slots, {plan().answer_limbs(), plan().output_scale()}));
}

SwitchedCiphertext LatencyRunner::Workspace::run(const Ciphertext& input, const LatencyKeys& keys) {
  const size_t last = plan().matrices.size() - 1;
  const RnsPolynomial* in = input.parts.data();
  for (size_t i = 0; i < last; ++i) {
    matrix(i, in, keys);
    for (size_t side = 0; side < 2; ++side) {
      mod_down(params, stage.sum[side], stage.limbs, plan().matrices[i].drop, registers[0][side],
               stage.scratch, pool);
    }
    add(registers[0][0], program.biases_[i]);
    activation(i, keys);
    in = registers[activation_products(plan().activations[i].degree).size()].data();
  }
  matrix(last, in, keys);
  Ciphertext answer(program.params(), input.key_id, 2, plan().answer_limbs());
  answer.scale = plan().output_scale();
  for (size_t side = 0; side < 2; ++side) {
    mod_down(params, stage.sum[side], stage.limbs, plan().matrices[last].drop, answer.parts[side],
             stage.scratch, pool);
  }
  add(answer.parts[0], program.biases_[last]);
  fill_other_slots(answer.parts[0]);
  return modulus_switch(answer, plan().answer_bits, plan().answer_dropped_bits, plan().answer_spare_bits);
}

LatencyRunner::LatencyRunner(std::shared_ptr<const LatencyProgram> program, size_t threads)
    : program_(std::move(program)),
      threads_(std::make_unique<ThreadPool>(threads)),
      workspace_(std::make_unique<Workspace>(*program_, *threads_)) {}

LatencyRunner::~LatencyRunner() = default;

SwitchedCiphertext LatencyRunner::run(const Ciphertext& input, const LatencyKeys& keys) {
  const LatencyPlan& plan = program_->plan();
  require_same_params(*input.params, *program_->params());
  if (input.parts.size() != 2 || input.num_limbs() != plan.top_limbs()) {
    throw Error(ErrorCode::parameter_mismatch, "an input of " + std::to_string(input.parts.size()) +
                                                   " parts and " + std::to_string(input.num_limbs()) +
                                                   " limbs; the plan takes 2 and " +
                                                   std::to_string(plan.top_limbs()));
  }
  if (std::abs(input.scale / plan.input_scale - 1) > 1e-9) {
    throw Error(ErrorCode::parameter_mismatch,
                "an input at scale 2^" + std::to_string(std::log2(input.scale)) + "; the plan takes 2^" +
                    std::to_string(std::log2(plan.input_scale)));
  }
  if (input.key_id != keys.key_id()) {
    throw Error(ErrorCode::parameter_mismatch, "the input was made for key " + hex(input.key_id) +
                                                   ", the evaluation keys are of key " + hex(keys.key_id()));
  }
  return workspace_->run(input, keys);
}

size_t Ticket::bytes() const { return words_.size() * sizeof(uint32_t); }

size_t Ticket::bytes_of(const LatencyPlan& plan) {
  return plan.top_limbs() * (size_t{4} << plan.params.log_n);
}

Ticket LatencyRunner::prepare(const Seed& seed, const LatencyKeys& keys) {
  const RnsPolynomial c1 =
      expand_ciphertext_seed(*program_->params(), keys.key_id(), seed, program_->plan().top_limbs());
  Ticket out;
  out.seed_ = seed;
  out.key_id_ = keys.key_id();
  for (size_t i = 0; i < c1.num_limbs(); ++i) {
    out.words_.insert(out.words_.end(), c1.limb_span(i).begin(), c1.limb_span(i).end());
  }
  return out;
}

Result<Bytes> LatencyRunner::answer(ByteView request, const LatencyKeys& keys, const Ticket* ticket) {
  auto input = read_ciphertext(request, program_->params());
  if (!input.ok()) return input.error();
  if (ticket != nullptr && (input->seed != ticket->seed() || input->key_id != ticket->key_id())) {
    return Error(ErrorCode::parameter_mismatch, "the ticket is for another seed or key than the input's");
  }
  try {
    return write_answer(run(*input, keys));
  } catch (const Error& error) {
    return error;
  }
}

}  // namespace cryptotl

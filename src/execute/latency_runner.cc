// The encrypted forward pass: hoisted baby steps kept modulo QP (double hoisting:
// Bossuat, Mouchet, Troncoso-Pastoriza, Hubaux, eprint 2020/1203), giant steps by Horner's rule with one key,
// folds before the rescale.
#include <cmath>
#include <cstring>

#include "cryptotl/ckks/wire.h"
#include "cryptotl/execute/latency.h"
#include "cryptotl/rns/kernels.h"

namespace cryptotl {
namespace {

/// Memory for everything that happens at one number of limbs; polynomials modulo QP have one limb more.
struct Stage {
  Stage(size_t n, size_t count)
      : limbs(count),
        digits(n, count),
        sum{{n, count + 1}, {n, count + 1}},
        switched{{n, count + 1}, {n, count + 1}},
        work(n, count + 1),
        scratch(n, count + 1) {}

  size_t limbs;
  Digits digits;
  RnsPolynomial sum[2];       ///< the running pair, modulo QP, P times its value
  RnsPolynomial switched[2];  ///< what a key switching gives
  RnsPolynomial work, scratch;
};

/// Memory for one matrix product: rotated ciphertexts and the giant steps' sums.
struct MatrixMemory {
  MatrixMemory(size_t n, size_t limbs, size_t baby_steps, size_t giant_steps, bool parallel)
      : babies(n * 2 * baby_steps, parallel ? limbs + 1 : 1),
        sums(n, giant_steps * 2 * (limbs + 1)),
        limbs_(limbs) {}

  /// Alone, the thread reuses one limb's memory, which then stays in its cache.
  uint32_t* babies_of(size_t limb) { return babies.limb(babies.num_limbs() == 1 ? 0 : limb); }
  uint32_t* sum(size_t giant, size_t side, size_t limb) {
    return sums.limb((giant * 2 + side) * (limbs_ + 1) + limb);
  }

  RnsPolynomial babies;  ///< [limb][N/16][baby][2][16]
  RnsPolynomial sums;    ///< [giant][2][limb][N]

 private:
  size_t limbs_;
};

}  // namespace

struct LatencyRunner::Workspace {
  using Diagonals = LatencyProgram::Diagonals;

  Workspace(const LatencyProgram& served, ThreadPool& threads)
      : params(*served.params_),
        program(served),
        pool(threads),
        kernel(kernels()),
        top(n(), plan().top_limbs()),
        square(n(), plan().v_limbs()),
        cube(n(), plan().square_limbs()),
        last(n(), plan().last_limbs()),
        first(memory(program.first_)),
        second(memory(program.second_)),
        v{poly(plan().v_limbs()), poly(plan().v_limbs())},
        squared{poly(plan().square_limbs()), poly(plan().square_limbs())},
        cubed{poly(plan().last_limbs()), poly(plan().last_limbs())},
        product{poly(plan().v_limbs()), poly(plan().v_limbs()), poly(plan().v_limbs())} {}

  const LatencyPlan& plan() const { return program.plan(); }
  size_t n() const { return params.n(); }
  RnsPolynomial poly(size_t limbs) const { return {n(), limbs}; }
  MatrixMemory memory(const Diagonals& diagonals) const {
    return {n(), diagonals.limbs, diagonals.baby_steps, diagonals.giant_steps, pool.threads() > 1};
  }
  const Modulus& modulus(const Stage& stage, size_t limb) const {
    return params.modulus(params.extended_index(limb, stage.limbs));
  }

  void to_coefficients(const RnsPolynomial& ntt, RnsPolynomial& out, size_t limbs);
  void baby_steps(const Diagonals& diagonals, const RnsPolynomial& c0, const RnsPolynomial& c1, Stage& stage,
                  MatrixMemory& memory, const LatencyKeys& keys, size_t limb);
  void rotate_sum(Stage& stage, const PreparedKey& key, MatrixMemory* memory, size_t giant);
  void matrix(const Diagonals& diagonals, const RnsPolynomial& c0, const RnsPolynomial& c1, Stage& stage,
              MatrixMemory& memory, const LatencyKeys& keys);
  void fold(Stage& stage, uint32_t galois_element, const LatencyKeys& keys);
  void fold(Stage& stage, size_t steps, const LatencyKeys& keys) {
    fold(stage, galois_element_of_rotation(static_cast<int>(steps), params.log_n()), keys);
  }
  void multiply(const RnsPolynomial* a, const RnsPolynomial* b, Stage& stage, const LatencyKeys& keys,
                RnsPolynomial* out);
  void add(RnsPolynomial& out, const RnsPolynomial& b);
  Ciphertext run(const Ciphertext& input, const LatencyKeys& keys);

  const Params& params;
  const LatencyProgram& program;
  ThreadPool& pool;
  const KernelTable& kernel;
  Stage top, square, cube, last;
  MatrixMemory first, second;
  RnsPolynomial v[2], squared[2], cubed[2], product[3];
};

void LatencyRunner::Workspace::to_coefficients(const RnsPolynomial& ntt, RnsPolynomial& out, size_t limbs) {
  pool.for_each(limbs, [&](size_t i) {
    std::memcpy(out.limb(i), ntt.limb(i), n() * sizeof(uint32_t));
    kernel.ntt_inverse(out.limb(i), params.tables(i));
  });
}

/// Baby steps of one limb: P c_0 and the switched c_1, moved, side by side for the diagonals to meet them.
void LatencyRunner::Workspace::baby_steps(const Diagonals& diagonals, const RnsPolynomial& c0,
                                          const RnsPolynomial& c1, Stage& stage, MatrixMemory& memory,
                                          const LatencyKeys& keys, size_t limb) {
  const size_t limbs = stage.limbs;
  const Modulus& q = modulus(stage, limb);
  const size_t block = diagonals.baby_steps * 2 * 16;
  uint32_t* babies = memory.babies_of(limb);
  uint32_t* scaled0 = stage.work.limb(limb);
  uint32_t* scaled1 = stage.scratch.limb(limb);
  if (limb < limbs) {
    const uint32_t p = params.special().value() % q.value();
    kernel.multiply_scalar(scaled0, c0.limb(limb), p, n(), q);
    kernel.multiply_scalar(scaled1, c1.limb(limb), p, n(), q);
  } else {
    std::memset(scaled0, 0, n() * sizeof(uint32_t));
    std::memset(scaled1, 0, n() * sizeof(uint32_t));
  }
  const Automorphism& identity = program.automorphisms_.at(1);
  kernel.permute(babies, block, scaled0, identity);
  kernel.permute(babies + 16, block, scaled1, identity);
  for (size_t baby = 1; baby < diagonals.baby_steps; ++baby) {
    const uint32_t element = galois_element_of_rotation(static_cast<int>(baby), params.log_n());
    const Automorphism& automorphism = program.automorphisms_.at(element);
    uint32_t* out0 = stage.switched[0].limb(limb);
    uint32_t* out1 = stage.switched[1].limb(limb);
    switch_limb(params, stage.digits, keys.at(element, limbs), limb, out0, out1);
    if (limb < limbs) kernel.add(out0, out0, scaled0, n(), q);
    kernel.permute(babies + baby * 32, block, out0, automorphism);
    kernel.permute(babies + baby * 32 + 16, block, out1, automorphism);
  }
}

/// stage.sum = rotation of stage.sum + (the sum of that giant step, or stage.sum itself where `memory` is
/// null). c_0 stays modulo QP all the time; only c_1 is divided by P, to be decomposed.
void LatencyRunner::Workspace::rotate_sum(Stage& stage, const PreparedKey& key, MatrixMemory* memory,
                                          size_t giant) {
  const size_t limbs = stage.limbs;
  pool.for_each(limbs + 1, [&](size_t limb) {
    std::memcpy(stage.work.limb(limb), stage.sum[1].limb(limb), n() * sizeof(uint32_t));
  });
  mod_down_to_coefficients(params, stage.work, limbs, stage.scratch, pool);
  decompose(params, stage.work, nullptr, stage.digits, pool);
  const Automorphism& automorphism = program.automorphisms_.at(key.galois_element());
  pool.for_each(limbs + 1, [&](size_t limb) {
    const Modulus& q = modulus(stage, limb);
    uint32_t* switched[2] = {stage.switched[0].limb(limb), stage.switched[1].limb(limb)};
    switch_limb(params, stage.digits, key, limb, switched[0], switched[1]);
    kernel.add(switched[0], switched[0], stage.sum[0].limb(limb), n(), q);
    for (size_t side = 0; side < 2; ++side) {
      uint32_t* moved = stage.work.limb(limb);
      uint32_t* sum = stage.sum[side].limb(limb);
      kernel.permute(moved, 16, switched[side], automorphism);
      kernel.add(sum, memory == nullptr ? sum : memory->sum(giant, side, limb), moved, n(), q);
    }
  });
}

/// stage.sum = P times the product of the matrix with the ciphertext (c0, c1), modulo QP.
void LatencyRunner::Workspace::matrix(const Diagonals& diagonals, const RnsPolynomial& c0,
                                      const RnsPolynomial& c1, Stage& stage, MatrixMemory& memory,
                                      const LatencyKeys& keys) {
  const size_t limbs = stage.limbs;
  to_coefficients(c1, stage.work, limbs);
  decompose(params, stage.work, &c1, stage.digits, pool);
  const size_t last_giant = diagonals.giant_steps - 1;
  pool.for_each(limbs + 1, [&](size_t limb) {
    baby_steps(diagonals, c0, c1, stage, memory, keys, limb);
    for (size_t giant = 0; giant <= last_giant; ++giant) {
      uint32_t* out0 = giant == last_giant ? stage.sum[0].limb(limb) : memory.sum(giant, 0, limb);
      uint32_t* out1 = giant == last_giant ? stage.sum[1].limb(limb) : memory.sum(giant, 1, limb);
      kernel.dot_pairs(out0, out1, 16, memory.babies_of(limb), diagonals.stream(limb, giant, n()),
                       diagonals.baby_steps * 16, 16, diagonals.baby_steps, n(), modulus(stage, limb));
    }
  });
  if (last_giant == 0) return;
  const uint32_t element = galois_element_of_rotation(static_cast<int>(diagonals.baby_steps), params.log_n());
  for (size_t giant = last_giant; giant-- > 0;) rotate_sum(stage, keys.at(element, limbs), &memory, giant);
}

void LatencyRunner::Workspace::fold(Stage& stage, uint32_t galois_element, const LatencyKeys& keys) {
  rotate_sum(stage, keys.at(galois_element, stage.limbs), nullptr, 0);
}

/// out = (a b) relinearised and rescaled, to stage.limbs - 1 limbs.
void LatencyRunner::Workspace::multiply(const RnsPolynomial* a, const RnsPolynomial* b, Stage& stage,
                                        const LatencyKeys& keys, RnsPolynomial* out) {
  const size_t limbs = stage.limbs;
  pool.for_each(limbs, [&](size_t i) {
    const Modulus& q = params.modulus(i);
    kernel.multiply(product[0].limb(i), a[0].limb(i), b[0].limb(i), n(), q);
    kernel.multiply(product[1].limb(i), a[0].limb(i), b[1].limb(i), n(), q);
    kernel.multiply_add(product[1].limb(i), a[1].limb(i), b[0].limb(i), n(), q);
    kernel.multiply(product[2].limb(i), a[1].limb(i), b[1].limb(i), n(), q);
  });
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
    mod_down_rescale(params, stage.sum[side], limbs, out[side], stage.scratch, pool);
  }
}

void LatencyRunner::Workspace::add(RnsPolynomial& out, const RnsPolynomial& b) {
  for (size_t i = 0; i < b.num_limbs(); ++i)
    kernel.add(out.limb(i), out.limb(i), b.limb(i), n(), params.modulus(i));
}

Ciphertext LatencyRunner::Workspace::run(const Ciphertext& input, const LatencyKeys& keys) {
  matrix(program.first_, input.parts[0], input.parts[1], top, first, keys);
  for (size_t step = plan().block; step < plan().slots(); step *= 2) fold(top, step, keys);
  fold(top, galois_element_of_conjugation(params.log_n()), keys);
  for (size_t side = 0; side < 2; ++side) {
    mod_down_rescale(params, top.sum[side], top.limbs, v[side], top.scratch, pool);
  }
  add(v[0], program.first_bias_);

  multiply(v, v, square, keys, squared);
  add(squared[0], program.alpha_);
  multiply(squared, v, cube, keys, cubed);
  add(cubed[0], program.centre_);

  matrix(program.second_, cubed[0], cubed[1], last, second, keys);
  for (size_t copies = 1; copies < plan().output_copies; copies *= 2)
    fold(last, plan().output_stride * copies, keys);
  Ciphertext answer(program.params(), input.key_id, 2, last.limbs);
  answer.scale = plan().output_scale();
  for (size_t side = 0; side < 2; ++side) {
    mod_down(params, last.sum[side], last.limbs, answer.parts[side], last.scratch, pool);
  }
  add(answer.parts[0], program.second_bias_);
  return answer;
}

LatencyRunner::LatencyRunner(std::shared_ptr<const LatencyProgram> program, size_t threads)
    : program_(std::move(program)),
      threads_(std::make_unique<ThreadPool>(threads)),
      workspace_(std::make_unique<Workspace>(*program_, *threads_)) {}

LatencyRunner::~LatencyRunner() = default;

Ciphertext LatencyRunner::run(const Ciphertext& input, const LatencyKeys& keys) {
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

Result<Bytes> LatencyRunner::answer(ByteView request, const LatencyKeys& keys) {
  auto input = read_ciphertext(request, program_->params());
  if (!input.ok()) return input.error();
  try {
    return write_ciphertext(run(*input, keys));
  } catch (const Error& error) {
    return error;
  }
}

}  // namespace cryptotl

// The encrypted forward pass: hoisted baby steps kept modulo QP (double hoisting:
// Bossuat, Mouchet, Troncoso-Pastoriza, Hubaux, eprint 2020/1203), giant steps by Horner's rule with one key,
// folds before the rescale.
#include <array>
#include <chrono>
#include <cmath>
#include <cstring>

#include "cryptotl/base/random.h"
#include "cryptotl/ckks/wire.h"
#include "cryptotl/execute/latency.h"
#include "cryptotl/plan/activation_circuit.h"
#include "cryptotl/rns/kernels.h"
#include "execute/answer_mask.h"
#include "execute/multiplier.h"

namespace cryptotl {
namespace {

// The processor's own prefetching stops at each 4 KiB page.
constexpr size_t kKeyPrefetchWords = 1024;
constexpr size_t kMostParts = 8;  // of a layer

/// Memory for a matrix product: one tile of rotated ciphertexts for each half of a limb, and the giant steps'
/// sums.
struct MatrixMemory {
  MatrixMemory(size_t n, size_t most_limbs, size_t baby_steps, size_t giant_steps)
      : babies(2 * baby_steps * kTileWords, 2 * most_limbs),
        sums(n, giant_steps * 2 * most_limbs),
        limbs_(most_limbs) {}

  uint32_t* sum(size_t giant, size_t side, size_t limb) {
    return sums.limb((giant * 2 + side) * limbs_ + limb);
  }

  RnsPolynomial babies;  ///< [limb][half][group][block][baby][2][16]
  RnsPolynomial sums;    ///< [giant][2][limb][N]

 private:
  size_t limbs_;
};

}  // namespace

struct LatencyRunner::Workspace : Multiplier {
  using Clock = std::chrono::steady_clock;
  using Diagonals = LatencyProgram::Diagonals;

  Workspace(const LatencyProgram& served, ThreadPool& threads)
      : Multiplier(*served.params_, served.plan().top_limbs(), threads),
        program(served),
        memory(matrix_memory()),
        mask(served.plan(), served.encoder_, served.trusting()),
        masks{{n(), plan().answer_limbs()}, {n(), plan().answer_limbs()}} {
    size_t most = 0;
    for (const ActivationPlan& activation : plan().activations) {
      most = std::max(most, activation_products(activation.degree).size() + 1);
    }
    for (size_t i = 0; i < most; ++i) registers.push_back({poly(), poly()});
    for (size_t i = 0; i < plan().matrices.size(); ++i) folds.push_back(folds_of(plan().packing, i));
    timeline.reserve(kMostParts * plan().matrices.size());
  }

  void begin() {
    timeline.clear();
    part_began = Clock::now();
  }
  /// Closes a part of the pass.
  void mark(std::string_view part, size_t layer) {
    const auto now = Clock::now();
    timeline.push_back({part, layer, std::chrono::duration<double, std::micro>(now - part_began).count()});
    part_began = now;
  }

  const LatencyPlan& plan() const { return program.plan(); }
  RnsPolynomial poly() const { return {n(), plan().top_limbs()}; }
  MatrixMemory matrix_memory() const {
    size_t baby_steps = 1;
    size_t giant_steps = 1;
    for (const Diagonals& matrix : program.matrices_) {
      baby_steps = std::max(baby_steps, matrix.baby_steps);
      giant_steps = std::max(giant_steps, matrix.giant_steps);
    }
    return {n(), plan().top_limbs() + params.num_special(), baby_steps, giant_steps};
  }
  uint32_t rotation(size_t steps) const {
    return galois_element_of_rotation(static_cast<int>(steps), params.log_n());
  }
  void baby_steps(const Diagonals& diagonals, const LatencyKeys& keys, size_t limb, size_t half);
  void dot_diagonals(const Diagonals& diagonals, const uint32_t* babies, size_t tile, size_t limb);
  void step(const PreparedKey& key, size_t giant);
  void fold(std::span<const uint32_t> elements, const LatencyKeys& keys);
  void matrix(size_t index, const RnsPolynomial* in, const LatencyKeys& keys);
  void rescaled_matrix(size_t index, const RnsPolynomial* in, const LatencyKeys& keys, Pair& out);
  void activation(size_t index, const LatencyKeys& keys, const Ticket* ticket);
  void first_matrix(const RnsPolynomial& c0, const Ticket& ticket);
  void first_product(const ProductResidues& terms, size_t drop, const Ticket& ticket);
  void prepare(const RnsPolynomial& c1, const LatencyKeys& keys, Ticket& ticket);
  void prepare_masks(const LatencyKeys& keys, Ticket& ticket);
  void add_prepared_masks(const Ticket& ticket, Ciphertext& answer);
  void add_masks(const Ciphertext& input, const LatencyKeys& keys, const Ticket* ticket, Ciphertext& answer);
  SwitchedCiphertext run(const Ciphertext& input, const LatencyKeys& keys, const Ticket* ticket);

  const LatencyProgram& program;
  MatrixMemory memory;
  std::vector<Pair> registers;  ///< of one activation: v, then one a product
  AnswerMask mask;
  RnsPolynomial masks[2];                                 ///< of c_0 and c_1, between a ticket and an answer
  std::vector<std::vector<std::vector<uint32_t>>> folds;  ///< of each matrix
  std::vector<PassPart> timeline;
  Clock::time_point part_began;
};

/// Tile by tile of one half of a limb: the baby steps P c_0 and the switched c_1, moved, side by side, and
/// then all the giant steps' sums over them, while they are in the cache.
void LatencyRunner::Workspace::baby_steps(const Diagonals& diagonals, const LatencyKeys& keys, size_t limb,
                                          size_t half) {
  const Modulus& q = modulus(limb);
  const bool special = limb >= stage.limbs;
  const size_t size = diagonals.group_size();
  const size_t tiles = n() / kTileWords / 2;
  const size_t first = half * tiles;
  const size_t tile_words = stage.digits.count() * 2 * kTileWords;  // of a key
  const uint32_t* const scaled[2] = {stage.next[0].limb(limb), stage.next[1].limb(limb)};
  std::array<SwitchedBlocks, kMaxBabySteps> switched;
  for (size_t baby = 1; baby < diagonals.baby_steps; ++baby) {
    switched[baby] = switched_blocks(stage.digits, keys.at(rotation(baby), stage.limbs), limb,
                                     first * kTileBlocks, tile_words);
    switched[baby].joined = special ? nullptr : scaled[0];
  }
  uint32_t* const babies = memory.babies.limb(2 * limb + half);
  if (special) std::memset(babies, 0, 2 * size * kTileWords * sizeof(uint32_t));
  for (size_t tile = first; tile < first + tiles; ++tile) {
    for (size_t block = 0; block < kTileBlocks && !special; ++block) {
      for (size_t side = 0; side < 2; ++side) {
        std::memcpy(babies + (2 * block * size + side) * 16, scaled[side] + tile * kTileWords + 16 * block,
                    16 * sizeof(uint32_t));
      }
    }
    for (size_t baby = 1; baby < diagonals.baby_steps; ++baby) {
      uint32_t* out = babies + (baby / size * size * kTileBlocks + baby % size) * 32;
      kernel.switch_key(out, out + 16, 32 * size, switched[baby], kTileWords, q);
      switched[baby].key += tile_words;
      switched[baby].sources += kTileBlocks;
    }
    dot_diagonals(diagonals, babies, tile, limb);
  }
}

/// One tile of every giant step's sum over the baby steps.
void LatencyRunner::Workspace::dot_diagonals(const Diagonals& diagonals, const uint32_t* babies, size_t tile,
                                             size_t limb) {
  const Modulus& q = modulus(limb);
  const size_t size = diagonals.group_size();
  for (size_t giant = 0; giant < diagonals.giant_steps; ++giant) {
    const bool last = giant + 1 == diagonals.giant_steps;
    uint32_t* sums[2];
    for (size_t side = 0; side < 2; ++side) {
      sums[side] = (last ? stage.sum[side].limb(limb) : memory.sum(giant, side, limb)) + tile * kTileWords;
    }
    for (size_t group = 0; group < diagonals.groups(); ++group) {
      alignas(64) uint32_t more[2][kTileWords];
      const bool first = group == 0;
      kernel.dot_pairs(
          first ? sums[0] : more[0], first ? sums[1] : more[1], babies + group * size * 2 * kTileWords,
          diagonals.words.data() + diagonals.offset(limb, tile, giant, group), size, kTileWords, q);
      for (size_t side = 0; side < 2 && !first; ++side)
        kernel.add(sums[side], sums[side], more[side], kTileWords, q);
    }
  }
}

/// stage.sum = rotation of stage.sum + the sum of that giant step. c_0 stays modulo QP all the time; only c_1
/// is divided by P, to be decomposed.
void LatencyRunner::Workspace::step(const PreparedKey& key, size_t giant) {
  mod_down_to_coefficients(params, stage.sum[1], stage.limbs, 0, pool);
  decompose(params, stage.sum[1], nullptr, stage.digits, pool);
  pool.for_each(extended_limbs(), [&](size_t limb) {
    SwitchedBlocks blocks = switched_blocks(stage.digits, key, limb, 0, kKeyPrefetchWords);
    blocks.joined = stage.sum[0].limb(limb);
    for (size_t side = 0; side < 2; ++side) blocks.added[side] = memory.sum(giant, side, limb);
    kernel.switch_key(stage.next[0].limb(limb), stage.sum[1].limb(limb), 16, blocks, n(), modulus(limb));
  });
  std::swap(stage.sum[0], stage.next[0]);
}

/// stage.sum = stage.sum + its images under these Galois elements.
void LatencyRunner::Workspace::fold(std::span<const uint32_t> elements, const LatencyKeys& keys) {
  pool.for_each(extended_limbs(), [&](size_t limb) {
    std::memcpy(stage.work.limb(limb), stage.sum[1].limb(limb), n() * sizeof(uint32_t));
  });
  mod_down_to_coefficients(params, stage.work, stage.limbs, 0, pool);
  decompose(params, stage.work, nullptr, stage.digits, pool);
  pool.for_each(extended_limbs(), [&](size_t limb) {
    for (const uint32_t element : elements) {
      const RnsPolynomial* const before = element == elements.front() ? stage.sum : stage.next;
      SwitchedBlocks blocks =
          switched_blocks(stage.digits, keys.at(element, stage.limbs), limb, 0, kKeyPrefetchWords);
      blocks.joined = stage.sum[0].limb(limb);
      for (size_t side = 0; side < 2; ++side) blocks.added[side] = before[side].limb(limb);
      kernel.switch_key(stage.next[0].limb(limb), stage.next[1].limb(limb), 16, blocks, n(), modulus(limb));
    }
  });
  std::swap(stage.sum, stage.next);
}

/// stage.sum = P times the product of the matrix with the ciphertext `in`, modulo QP, its folds done.
void LatencyRunner::Workspace::matrix(size_t index, const RnsPolynomial* in, const LatencyKeys& keys) {
  const Diagonals& diagonals = program.matrices_[index];
  stage.enter(diagonals.limbs);
  to_coefficients(in[1], stage.work, stage.limbs);
  decompose(params, stage.work, &in[1], stage.digits, pool);
  mark("decomposition", index);
  pool.for_each(2 * stage.limbs, [&](size_t i) {
    const size_t limb = i / 2;
    kernel.multiply_scalar(stage.next[i % 2].limb(limb), in[i % 2].limb(limb), params.special_product(limb),
                           n(), modulus(limb));
  });
  pool.for_each(2 * extended_limbs(), [&](size_t i) { baby_steps(diagonals, keys, i / 2, i % 2); });
  mark("baby steps and diagonals", index);
  for (size_t giant = diagonals.giant_steps - 1; giant-- > 0;)
    step(keys.at(rotation(diagonals.baby_steps), stage.limbs), giant);
  mark("giant steps", index);
  for (const auto& elements : folds[index]) fold(elements, keys);
  mark("folds", index);
}

void LatencyRunner::Workspace::rescaled_matrix(size_t index, const RnsPolynomial* in, const LatencyKeys& keys,
                                               Pair& out) {
  matrix(index, in, keys);
  for (size_t side = 0; side < 2; ++side) {
    mod_down(params, stage.sum[side], stage.limbs, plan().matrices[index].drop, out[side], stage.scratch,
             pool);
  }
  add(out[0], program.biases_[index]);
  mark("rescale", index);
}

/// From register 0 to the last one.
void LatencyRunner::Workspace::activation(size_t index, const LatencyKeys& keys, const Ticket* ticket) {
  const ActivationPlan& step = plan().activations[index];
  const auto products = activation_products(step.degree);
  std::array<size_t, kMaxActivationDegree> limbs = {program.biases_[index].num_limbs()};
  for (size_t p = 0; p < products.size(); ++p) {
    const size_t before = std::min(limbs[products[p].left], limbs[products[p].right]);
    const size_t drop = step.drops[products[p].depth - 1];
    if (p == 0 && ticket != nullptr) {
      first_product(program.terms_[index][p], drop, *ticket);
    } else {
      multiply(products[p], registers, program.terms_[index][p], before, keys.at(kRelinearisation, before));
      divide_product(program.terms_[index][p], before, drop, registers[p + 1]);
    }
    limbs[p + 1] = before - drop;
  }
  mark("activation", index);
}

// A ticket holds, one after the other: round(E_0 / P), where P c_0' + E_0 is the first part of the first
// matrix's product modulo QP and c_0' its part that comes from c_0; that product's second part, rescaled; and
// both parts of what relinearisation makes of its square, divided by P. Dividing P x + E by P, or by P and
// more primes at once, gives x plus round(E / P), to the bit, since P x leaves no remainder.

void LatencyRunner::Workspace::prepare(const RnsPolynomial& c1, const LatencyKeys& keys, Ticket& ticket) {
  const MatrixPlan& first = plan().matrices.front();
  const size_t limbs = first.limbs - first.drop;
  const RnsPolynomial in[2] = {RnsPolynomial(n(), first.limbs), c1};
  begin();
  matrix(0, in, keys);
  mod_down(params, stage.sum[0], first.limbs, 0, product[0], stage.scratch, pool);
  ticket.append(product[0], first.limbs);
  RnsPolynomial& v1 = registers[0][1];
  mod_down(params, stage.sum[1], first.limbs, first.drop, v1, stage.scratch, pool);
  ticket.append(v1, limbs);
  for (size_t i = 0; i < limbs; ++i)
    kernel.multiply(product[2].limb(i), v1.limb(i), v1.limb(i), n(), params.modulus(i));
  relinearise(product[2], limbs, false, keys.at(kRelinearisation, limbs));
  for (size_t side = 0; side < 2; ++side) {
    mod_down(params, stage.sum[side], limbs, 0, product[side], stage.scratch, pool);
    ticket.append(product[side], limbs);
  }
  prepare_masks(keys, ticket);
}

/// Register 0 from c_0 and the ticket: rotations and folds of c_0 alone are automorphisms and nothing else.
void LatencyRunner::Workspace::first_matrix(const RnsPolynomial& c0, const Ticket& ticket) {
  const Diagonals& diagonals = program.matrices_.front();
  const MatrixPlan& first = plan().matrices.front();
  const size_t size = diagonals.group_size();
  ticket.read(0, first.limbs, product[1]);
  pool.for_each(first.limbs, [&](size_t limb) {
    const Modulus& q = params.modulus(limb);
    uint32_t* const babies = memory.babies.limb(2 * limb);
    for (size_t tile = 0; tile < n() / kTileWords; ++tile) {
      for (size_t baby = 0; baby < diagonals.baby_steps; ++baby) {
        const Automorphism& move = program.automorphisms_.at(rotation(baby));
        kernel.permute_blocks(babies + (baby / size * size * kTileBlocks + baby % size) * 16, 16 * size,
                              c0.limb(limb), move.sources.data() + tile * kTileBlocks, move.lanes.data(),
                              kTileWords);
      }
      for (size_t giant = 0; giant < diagonals.giant_steps; ++giant) {
        uint32_t* const sum = memory.sum(giant, 0, limb) + tile * kTileWords;
        for (size_t group = 0; group < diagonals.groups(); ++group) {
          alignas(64) uint32_t more[kTileWords];
          kernel.dot(group == 0 ? sum : more, babies + group * size * kTileWords,
                     diagonals.words.data() + diagonals.offset(limb, tile, giant, group), size, kTileWords,
                     q);
          if (group > 0) kernel.add(sum, sum, more, kTileWords, q);
        }
      }
    }
    uint32_t* const moved = stage.work.limb(limb);
    uint32_t* const sum = product[0].limb(limb);
    std::memcpy(sum, memory.sum(diagonals.giant_steps - 1, 0, limb), n() * sizeof(uint32_t));
    for (size_t giant = diagonals.giant_steps - 1; giant-- > 0;) {
      kernel.permute(moved, 16, sum, program.automorphisms_.at(rotation(diagonals.baby_steps)));
      kernel.add(sum, moved, memory.sum(giant, 0, limb), n(), q);
    }
    for (const auto& elements : folds.front()) {
      uint32_t* const before = stage.scratch.limb(limb);
      std::memcpy(before, sum, n() * sizeof(uint32_t));
      for (const uint32_t element : elements) {
        kernel.permute(moved, 16, before, program.automorphisms_.at(element));
        kernel.add(sum, sum, moved, n(), q);
      }
    }
    kernel.add(sum, sum, product[1].limb(limb), n(), q);
  });
  rescale(params, product[0], first.limbs, first.drop, registers[0][0], stage.scratch, pool);
  add(registers[0][0], program.biases_.front());
  ticket.read(first.limbs, first.limbs - first.drop, registers[0][1]);
  mark("diagonals on c_0", 0);
}

/// Register 1, as multiply() gives it.
void LatencyRunner::Workspace::first_product(const ProductResidues& terms, size_t drop,
                                             const Ticket& ticket) {
  const MatrixPlan& first = plan().matrices.front();
  const size_t limbs = first.limbs - first.drop;
  const Pair& v = registers[0];
  pool.for_each(limbs, [&](size_t i) {
    const Modulus& q = params.modulus(i);
    kernel.multiply(product[0].limb(i), v[0].limb(i), v[0].limb(i), n(), q);
    kernel.multiply(product[1].limb(i), v[0].limb(i), v[1].limb(i), n(), q);
    kernel.add(product[1].limb(i), product[1].limb(i), product[1].limb(i), n(), q);
  });
  add_linear(registers, terms, limbs);
  for (size_t side = 0; side < 2; ++side) {
    ticket.read(first.limbs + (side + 1) * limbs, limbs, product[2]);
    pool.for_each(limbs, [&](size_t i) {
      uint32_t* const part = product[side].limb(i);
      kernel.add(part, part, product[2].limb(i), n(), params.modulus(i));
    });
    rescale(params, product[side], limbs, drop, registers[1][side], stage.scratch, pool);
  }
  if (terms.constant) add(registers[1][0], *terms.constant);
}

/// Takes the answer to coefficient form, and adds to it what hides how it came about.
/// Draws the mask of an input that does not exist yet.
void LatencyRunner::Workspace::prepare_masks(const LatencyKeys& keys, Ticket& ticket) {
  if (mask.empty()) return;
  for (RnsPolynomial& part : masks)
    for (size_t i = 0; i < part.num_limbs(); ++i) std::memset(part.limb(i), 0, n() * sizeof(uint32_t));
  Xof stream(program.secret_[0], mask_label(params, keys, ticket.seed()).view());
  mask.add_to(masks[0], masks[1], params, keys.zero(), stream);
  for (const RnsPolynomial& part : masks) ticket.append(part, part.num_limbs());
}

void LatencyRunner::Workspace::add_prepared_masks(const Ticket& ticket, Ciphertext& answer) {
  const size_t limbs = plan().answer_limbs();
  for (size_t side = 0; side < 2; ++side) {
    ticket.read(Ticket::limbs_before_masks(plan()) + side * limbs, limbs, masks[side]);
    for (size_t i = 0; i < limbs; ++i) {
      uint32_t* const limb = answer.parts[side].limb(i);
      kernel.add(limb, limb, masks[side].limb(i), n(), params.modulus(i));
    }
  }
}

void LatencyRunner::Workspace::add_masks(const Ciphertext& input, const LatencyKeys& keys,
                                         const Ticket* ticket, Ciphertext& answer) {
  pool.for_each(2 * plan().answer_limbs(),
                [&](size_t i) { kernel.ntt_inverse(answer.parts[i % 2].limb(i / 2), params.tables(i / 2)); });
  if (mask.empty()) return;
  if (ticket != nullptr) return add_prepared_masks(*ticket, answer);
  Xof stream(program.secret_[0], mask_label(params, keys, input).view());
  mask.add_to(answer.parts[0], answer.parts[1], params, keys.zero(), stream);
}

SwitchedCiphertext LatencyRunner::Workspace::run(const Ciphertext& input, const LatencyKeys& keys,
                                                 const Ticket* ticket) {
  begin();
  const size_t last = plan().matrices.size() - 1;
  const RnsPolynomial* in = input.parts.data();
  for (size_t i = 0; i < last; ++i) {
    const Ticket* const prepared = i == 0 ? ticket : nullptr;
    if (prepared != nullptr) {
      first_matrix(input.parts[0], *prepared);
    } else {
      rescaled_matrix(i, in, keys, registers[0]);
    }
    activation(i, keys, prepared);
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
  mark("rescale", last);
  add_masks(input, keys, ticket, answer);
  mark("masks", last);
  SwitchedCiphertext switched =
      modulus_switch(answer.params, answer.key_id, answer.scale, answer.parts[0], answer.parts[1],
                     plan().answer_bits, plan().answer_dropped_bits, plan().answer_spare_bits);
  mark("modulus switch", last);
  return switched;
}

LatencyRunner::LatencyRunner(std::shared_ptr<const LatencyProgram> program, size_t threads)
    : program_(std::move(program)),
      threads_(std::make_unique<ThreadPool>(threads)),
      workspace_(std::make_unique<Workspace>(*program_, *threads_)) {}

LatencyRunner::~LatencyRunner() = default;

std::span<const PassPart> LatencyRunner::timeline() const { return workspace_->timeline; }

SwitchedCiphertext LatencyRunner::run(const Ciphertext& input, const LatencyKeys& keys,
                                      const Ticket* ticket) {
  const LatencyPlan& plan = program_->plan();
  require_same_params(*input.params, *program_->params());
  const bool whole = input.parts.size() == 2 || (ticket != nullptr && input.parts.size() == 1);
  if (!whole || input.num_limbs() != plan.top_limbs()) {
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
  if (ticket != nullptr &&
      (input.seed != ticket->seed() || input.key_id != ticket->key_id() || ticket->program_ != program_)) {
    throw Error(ErrorCode::parameter_mismatch,
                "the ticket is for another seed, key or program than the input's");
  }
  SwitchedCiphertext answer;
  threads_->enter([&] { answer = workspace_->run(input, keys, ticket); });
  return answer;
}

Ticket LatencyRunner::prepare(const Seed& seed, const LatencyKeys& keys) {
  const LatencyPlan& plan = program_->plan();
  Ticket ticket(program_, seed, keys.key_id());
  const RnsPolynomial c1 = expand_ciphertext_seed(*program_->params(), keys.key_id(), seed, plan.top_limbs());
  threads_->enter([&] { workspace_->prepare(c1, keys, ticket); });
  return ticket;
}

Result<Bytes> LatencyRunner::answer(ByteView request, const LatencyKeys& keys, const Ticket* ticket) {
  auto input = read_ciphertext(request, program_->params(), ticket == nullptr);
  if (!input.ok()) return input.error();
  try {
    return write_answer(run(*input, keys, ticket));
  } catch (const Error& error) {
    return error;
  }
}

}  // namespace cryptotl

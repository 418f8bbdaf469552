#include "cryptotl/execute/ticket.h"

namespace cryptotl {
namespace {

constexpr size_t kRun = 16;
constexpr size_t kRuns = 16;  // that share the room of one less
constexpr uint32_t kMask = (1u << 30) - 1;

size_t squeezed_words(size_t residues) { return residues / kRuns * (kRuns - 1); }

}  // namespace

void squeeze_residues(std::span<const uint32_t> residues, uint32_t* out) {
  CRYPTOTL_ASSERT(residues.size() % (kRun * kRuns) == 0);
  const uint32_t* in = residues.data();
  for (size_t done = 0; done < residues.size(); done += kRun * kRuns, in += kRun * kRuns) {
    const uint32_t* const last = in + kRun * (kRuns - 1);
    for (size_t run = 0; run + 1 < kRuns; ++run, out += kRun) {
      for (size_t l = 0; l < kRun; ++l) out[l] = in[kRun * run + l] | (last[l] >> (2 * run)) << 30;
    }
  }
}

void unsqueeze_residues(const uint32_t* squeezed, std::span<uint32_t> out) {
  CRYPTOTL_ASSERT(out.size() % (kRun * kRuns) == 0);
  uint32_t* to = out.data();
  for (size_t done = 0; done < out.size(); done += kRun * kRuns, to += kRun * kRuns) {
    uint32_t last[kRun] = {};
    for (size_t run = 0; run + 1 < kRuns; ++run, squeezed += kRun) {
      for (size_t l = 0; l < kRun; ++l) {
        to[kRun * run + l] = squeezed[l] & kMask;
        last[l] |= (squeezed[l] >> 30) << (2 * run);
      }
    }
    for (size_t l = 0; l < kRun; ++l) to[kRun * (kRuns - 1) + l] = last[l];
  }
}

size_t Ticket::limbs_before_masks(const LatencyPlan& plan) {
  const MatrixPlan& first = plan.matrices.front();
  return first.limbs + 3 * (first.limbs - first.drop);
}

size_t Ticket::bytes_of(const LatencyPlan& plan) {
  const size_t limbs = limbs_before_masks(plan) + 2 * plan.answer_limbs();
  return limbs * squeezed_words(size_t{1} << plan.params.log_n) * sizeof(uint32_t);
}

void Ticket::append(const RnsPolynomial& polynomial, size_t limbs) {
  const size_t words = squeezed_words(polynomial.n());
  const size_t before = words_.size();
  words_.resize(before + limbs * words);
  for (size_t i = 0; i < limbs; ++i) {
    squeeze_residues(polynomial.limb_span(i), words_.data() + before + i * words);
  }
}

void Ticket::read(size_t first, size_t limbs, RnsPolynomial& out) const {
  const size_t words = squeezed_words(out.n());
  CRYPTOTL_ASSERT((first + limbs) * words <= words_.size());
  for (size_t i = 0; i < limbs; ++i) {
    unsqueeze_residues(words_.data() + (first + i) * words, out.limb_span(i));
  }
}

}  // namespace cryptotl

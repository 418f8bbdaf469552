#include "chain.h"

#include <algorithm>
#include <map>
#include <utility>

#include "cryptotl/plan/activation_circuit.h"
#include "cryptotl/rns/modulus.h"

namespace cryptotl {
namespace {

constexpr size_t kMaxChoices = 9;  // rescales that are chosen one by one; beyond, in two groups

/// As ntt_primes, but looked for once: a search asks for the same ones thousands of times.
std::vector<uint32_t> largest_primes(size_t bits, uint32_t step, size_t count) {
  thread_local std::map<std::pair<size_t, uint32_t>, std::vector<uint32_t>> known;
  std::vector<uint32_t>& primes = known[{bits, step}];
  if (primes.size() < count) primes = ntt_primes(1u << bits, step, count);
  return {primes.begin(), primes.begin() + static_cast<std::ptrdiff_t>(count)};
}

}  // namespace

void for_each_chain(const std::vector<bool>& of_matrix, size_t most_bits,
                    const std::function<void(const Chain&)>& visit, const ChainRange& range) {
  const size_t rescales = of_matrix.size();
  const bool grouped = rescales > kMaxChoices;
  const size_t choices = grouped ? 2 : rescales - 1;
  for (size_t bits = 0; bits < size_t{1} << choices; ++bits) {
    Chain chain;
    chain.prime_bits = range.prime_bits;
    for (size_t i = 0; i + 1 < rescales; ++i) {
      const size_t bit = grouped ? (of_matrix[i] ? 0 : 1) : i;
      chain.drops.push_back(range.least_drop + (bits >> bit & 1));
    }
    chain.drops.push_back(0);
    for (size_t& last = chain.drops.back(); last <= 2; ++last) {
      for (chain.base_limbs = 1; chain.base_limbs <= range.most_base_limbs; ++chain.base_limbs) {
        for (chain.special_primes = 1; chain.special_primes <= range.most_special_primes;
             ++chain.special_primes) {
          if ((chain.primes() + chain.special_primes) * chain.prime_bits <= most_bits) visit(chain);
        }
      }
    }
  }
}

std::vector<bool> rescales_of(const FoldedNetwork& network) {
  std::vector<bool> out;
  for (const FoldedActivation& activation : network.activations) {
    out.push_back(true);
    out.insert(out.end(), activation_depth(activation.degree), false);
  }
  out.push_back(true);
  return out;
}

void use_chain(ProgramPlan& plan, const Chain& chain) {
  size_t limbs = chain.primes();
  plan.params.base_limbs = chain.base_limbs;
  const size_t special = chain.special_primes;
  const uint32_t order = plan.params.ring == Ring::cyclotomic ? 2 : 4;
  plan.params.primes = largest_primes(chain.prime_bits, order << plan.params.log_n, limbs + special);
  // The largest primes divide the key switching noise.
  plan.params.special_primes.assign(plan.params.primes.begin(),
                                    plan.params.primes.begin() + static_cast<std::ptrdiff_t>(special));
  plan.params.primes.erase(plan.params.primes.begin(),
                           plan.params.primes.begin() + static_cast<std::ptrdiff_t>(special));
  size_t next = 0;
  const auto drop = [&] {
    limbs -= chain.drops[next];
    return chain.drops[next++];
  };
  for (size_t i = 0; i < plan.matrices.size(); ++i) {
    plan.matrices[i].limbs = limbs;
    plan.matrices[i].drop = drop();
    if (i == plan.activations.size()) break;
    for (size_t& depth : plan.activations[i].drops) depth = drop();
  }
}

}  // namespace cryptotl

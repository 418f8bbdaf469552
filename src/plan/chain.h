#pragma once

#include <bit>
#include <functional>
#include <vector>

#include "cryptotl/network/folding.h"
#include "cryptotl/plan/program_plan.h"
#include "cryptotl/rns/integer_matrix.h"

namespace cryptotl {

/// Of every prime, as a rule.
inline constexpr size_t kPrimeBits = 30;
/// Where a residue is to be one factor of a multiply-add (kWholePrimeBound).
inline constexpr size_t kWholePrimeBits = std::bit_width(kWholePrimeBound) - 1;

/// How many primes each rescale takes, in the order of the program, and the base; and the special ones.
struct Chain {
  std::vector<size_t> drops;
  size_t base_limbs = 0;
  size_t special_primes = 1;
  size_t prime_bits = kPrimeBits;
  size_t primes() const {
    size_t sum = base_limbs;
    for (const size_t drop : drops) sum += drop;
    return sum;
  }
};

/// Which chains are looked at.
struct ChainRange {
  size_t least_drop = 1;  ///< of a rescale; or one more
  size_t most_base_limbs = 3;
  size_t most_special_primes = 3;  ///< a fourth pays for no chain of 30-bit primes up to N = 16384
  size_t prime_bits = kPrimeBits;
};
/// For noise far below what outputs need.
inline constexpr ChainRange kWideChains = {2, 5, 4};

/// Calls `visit` for every chain of one or two primes a rescale (or of more, as the range has it; none to two
/// after the last matrix) whose primes have at most `most_bits` in all, the special ones too.
void for_each_chain(const std::vector<bool>& of_matrix, size_t most_bits,
                    const std::function<void(const Chain&)>& visit, const ChainRange& range = {});

/// True for the rescales after a matrix, false for those after products.
std::vector<bool> rescales_of(const FoldedNetwork& network);

/// Sets the plan's primes, in its ring, and the limbs and drops of its steps.
void use_chain(ProgramPlan& plan, const Chain& chain);

}  // namespace cryptotl

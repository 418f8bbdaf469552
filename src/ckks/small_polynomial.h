#pragma once

#include <cstdint>
#include <span>

#include "cryptotl/rns/ntt.h"

namespace cryptotl {

/// Small signed numbers (a secret or an error) as residues modulo q; `out` of as many words. Constant-time.
void small_residues(const Modulus& q, std::span<const int8_t> small, uint32_t* out);

/// Small signed numbers (a secret or an error) as residues modulo q, in NTT form; `out` of N words.
/// Constant-time.
void small_to_ntt(const NttTables& tables, std::span<const int8_t> small, uint32_t* out);

}  // namespace cryptotl

#include "ckks/small_polynomial.h"

#include "cryptotl/rns/kernels.h"

namespace cryptotl {

void small_residues(const Modulus& modulus, std::span<const int8_t> small, uint32_t* out) {
  const uint32_t q = modulus.value();
  for (size_t j = 0; j < small.size(); ++j) {
    const auto value = static_cast<int32_t>(small[j]);
    // Adds q under an arithmetic mask: no branch on secret values.
    out[j] = static_cast<uint32_t>(value) + (q & static_cast<uint32_t>(value >> 31));
  }
}

void small_to_ntt(const NttTables& tables, std::span<const int8_t> small, uint32_t* out) {
  small_residues(tables.modulus, small, out);
  kernels().ntt_forward(out, tables);
}

}  // namespace cryptotl

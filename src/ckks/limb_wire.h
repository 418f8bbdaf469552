#pragma once

#include "ckks/bit_packing.h"
#include "cryptotl/ckks/wire.h"

namespace cryptotl {

/// Bytes of a limb of N residues.
inline size_t packed_limb_bytes(const Params& params) {
  return packed_bytes(params.n(), params.prime_bits());
}

/// The residues modulo q of limb `index`; malformed, which names both, where one is none.
Status unpack_limb(ByteView packed, size_t index, const Modulus& q, std::span<uint32_t> out);

}  // namespace cryptotl

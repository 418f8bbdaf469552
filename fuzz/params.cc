#include "cryptotl/ckks/params.h"

#include "cryptotl/base/bytes.h"

namespace {

using namespace cryptotl;

/// Five bytes a prime: as they stand, or the number of a prime that fits N.
uint32_t read_prime(ByteReader& reader, size_t log_n) {
  const auto good = reader.number<uint8_t>();
  const auto value = reader.number<uint32_t>();
  if (!good.ok() || !value.ok()) return 0;
  if (*good == 0 || log_n > 16) return *value;
  static std::vector<uint32_t> primes[17];
  if (primes[log_n].empty()) primes[log_n] = ntt_primes(1u << 30, uint32_t{2} << log_n, 64);
  return primes[log_n][*value % 64];
}

}  // namespace

// Makes or refuses; what was made is within the guideline, its product of primes counted in another way.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  ByteReader reader({data, size});
  const auto log_n = reader.number<uint8_t>();
  const auto base_limbs = reader.number<uint8_t>();
  const auto special = reader.number<uint8_t>();
  if (!special.ok()) return 0;
  ParamsSpec spec;
  spec.ring = *special & 0x80 ? Ring::conjugate_invariant : Ring::cyclotomic;
  spec.log_n = *log_n;
  spec.base_limbs = *base_limbs;
  for (size_t i = 0; i < (*special & 0x7f) && reader.remaining() > 0; ++i)
    spec.special_primes.push_back(read_prime(reader, *log_n));
  while (reader.remaining() > 0) spec.primes.push_back(read_prime(reader, *log_n));
  const auto params = Params::create(spec);
  if (!params.ok()) return 0;
  CRYPTOTL_ASSERT((*params)->log_qp() <= guideline_log_qp(spec.log_n));
  CRYPTOTL_ASSERT((*params)->spec() == spec && spec.base_limbs >= 1 && spec.base_limbs <= spec.primes.size());
  CRYPTOTL_ASSERT((*params)->num_special() >= 1 && (*params)->num_special() <= 4);
  return 0;
}

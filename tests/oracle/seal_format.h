#pragma once

#include <array>
#include <map>
#include <vector>

#include "cryptotl/base/bytes.h"
#include "cryptotl/ckks/ciphertext.h"
#include "cryptotl/ckks/evaluator.h"
#include "cryptotl/ckks/public_key.h"
#include "cryptotl/ckks/secret_key.h"

namespace cryptotl {

// Objects of this engine as Microsoft SEAL 4.3 writes them, uncompressed: a header of 16 bytes, then the
// members, arrays with a header of their own. SEAL holds a residue in 64 bits, the special prime last, and
// means the same by every number: both sides take the smallest primitive root of each prime and the
// bit-reversed order. What is not such an object throws malformed.

using ParmsId = std::array<uint64_t, 4>;

/// Our parameters, and the names that SEAL gives to them at each number of primes; num_primes() + 1 primes
/// are the keys'.
struct SealContext {
  ParamsPtr params;
  std::map<size_t, ParmsId> parms_ids;
};

Bytes write_seal(const SealContext& context, const Ciphertext& ciphertext);
Bytes write_seal(const SealContext& context, const Plaintext& plaintext);
Bytes write_seal(const SealContext& context, const SecretKey& key);
Bytes write_seal(const SealContext& context, const PublicKey& key);
/// The relinearisation key of the set alone, as RelinKeys.
Bytes write_seal_relinearisation_keys(const SealContext& context, const EvaluationKeys& keys);
/// Every other key of the set, as GaloisKeys.
Bytes write_seal_galois_keys(const SealContext& context, const EvaluationKeys& keys);

Ciphertext read_seal_ciphertext(const SealContext& context, ByteView bytes, const KeyId& key_id);
Plaintext read_seal_plaintext(const SealContext& context, ByteView bytes);
SecretKey read_seal_secret_key(const SealContext& context, ByteView bytes, const KeyId& key_id);

/// A key that SEAL made: its uniform half has no seed of ours.
struct SealSwitchingKey {
  KeyRequest request;
  std::vector<RnsPolynomial> b, a;  ///< [digit], request.limbs + 1 each
};

SealSwitchingKey read_seal_relinearisation_key(const SealContext& context, ByteView bytes);
std::vector<SealSwitchingKey> read_seal_galois_keys(const SealContext& context, ByteView bytes);

}  // namespace cryptotl

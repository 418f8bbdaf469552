#pragma once

#include "cryptotl/base/bytes.h"
#include "cryptotl/ckks/batch_encryption.h"
#include "cryptotl/ckks/ciphertext.h"
#include "cryptotl/ckks/evaluation_key.h"
#include "cryptotl/ckks/public_key.h"
#include "cryptotl/ckks/switched_ciphertext.h"

namespace cryptotl {

/// What the 104-byte header of every object tells (docs/format.md).
enum class ObjectKind : uint16_t {
  ciphertext = 1,
  evaluation_keys = 2,
  public_key = 3,
  secret_key = 4,
  encrypted_inputs = 5,
  answer = 6,
  batch_row = 7
};

/// "ciphertext", "evaluation keys" and so on, as messages have it.
std::string_view name(ObjectKind kind);

struct ObjectHeader {
  uint16_t version = 0;
  ObjectKind kind{};
  uint64_t payload_bytes = 0;
  Digest params_id{};
  KeyId key_id{};
  Digest digest{};
};

inline constexpr size_t kHeaderBytes = 104;
/// The digest is the header's last field.
inline constexpr size_t kDigestOffset = kHeaderBytes - sizeof(Digest);
inline constexpr uint16_t kFormatVersion = 1;

/// Reads and checks a header alone: magic, version, kind, reserved fields. Does not look at the payload.
Result<ObjectHeader> read_header(ByteView bytes);

/// A header alone, with zeros where the digest goes: for a payload that is written in pieces.
Bytes object_header(ObjectKind kind, const Digest& params_id, const KeyId& key_id, uint64_t payload_bytes);

/// Header, then payload. The digest covers both.
Bytes write_object(ObjectKind kind, const Digest& params_id, const KeyId& key_id, ByteView payload);

/// The payload of an object of this kind under these parameters, after its length and digest are checked.
/// Nothing is allocated.
Result<ByteView> read_object(ByteView bytes, ObjectKind kind, const Digest& params_id,
                             ObjectHeader* header = nullptr);

/// A ciphertext; c_1 is left out while its seed is there. Residues travel in as many bits as the
/// primes have.
Bytes write_ciphertext(const Ciphertext& ciphertext);
/// Refuses what is not exactly a ciphertext under these parameters: a wrong length, a residue at or above its
/// prime, a scale that is not a finite number of at least 1, and so on.
/// With `expand` false, c_1 of a seeded one is left out: parts holds c_0 alone, for readers that have what
/// follows from c_1 already.
Result<Ciphertext> read_ciphertext(ByteView bytes, const ParamsPtr& params, bool expand = true);
/// The seed that stands for a ciphertext's c_1, or none. Reads the fields before the residues alone: neither
/// residues nor the digest are looked at, so the ciphertext may be none. malformed where no seed can be told.
Result<std::optional<Seed>> seed_of_ciphertext(ByteView bytes);

Bytes write_evaluation_keys(const EvaluationKeys& keys);
/// As read_ciphertext; refuses duplicate keys and keys over more limbs than the parameters have.
Result<EvaluationKeys> read_evaluation_keys(ByteView bytes, const ParamsPtr& params);

/// A public key; a travels as its seed.
Bytes write_public_key(const PublicKey& key);
/// As read_ciphertext. That the key belongs to the secret key that its key id names nobody but that key's
/// owner can tell: compare the digest of its header with what the owner says.
Result<PublicKey> read_public_key(ByteView bytes, const ParamsPtr& params);

/// The keys of a client as it sends them to a server: both objects, one after the other.
struct KeySet {
  EvaluationKeys evaluation;
  PublicKey public_key;
};
Bytes write_key_set(const EvaluationKeys& evaluation, const PublicKey& public_key);
/// As read_ciphertext; `requests` say where the public key begins.
Result<KeySet> read_key_set(ByteView bytes, const ParamsPtr& params, std::span<const KeyRequest> requests);
/// Exact size of both objects, headers included.
size_t key_set_bytes(const Params& params, std::span<const KeyRequest> requests);

/// An answer: c_0 and c_1 in as many bits a coefficient as they have.
Bytes write_answer(const SwitchedCiphertext& answer);
/// As read_ciphertext; refuses moduli that check_switch does. Every bit pattern is a coefficient.
Result<SwitchedCiphertext> read_answer(ByteView bytes, const ParamsPtr& params);

/// One row of an encrypted batch: c_0 alone, in coefficient form.
Bytes write_batch_row(const Params& params, const KeyId& key_id, const BatchRow& place,
                      const RnsPolynomial& c0);
/// Writes its residues to limb i from out[i] on, N each, and returns where it says that it belongs. Refuses
/// what is not exactly such a row over out.size() limbs, as read_ciphertext.
Result<BatchRow> read_batch_row(ByteView bytes, const Params& params, std::span<uint32_t* const> out,
                                KeyId* key_id = nullptr);
/// Exact size of a row's bytes, header included.
size_t batch_row_bytes(const Params& params, size_t limbs);

/// The digest in the header of write_public_key(key), for people to compare.
Digest fingerprint(const PublicKey& key);

/// Exact size of a ciphertext's bytes, header included.
size_t ciphertext_bytes(const Params& params, size_t parts, size_t limbs, bool seeded);
/// Exact size of a key set's bytes, header included.
size_t evaluation_key_bytes(const Params& params, std::span<const KeyRequest> requests);

/// Exact size of a public key's bytes, header included.
size_t public_key_bytes(const Params& params);

/// Exact size of an answer's bytes, header included.
size_t answer_bytes(const Params& params, size_t modulus_bits, size_t dropped_bits);

/// Packs a multiple of 8 residues, little-endian, into as many bits each as `out` has for them: up to 32.
void pack_residues(std::span<const uint32_t> residues, std::span<uint8_t> out);
void unpack_residues(ByteView packed, std::span<uint32_t> out);

}  // namespace cryptotl

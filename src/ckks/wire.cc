#include "cryptotl/ckks/wire.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "ckks/limb_wire.h"

namespace cryptotl {
namespace {

constexpr uint32_t kMagic = 0x4c545443;              // "CTTL"
constexpr size_t kCiphertextFields = 4 + 8;          // parts, limbs, seeded, reserved; scale
constexpr size_t kKeyFields = 4 + 4 + sizeof(Seed);  // Galois element, limbs, seed

Error malformed(const std::string& what) { return Error(ErrorCode::malformed, what); }

/// Covers the header with zeros where the digest stands, then the payload.
Digest object_digest(ByteView header, ByteView payload) {
  constexpr Digest kZeros = {};
  return Hasher().add(header.first(kDigestOffset)).add(kZeros).add(payload).finish();
}

template <size_t size>
Result<std::array<uint8_t, size>> read_array(ByteReader& reader) {
  const auto bytes = reader.bytes(size);
  if (!bytes.ok()) return bytes.error();
  std::array<uint8_t, size> out;
  std::ranges::copy(*bytes, out.begin());
  return out;
}

void write_limbs(ByteWriter& writer, const Params& params, const RnsPolynomial& polynomial) {
  for (size_t i = 0; i < polynomial.num_limbs(); ++i)
    pack_residues(polynomial.limb_span(i), writer.reserve(packed_limb_bytes(params)));
}

/// Reads `limbs` limbs, and behind them those of the special primes where `extended`; refuses a residue that
/// is no residue.
Result<RnsPolynomial> read_limbs(ByteReader& reader, const Params& params, size_t limbs, bool extended) {
  const size_t all = limbs + (extended ? params.num_special() : 0);
  const auto packed = reader.bytes(all * packed_limb_bytes(params));
  if (!packed.ok()) return packed.error();
  RnsPolynomial out(params.n(), all);
  for (size_t i = 0; i < all; ++i) {
    CRYPTOTL_TRY(unpack_limb(packed->subspan(i * packed_limb_bytes(params), packed_limb_bytes(params)), i,
                             params.modulus(params.extended_index(i, limbs)), out.limb_span(i)));
  }
  return out;
}

size_t switching_key_bytes(const Params& params, size_t limbs) {
  return kKeyFields + params.digits(limbs) * (limbs + params.num_special()) * packed_limb_bytes(params);
}

}  // namespace

void pack_residues(std::span<const uint32_t> residues, std::span<uint8_t> out) {
  CRYPTOTL_ASSERT(!residues.empty() && residues.size() % 8 == 0 && 8 * out.size() % residues.size() == 0);
  pack_bits(residues, 8 * out.size() / residues.size(), out);
}

void unpack_residues(ByteView packed, std::span<uint32_t> out) {
  CRYPTOTL_ASSERT(!out.empty() && out.size() % 8 == 0 && 8 * packed.size() % out.size() == 0);
  unpack_bits(packed, 8 * packed.size() / out.size(), out);
}

Status unpack_limb(ByteView packed, size_t index, const Modulus& q, std::span<uint32_t> out) {
  unpack_residues(packed, out);
  uint32_t largest = 0;
  for (const uint32_t residue : out) largest = std::max(largest, residue);
  if (largest < q.value()) return {};
  return malformed("limb " + std::to_string(index) + " holds a number that is not below its prime " +
                   std::to_string(q.value()));
}

std::string_view name(ObjectKind kind) {
  switch (kind) {
    case ObjectKind::ciphertext:
      return "ciphertext";
    case ObjectKind::evaluation_keys:
      return "evaluation keys";
    case ObjectKind::public_key:
      return "public key";
    case ObjectKind::secret_key:
      return "secret key";
    case ObjectKind::encrypted_inputs:
      return "encrypted inputs";
    case ObjectKind::answer:
      return "answer";
    case ObjectKind::batch_row:
      return "batch row";
  }
  return "unknown";
}

Bytes object_header(ObjectKind kind, const Digest& params_id, const KeyId& key_id, uint64_t payload_bytes) {
  ByteWriter writer(kHeaderBytes);
  writer.number(kMagic);
  writer.number(kFormatVersion);
  writer.number(static_cast<uint16_t>(kind));
  writer.number(uint64_t{0});  // reserved
  writer.number(payload_bytes);
  writer.bytes(params_id);
  writer.bytes(key_id);
  writer.bytes(Digest{});
  CRYPTOTL_ASSERT(writer.size() == kHeaderBytes);
  return writer.take();
}

Bytes write_object(ObjectKind kind, const Digest& params_id, const KeyId& key_id, ByteView payload) {
  ByteWriter writer(kHeaderBytes + payload.size());
  writer.bytes(object_header(kind, params_id, key_id, payload.size()));
  writer.bytes(payload);
  Bytes out = writer.take();
  const Digest sum = object_digest(ByteView(out).first(kHeaderBytes), payload);
  std::ranges::copy(sum, out.begin() + kDigestOffset);
  return out;
}

Result<ObjectHeader> read_header(ByteView bytes) {
  if (bytes.size() < kHeaderBytes) {
    return malformed("truncated: " + std::to_string(bytes.size()) + " bytes where the header alone takes " +
                     std::to_string(kHeaderBytes));
  }
  ByteReader reader(bytes.first(kHeaderBytes));
  if (*reader.number<uint32_t>() != kMagic)
    return malformed("no object of CryptoTL: the first four bytes are not CTTL");
  ObjectHeader header;
  header.version = *reader.number<uint16_t>();
  if (header.version != kFormatVersion) {
    return Error(ErrorCode::unsupported_version, "format version " + std::to_string(header.version) +
                                                     "; this build reads version " +
                                                     std::to_string(kFormatVersion));
  }
  const uint16_t kind = *reader.number<uint16_t>();
  if (kind < 1 || kind > 7) return malformed("unknown kind of object " + std::to_string(kind));
  header.kind = static_cast<ObjectKind>(kind);
  if (*reader.number<uint64_t>() != 0) return malformed("reserved header fields are not zero");
  header.payload_bytes = *reader.number<uint64_t>();
  header.params_id = *read_array<32>(reader);
  header.key_id = *read_array<16>(reader);
  header.digest = *read_array<32>(reader);
  return header;
}

Result<ByteView> read_object(ByteView bytes, ObjectKind kind, const Digest& params_id, ObjectHeader* out) {
  const auto header = read_header(bytes);
  if (!header.ok()) return header.error();
  if (header->kind != kind) {
    return malformed("an object of kind " + std::string(name(header->kind)) + " where " +
                     std::string(name(kind)) + " is expected");
  }
  const ByteView payload = bytes.subspan(kHeaderBytes);
  if (header->payload_bytes != payload.size()) {
    return malformed("the header announces " + std::to_string(header->payload_bytes) + " bytes, " +
                     std::to_string(payload.size()) + " follow");
  }
  if (object_digest(bytes.first(kHeaderBytes), payload) != header->digest) {
    return malformed("corrupted: the bytes do not match their digest");
  }
  if (header->params_id != params_id) {
    return Error(ErrorCode::parameter_mismatch, "made under parameters " +
                                                    hex(header->params_id).substr(0, 16) + ", not " +
                                                    hex(params_id).substr(0, 16));
  }
  if (out != nullptr) *out = *header;
  return payload;
}

size_t ciphertext_bytes(const Params& params, size_t parts, size_t limbs, bool seeded) {
  const size_t polynomials = seeded ? parts - 1 : parts;
  return kHeaderBytes + kCiphertextFields + (seeded ? sizeof(Seed) : 0) +
         polynomials * limbs * packed_limb_bytes(params);
}

Bytes write_ciphertext(const Ciphertext& ciphertext) {
  ByteWriter writer;
  const bool seeded = ciphertext.seed.has_value();
  writer.number(static_cast<uint8_t>(ciphertext.parts.size()));
  writer.number(static_cast<uint8_t>(ciphertext.num_limbs()));
  writer.number(static_cast<uint8_t>(seeded ? 1 : 0));
  writer.number(uint8_t{0});
  writer.number(ciphertext.scale);
  if (seeded) writer.bytes(*ciphertext.seed);
  for (size_t part = 0; part < ciphertext.parts.size(); ++part) {
    if (!(seeded && part == 1)) write_limbs(writer, *ciphertext.params, ciphertext.parts[part]);
  }
  return write_object(ObjectKind::ciphertext, ciphertext.params->id(), ciphertext.key_id, writer.take());
}

Result<Ciphertext> read_ciphertext(ByteView bytes, const ParamsPtr& params, bool expand) {
  ObjectHeader header;
  const auto payload = read_object(bytes, ObjectKind::ciphertext, params->id(), &header);
  if (!payload.ok()) return payload.error();
  if (payload->size() < kCiphertextFields) return malformed("ciphertext: truncated");
  ByteReader reader(*payload);
  const size_t parts = *reader.number<uint8_t>();
  const size_t limbs = *reader.number<uint8_t>();
  const uint8_t seeded = *reader.number<uint8_t>();
  const uint8_t reserved = *reader.number<uint8_t>();
  const double scale = *reader.number<double>();
  if (parts < 2 || parts > 3)
    return malformed("ciphertext: " + std::to_string(parts) + " parts; 2 or 3 are known");
  if (limbs == 0 || limbs > params->num_primes()) {
    return malformed("ciphertext: " + std::to_string(limbs) + " limbs; 1 to " +
                     std::to_string(params->num_primes()) + " are there");
  }
  if (seeded > 1 || reserved != 0 || (seeded == 1 && parts != 2))
    return malformed("ciphertext: unknown flags");
  if (!(std::isfinite(scale) && scale >= 1.0))
    return malformed("ciphertext: the scale is not a finite number of at least 1");
  if (bytes.size() != ciphertext_bytes(*params, parts, limbs, seeded == 1)) {
    return malformed("ciphertext: " + std::to_string(bytes.size()) + " bytes where " +
                     std::to_string(ciphertext_bytes(*params, parts, limbs, seeded == 1)) + " are right");
  }
  Ciphertext out;
  out.params = params;
  out.key_id = header.key_id;
  out.scale = scale;
  if (seeded == 1) out.seed = *read_array<32>(reader);
  for (size_t part = 0; part < parts; ++part) {
    if (seeded == 1 && part == 1) {
      if (expand) out.parts.push_back(expand_ciphertext_seed(*params, out.key_id, *out.seed, limbs));
      continue;
    }
    auto polynomial = read_limbs(reader, *params, limbs, false);
    if (!polynomial.ok()) return polynomial.error();
    out.parts.push_back(std::move(*polynomial));
  }
  return out;
}

Result<std::optional<Seed>> seed_of_ciphertext(ByteView bytes) {
  const auto header = read_header(bytes);
  if (!header.ok()) return header.error();
  ByteReader reader(bytes.subspan(kHeaderBytes));
  const auto fields = reader.bytes(kCiphertextFields);
  if (header->kind != ObjectKind::ciphertext || !fields.ok()) return malformed("no whole ciphertext");
  const bool seeded = (*fields)[2] == 1;
  if (!seeded) return std::optional<Seed>();
  const auto seed = read_array<sizeof(Seed)>(reader);
  if (!seed.ok()) return malformed("no whole ciphertext");
  return std::optional<Seed>(*seed);
}

size_t evaluation_key_bytes(const Params& params, std::span<const KeyRequest> requests) {
  size_t bytes = kHeaderBytes + 4;
  for (const KeyRequest& request : requests) bytes += switching_key_bytes(params, request.limbs);
  return bytes;
}

Bytes write_evaluation_keys(const EvaluationKeys& keys) {
  ByteWriter writer;
  writer.number(static_cast<uint32_t>(keys.keys.size()));
  for (const SwitchingKey& key : keys.keys) {
    writer.number(key.request.galois_element);
    writer.number(static_cast<uint32_t>(key.request.limbs));
    writer.bytes(key.seed);
    for (const RnsPolynomial& digit : key.b) write_limbs(writer, *keys.params, digit);
  }
  return write_object(ObjectKind::evaluation_keys, keys.params->id(), keys.key_id, writer.take());
}

namespace {

Result<SwitchingKey> read_switching_key(ByteReader& reader, const Params& params) {
  const auto galois_element = reader.number<uint32_t>();
  const auto limbs = reader.number<uint32_t>();
  const auto seed = read_array<32>(reader);
  if (!galois_element.ok() || !limbs.ok() || !seed.ok()) return malformed("evaluation keys: truncated");
  const bool known =
      *galois_element == kRelinearisation || (*galois_element % 2 == 1 && *galois_element > 1 &&
                                              *galois_element < galois_order(params.log_n(), params.ring()));
  if (!known)
    return malformed("evaluation keys: " + std::to_string(*galois_element) + " is no Galois element");
  if (*limbs == 0 || *limbs > params.num_primes()) {
    return malformed("evaluation keys: " + std::to_string(*limbs) + " limbs; 1 to " +
                     std::to_string(params.num_primes()) + " are there");
  }
  if (reader.remaining() < switching_key_bytes(params, *limbs) - kKeyFields)
    return malformed("evaluation keys: truncated");
  SwitchingKey key{{*galois_element, *limbs}, *seed, {}};
  for (size_t digit = 0; digit < params.digits(*limbs); ++digit) {
    auto b = read_limbs(reader, params, *limbs, true);
    if (!b.ok()) return b.error();
    key.b.push_back(std::move(*b));
  }
  return key;
}

}  // namespace

Result<EvaluationKeys> read_evaluation_keys(ByteView bytes, const ParamsPtr& params) {
  ObjectHeader header;
  const auto payload = read_object(bytes, ObjectKind::evaluation_keys, params->id(), &header);
  if (!payload.ok()) return payload.error();
  ByteReader reader(*payload);
  const auto count = reader.number<uint32_t>();
  if (!count.ok()) return count.error();
  EvaluationKeys out{params, header.key_id, {}};
  std::set<std::pair<uint32_t, size_t>> seen;
  for (uint32_t i = 0; i < *count; ++i) {  // each turn consumes bytes or fails, so a huge count ends at once
    auto key = read_switching_key(reader, *params);
    if (!key.ok()) return key.error();
    if (!seen.emplace(key->request.galois_element, key->request.limbs).second) {
      return malformed("evaluation keys: Galois element " + std::to_string(key->request.galois_element) +
                       " stands twice");
    }
    out.keys.push_back(std::move(*key));
  }
  if (reader.remaining() != 0)
    return malformed("evaluation keys: " + std::to_string(reader.remaining()) + " bytes too many");
  return out;
}

size_t public_key_bytes(const Params& params) {
  return kHeaderBytes + sizeof(Seed) +
         (params.num_primes() + params.num_special()) * packed_limb_bytes(params);
}

Bytes write_public_key(const PublicKey& key) {
  ByteWriter writer(public_key_bytes(*key.params) - kHeaderBytes);
  writer.bytes(key.seed);
  write_limbs(writer, *key.params, key.b);
  return write_object(ObjectKind::public_key, key.params->id(), key.key_id, writer.take());
}

Digest fingerprint(const PublicKey& key) { return read_header(write_public_key(key))->digest; }

Result<PublicKey> read_public_key(ByteView bytes, const ParamsPtr& params) {
  ObjectHeader header;
  const auto payload = read_object(bytes, ObjectKind::public_key, params->id(), &header);
  if (!payload.ok()) return payload.error();
  if (bytes.size() != public_key_bytes(*params)) {
    return malformed("public key: " + std::to_string(bytes.size()) + " bytes where " +
                     std::to_string(public_key_bytes(*params)) + " are right");
  }
  ByteReader reader(*payload);
  const Seed seed = *read_array<32>(reader);
  auto b = read_limbs(reader, *params, params->num_primes(), true);
  if (!b.ok()) return b.error();
  return PublicKey{params, header.key_id, seed, std::move(*b)};
}

Bytes write_key_set(const EvaluationKeys& evaluation, const PublicKey& public_key) {
  Bytes out = write_evaluation_keys(evaluation);
  const Bytes more = write_public_key(public_key);
  out.insert(out.end(), more.begin(), more.end());
  return out;
}

Result<KeySet> read_key_set(ByteView bytes, const ParamsPtr& params, std::span<const KeyRequest> requests) {
  const size_t first = evaluation_key_bytes(*params, requests);
  if (bytes.size() != first + public_key_bytes(*params)) {
    return Error(ErrorCode::malformed, "a key set of " + std::to_string(bytes.size()) + " bytes; right are " +
                                           std::to_string(first + public_key_bytes(*params)));
  }
  auto evaluation = read_evaluation_keys(bytes.first(first), params);
  if (!evaluation.ok()) return evaluation.error();
  auto public_key = read_public_key(bytes.subspan(first), params);
  if (!public_key.ok()) return public_key.error();
  return KeySet{*std::move(evaluation), *std::move(public_key)};
}

size_t key_set_bytes(const Params& params, std::span<const KeyRequest> requests) {
  return evaluation_key_bytes(params, requests) + public_key_bytes(params);
}

}  // namespace cryptotl

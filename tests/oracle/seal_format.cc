#include "oracle/seal_format.h"

#include <algorithm>

#include "cryptotl/rns/kernels.h"

namespace cryptotl {
namespace {

constexpr uint16_t kMagic = 0xa15e;
constexpr uint8_t kHeaderSize = 16;
constexpr uint8_t kVersion[] = {4, 3};
constexpr size_t kSealHeaderBytes = 16;

[[noreturn]] void malformed(const std::string& what) {
  throw Error(ErrorCode::malformed, "no object of SEAL: " + what);
}

void require(bool condition, const char* what) {
  if (!condition) malformed(what);
}

Bytes with_header(const Bytes& members) {
  ByteWriter writer(kSealHeaderBytes + members.size());
  writer.number(kMagic);
  writer.number(kHeaderSize);
  writer.bytes(kVersion);
  writer.number(uint8_t{0});  // compression: none
  writer.number(uint16_t{0});
  writer.number(static_cast<uint64_t>(kSealHeaderBytes + members.size()));
  writer.bytes(members);
  return writer.take();
}

/// The members behind the next header.
ByteReader open(ByteReader& reader) {
  require(*reader.number<uint16_t>() == kMagic && *reader.number<uint8_t>() == kHeaderSize, "wrong magic");
  static_cast<void>(*reader.bytes(2));
  require(*reader.number<uint8_t>() == 0, "compressed");
  static_cast<void>(*reader.number<uint16_t>());
  const auto size = *reader.number<uint64_t>();
  require(size >= kSealHeaderBytes, "a size below the header's own");
  return ByteReader(*reader.bytes(size - kSealHeaderBytes));
}

ByteReader open(ByteView bytes) {
  ByteReader reader(bytes);
  return open(reader);
}

void write_words(ByteWriter& writer, std::span<const uint64_t> words) {
  writer.bytes({reinterpret_cast<const uint8_t*>(words.data()), words.size_bytes()});
}

ParmsId read_id(ByteReader& reader) {
  ParmsId id;
  for (uint64_t& word : id) word = *reader.number<uint64_t>();
  return id;
}

void write_polynomial(ByteWriter& writer, const RnsPolynomial& polynomial) {
  for (size_t i = 0; i < polynomial.num_limbs(); ++i) {
    const std::vector<uint64_t> wide(polynomial.limb(i), polynomial.limb(i) + polynomial.n());
    write_words(writer, wide);
  }
}

RnsPolynomial read_polynomial(ByteReader& reader, const Params& params, size_t limbs) {
  RnsPolynomial out(params.n(), limbs);
  for (size_t i = 0; i < limbs; ++i) {
    for (uint32_t& residue : out.limb_span(i)) {
      const auto word = *reader.number<uint64_t>();
      require(word < params.modulus(i).value(), "a residue that is not below its prime");
      residue = static_cast<uint32_t>(word);
    }
  }
  return out;
}

/// SEAL's DynArray: the count and the words, under a header.
Bytes array_of(std::span<const RnsPolynomial* const> polynomials) {
  ByteWriter writer;
  uint64_t count = 0;
  for (const RnsPolynomial* polynomial : polynomials) count += polynomial->num_limbs() * polynomial->n();
  writer.number(count);
  for (const RnsPolynomial* polynomial : polynomials) write_polynomial(writer, *polynomial);
  return with_header(writer.take());
}

/// A ciphertext's or a public key's members, under a header.
Bytes ciphertext_of(const ParmsId& id, double scale, std::span<const RnsPolynomial* const> parts) {
  ByteWriter writer;
  write_words(writer, id);
  writer.number(uint8_t{1});  // NTT form
  writer.number(static_cast<uint64_t>(parts.size()));
  writer.number(static_cast<uint64_t>(parts[0]->n()));
  writer.number(static_cast<uint64_t>(parts[0]->num_limbs()));
  writer.number(scale);
  writer.number(uint64_t{1});  // correction factor, BGV's alone
  writer.bytes(array_of(parts));
  return with_header(writer.take());
}

struct SealCiphertext {
  double scale;
  std::vector<RnsPolynomial> parts;
};

SealCiphertext read_ciphertext_members(const SealContext& context, ByteReader reader) {
  const Params& params = *context.params;
  const ParmsId id = read_id(reader);
  require(*reader.number<uint8_t>() == 1, "not in NTT form");
  const auto parts = *reader.number<uint64_t>();
  const auto n = *reader.number<uint64_t>();
  const auto limbs = *reader.number<uint64_t>();
  require(n == params.n() && context.parms_ids.contains(limbs) && context.parms_ids.at(limbs) == id,
          "made under other parameters");
  SealCiphertext out{*reader.number<double>(), {}};
  require(*reader.number<uint64_t>() == 1, "a correction factor");
  ByteReader words = open(reader);
  require(*words.number<uint64_t>() == parts * n * limbs,
          "a wrong number of words (a seed instead of a part?)");
  for (size_t part = 0; part < parts; ++part) out.parts.push_back(read_polynomial(words, params, limbs));
  require(words.remaining() == 0 && reader.remaining() == 0, "bytes too many");
  return out;
}

/// A plaintext's or a secret key's members; limbs are counted by the words.
Bytes plaintext_of(const ParmsId& id, double scale, const RnsPolynomial& polynomial) {
  ByteWriter writer;
  write_words(writer, id);
  writer.number(static_cast<uint64_t>(polynomial.n() * polynomial.num_limbs()));
  writer.number(scale);
  const RnsPolynomial* const one[] = {&polynomial};
  writer.bytes(array_of(one));
  return with_header(writer.take());
}

Plaintext read_plaintext_members(const SealContext& context, ByteReader reader) {
  const ParmsId id = read_id(reader);
  const auto count = *reader.number<uint64_t>();
  const size_t limbs = count / context.params->n();
  require(context.parms_ids.contains(limbs) && context.parms_ids.at(limbs) == id,
          "made under other parameters");
  const auto scale = *reader.number<double>();
  ByteReader words = open(reader);
  require(*words.number<uint64_t>() == count && count % context.params->n() == 0, "a wrong number of words");
  return {context.params, scale, read_polynomial(words, *context.params, limbs)};
}

const ParmsId& key_id_of(const SealContext& context) {
  return context.parms_ids.at(context.params->num_primes() + 1);
}

/// KSwitchKeys: for each slot of the table the digits of one key, or none.
Bytes key_table_of(const SealContext& context, const EvaluationKeys& keys,
                   std::span<const SwitchingKey* const> table) {
  const Params& params = *context.params;
  ByteWriter writer;
  write_words(writer, key_id_of(context));
  writer.number(static_cast<uint64_t>(table.size()));
  for (const SwitchingKey* key : table) {
    writer.number(static_cast<uint64_t>(key == nullptr ? 0 : key->request.limbs));
    if (key == nullptr) continue;
    require(key->request.limbs == params.num_primes(), "a key below the top level");
    for (size_t digit = 0; digit < key->request.limbs; ++digit) {
      RnsPolynomial a(params.n(), key->request.limbs + 1);
      for (size_t limb = 0; limb < a.num_limbs(); ++limb)
        expand_key_seed(params, keys.key_id, *key, digit, limb, a.limb_span(limb));
      const RnsPolynomial* const halves[] = {&key->b[digit], &a};
      writer.bytes(ciphertext_of(key_id_of(context), 1.0, halves));
    }
  }
  return with_header(writer.take());
}

/// [slot], without digits where SEAL has no key.
std::vector<SealSwitchingKey> read_key_table(const SealContext& context, ByteView bytes) {
  ByteReader reader = open(bytes);
  require(read_id(reader) == key_id_of(context), "made under other parameters");
  std::vector<SealSwitchingKey> table;
  const auto slots = *reader.number<uint64_t>();
  for (uint64_t slot = 0; slot < slots; ++slot) {
    SealSwitchingKey& key = table.emplace_back();
    key.request.limbs = *reader.number<uint64_t>();
    for (size_t digit = 0; digit < key.request.limbs; ++digit) {
      SealCiphertext pair = read_ciphertext_members(context, open(reader));
      require(pair.parts.size() == 2, "a key of other than two halves");
      key.b.push_back(std::move(pair.parts[0]));
      key.a.push_back(std::move(pair.parts[1]));
    }
  }
  require(reader.remaining() == 0, "bytes too many");
  return table;
}

size_t galois_slot(uint32_t galois_element) { return (galois_element - 1) / 2; }

}  // namespace

Bytes write_seal(const SealContext& context, const Ciphertext& ciphertext) {
  std::vector<const RnsPolynomial*> parts;
  for (const RnsPolynomial& part : ciphertext.parts) parts.push_back(&part);
  return ciphertext_of(context.parms_ids.at(ciphertext.num_limbs()), ciphertext.scale, parts);
}

Bytes write_seal(const SealContext& context, const Plaintext& plaintext) {
  return plaintext_of(context.parms_ids.at(plaintext.polynomial.num_limbs()), plaintext.scale,
                      plaintext.polynomial);
}

Bytes write_seal(const SealContext& context, const SecretKey& key) {
  const Params& params = *context.params;
  RnsPolynomial s(params.n(), params.num_primes() + 1);
  for (size_t i = 0; i < s.num_limbs(); ++i) std::ranges::copy(key.ntt(i), s.limb(i));
  return plaintext_of(key_id_of(context), 1.0, s);
}

Bytes write_seal(const SealContext& context, const PublicKey& key) {
  const RnsPolynomial a = expand_public_key_seed(key);
  const RnsPolynomial* const halves[] = {&key.b, &a};
  return ciphertext_of(key_id_of(context), 1.0, halves);
}

Bytes write_seal_relinearisation_keys(const SealContext& context, const EvaluationKeys& keys) {
  const SwitchingKey* const table[] = {keys.find(kRelinearisation, context.params->num_primes())};
  return key_table_of(context, keys, table);
}

Bytes write_seal_galois_keys(const SealContext& context, const EvaluationKeys& keys) {
  std::vector<const SwitchingKey*> table(context.params->n());
  for (const SwitchingKey& key : keys.keys) {
    if (key.request.galois_element != kRelinearisation) table[galois_slot(key.request.galois_element)] = &key;
  }
  return key_table_of(context, keys, table);
}

Ciphertext read_seal_ciphertext(const SealContext& context, ByteView bytes, const KeyId& key_id) {
  SealCiphertext members = read_ciphertext_members(context, open(bytes));
  Ciphertext out(context.params, key_id, 0, 0);
  out.scale = members.scale;
  out.parts = std::move(members.parts);
  return out;
}

Plaintext read_seal_plaintext(const SealContext& context, ByteView bytes) {
  return read_plaintext_members(context, open(bytes));
}

SecretKey read_seal_secret_key(const SealContext& context, ByteView bytes, const KeyId& key_id) {
  Plaintext s = read_plaintext_members(context, open(bytes));
  const Params& params = *context.params;
  std::vector<int8_t> coefficients(params.n());
  for (size_t i = 0; i < s.polynomial.num_limbs(); ++i) {
    uint32_t* limb = s.polynomial.limb(i);
    kernels().ntt_inverse(limb, params.tables(i));
    for (size_t j = 0; j < params.n(); ++j) {
      const bool minus = limb[j] == params.modulus(i).value() - 1;
      require(minus || limb[j] <= 1, "a secret that is not ternary (another root or order of the NTT?)");
      const auto coefficient = static_cast<int8_t>(minus ? -1 : static_cast<int>(limb[j]));
      require(i == 0 || coefficients[j] == coefficient, "a secret that differs between two primes");
      coefficients[j] = coefficient;
    }
  }
  return SecretKey::from_coefficients(context.params, key_id, coefficients);
}

SealSwitchingKey read_seal_relinearisation_key(const SealContext& context, ByteView bytes) {
  std::vector<SealSwitchingKey> table = read_key_table(context, bytes);
  require(table.size() == 1, "other than one relinearisation key");
  return std::move(table[0]);
}

std::vector<SealSwitchingKey> read_seal_galois_keys(const SealContext& context, ByteView bytes) {
  std::vector<SealSwitchingKey> table = read_key_table(context, bytes);
  for (size_t slot = 0; slot < table.size(); ++slot)
    table[slot].request.galois_element = static_cast<uint32_t>(2 * slot + 1);
  std::erase_if(table, [](const SealSwitchingKey& key) { return key.request.limbs == 0; });
  return table;
}

}  // namespace cryptotl

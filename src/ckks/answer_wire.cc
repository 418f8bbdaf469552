// An answer's bytes: coefficients in no more bits than they have.
#include <cmath>

#include "ckks/bit_packing.h"
#include "cryptotl/ckks/wire.h"

namespace cryptotl {
namespace {

constexpr size_t kAnswerFields = 1 + 1 + 2 + 8;  // modulus bits, dropped bits, reserved; scale

Error malformed(const std::string& what) { return Error(ErrorCode::malformed, "answer: " + what); }

std::vector<uint64_t> unpack(ByteView packed, size_t bits, size_t n) {
  std::vector<uint64_t> out(n);
  unpack_bits<uint64_t>(packed, bits, out);
  return out;
}

}  // namespace

size_t answer_bytes(const Params& params, size_t modulus_bits, size_t dropped_bits) {
  return kHeaderBytes + kAnswerFields + packed_bytes(params.n(), modulus_bits - dropped_bits) +
         packed_bytes(params.n(), modulus_bits);
}

Bytes write_answer(const SwitchedCiphertext& answer) {
  const size_t n = answer.params->n();
  const size_t bits = answer.modulus_bits;
  const size_t kept = bits - answer.dropped_bits;
  ByteWriter writer(answer_bytes(*answer.params, bits, answer.dropped_bits) - kHeaderBytes);
  writer.number(static_cast<uint8_t>(bits));
  writer.number(static_cast<uint8_t>(answer.dropped_bits));
  writer.number(uint16_t{0});
  writer.number(answer.scale);
  pack_bits<uint64_t>(answer.c0, kept, writer.reserve(packed_bytes(n, kept)));
  pack_bits<uint64_t>(answer.c1, bits, writer.reserve(packed_bytes(n, bits)));
  return write_object(ObjectKind::answer, answer.params->id(), answer.key_id, writer.take());
}

Result<SwitchedCiphertext> read_answer(ByteView bytes, const ParamsPtr& params) {
  ObjectHeader header;
  const auto payload = read_object(bytes, ObjectKind::answer, params->id(), &header);
  if (!payload.ok()) return payload.error();
  if (payload->size() < kAnswerFields) return malformed("truncated");
  ByteReader reader(*payload);
  SwitchedCiphertext out;
  out.params = params;
  out.key_id = header.key_id;
  out.modulus_bits = *reader.number<uint8_t>();
  out.dropped_bits = *reader.number<uint8_t>();
  const uint16_t reserved = *reader.number<uint16_t>();
  out.scale = *reader.number<double>();
  const Status switched = check_switch(*params, out.modulus_bits, out.dropped_bits);
  if (!switched.ok()) return malformed(switched.error().what());
  if (reserved != 0) return malformed("reserved fields are not zero");
  if (!(std::isfinite(out.scale) && out.scale >= 1.0))
    return malformed("the scale is not a finite number of at least 1");
  const size_t right = answer_bytes(*params, out.modulus_bits, out.dropped_bits);
  if (bytes.size() != right) {
    return malformed(std::to_string(bytes.size()) + " bytes where " + std::to_string(right) + " are right");
  }
  const size_t kept = out.modulus_bits - out.dropped_bits;
  out.c0 = unpack(*reader.bytes(packed_bytes(params->n(), kept)), kept, params->n());
  out.c1 = unpack(*reader.bytes(packed_bytes(params->n(), out.modulus_bits)), out.modulus_bits, params->n());
  return out;
}

}  // namespace cryptotl

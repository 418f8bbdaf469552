// The rows of a batch on the wire: kind 7 of docs/format.md.
#include <algorithm>

#include "ckks/limb_wire.h"

namespace cryptotl {
namespace {

constexpr size_t kRowFields = sizeof(Digest) + 8 + 4 + 4;  // seed, number, row, limbs

Error malformed(const std::string& what) { return Error(ErrorCode::malformed, "batch row: " + what); }

}  // namespace

size_t batch_row_bytes(const Params& params, size_t limbs) {
  return kHeaderBytes + kRowFields + limbs * packed_limb_bytes(params);
}

Bytes write_batch_row(const Params& params, const KeyId& key_id, const BatchRow& place,
                      const RnsPolynomial& c0) {
  ByteWriter writer(batch_row_bytes(params, c0.num_limbs()) - kHeaderBytes);
  writer.bytes(place.seed);
  writer.number(place.number);
  writer.number(place.row);
  writer.number(static_cast<uint32_t>(c0.num_limbs()));
  for (size_t i = 0; i < c0.num_limbs(); ++i)
    pack_residues(c0.limb_span(i), writer.reserve(packed_limb_bytes(params)));
  return write_object(ObjectKind::batch_row, params.id(), key_id, writer.take());
}

Result<BatchRow> read_batch_row(ByteView bytes, const Params& params, std::span<uint32_t* const> out,
                                KeyId* key_id) {
  const size_t right = batch_row_bytes(params, out.size());
  if (bytes.size() != right)
    return malformed(std::to_string(bytes.size()) + " bytes where " + std::to_string(right) + " are right");
  ObjectHeader header;
  const auto payload = read_object(bytes, ObjectKind::batch_row, params.id(), &header);
  if (!payload.ok()) return payload.error();
  ByteReader reader(*payload);
  BatchRow place;
  std::ranges::copy(*reader.bytes(sizeof(Digest)), place.seed.begin());
  place.number = *reader.number<uint64_t>();
  place.row = *reader.number<uint32_t>();
  const uint32_t limbs = *reader.number<uint32_t>();
  if (limbs != out.size())
    return malformed(std::to_string(limbs) + " limbs where " + std::to_string(out.size()) + " are right");
  for (size_t i = 0; i < out.size(); ++i) {
    const Status limb =
        unpack_limb(*reader.bytes(packed_limb_bytes(params)), i, params.modulus(i), {out[i], params.n()});
    if (!limb.ok()) return malformed(limb.error().what());
  }
  if (key_id != nullptr) *key_id = header.key_id;
  return place;
}

}  // namespace cryptotl

#include <cstring>

#include "cryptotl/base/bytes.h"
#include "cryptotl/base/file.h"
#include "cryptotl/execute/batch.h"

namespace cryptotl {
namespace {

constexpr uint32_t kMagic = 0x48425443;  // "CTBH"
constexpr uint32_t kVersion = 1;
constexpr size_t kHeadBytes = 4 + 4 + 4 * sizeof(Digest) + 8 + 8;

size_t words_of(const BatchPlan& plan) { return plan.widths[1] * plan.matrix_output(0).limbs * plan.slots(); }

/// All but the digest of head and words, which follows it.
Bytes head(const BatchProgram& program, const Digest& first_matrix, const Digest& seed, uint64_t number) {
  ByteWriter writer(kHeadBytes - sizeof(Digest));
  writer.number(kMagic);
  writer.number(kVersion);
  writer.bytes(program.params()->id());
  writer.bytes(first_matrix);
  writer.bytes(seed);
  writer.number(number);
  writer.number(uint64_t{words_of(program.plan())});
  return writer.take();
}

}  // namespace

size_t BatchHalf::file_bytes(const BatchPlan& plan) { return kHeadBytes + words_of(plan) * sizeof(uint32_t); }

Status BatchHalf::write(const std::filesystem::path& path, const BatchProgram& program) const {
  const Bytes begin = head(program, program.first_matrix_, seed_, number_);
  const ByteView words(reinterpret_cast<const uint8_t*>(words_.data()), bytes());
  auto file = FileWriter::begin(path, FileMode::owner_only);
  if (!file.ok()) return file.error();
  CRYPTOTL_TRY(file->append(begin));
  CRYPTOTL_TRY(file->append(Hasher().add(begin).add(words).finish()));
  CRYPTOTL_TRY(file->append(words));
  return file->commit();
}

Result<std::shared_ptr<const BatchHalf>> BatchHalf::read(const std::filesystem::path& path,
                                                         const BatchProgram& program, const Digest& seed,
                                                         uint64_t number) {
  const auto file = FileReader::open(path);
  if (!file.ok()) return file.error();
  if (file->size() != file_bytes(program.plan()))
    return in_file(path, ErrorCode::malformed, "it has another length than its plan's halves");
  Bytes begin(kHeadBytes);
  const auto got = file->read(0, begin);
  if (!got.ok()) return got.error();
  const Bytes expected = head(program, program.first_matrix_, seed, number);
  if (!std::equal(expected.begin(), expected.end(), begin.begin()))
    return in_file(path, ErrorCode::parameter_mismatch, "it is of another program, seed or number");
  const auto out = std::make_shared<BatchHalf>();
  out->seed_ = seed;
  out->number_ = number;
  out->words_.resize(words_of(program.plan()));
  const std::span<uint8_t> words(reinterpret_cast<uint8_t*>(out->words_.data()), out->bytes());
  const auto all = file->read(kHeadBytes, words);
  if (!all.ok()) return all.error();
  if (*all != words.size()) return in_file(path, ErrorCode::malformed, "truncated");
  const Digest sum = Hasher().add(expected).add(words).finish();
  if (!std::equal(sum.begin(), sum.end(), begin.begin() + static_cast<std::ptrdiff_t>(expected.size())))
    return in_file(path, ErrorCode::malformed, "corrupted: the bytes do not match their digest");
  return std::shared_ptr<const BatchHalf>(out);
}

}  // namespace cryptotl

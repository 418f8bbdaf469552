#include "cryptotl/ckks/encrypted_inputs.h"

#include <algorithm>

#include "cryptotl/base/file.h"

namespace cryptotl {
namespace {

constexpr size_t kFieldBytes = 3 * sizeof(Digest) + 8 + 8;
constexpr size_t kFirstCiphertext = kHeaderBytes + kFieldBytes;
constexpr size_t kPieceBytes = size_t{1} << 20;

Error malformed(const std::filesystem::path& path, const std::string& what) {
  return in_file(path, ErrorCode::malformed, what);
}

Bytes fields_of(const EncryptedInputsHeader& header) {
  ByteWriter writer(kFieldBytes);
  writer.bytes(header.model);
  writer.bytes(header.plan);
  writer.bytes(header.public_key);
  writer.number(header.count);
  writer.number(header.ciphertext_bytes);
  return writer.take();
}

Digest next_digest(ByteReader& reader) {
  Digest out;
  std::ranges::copy(*reader.bytes(out.size()), out.begin());
  return out;
}

struct Headers {
  ObjectHeader object;
  EncryptedInputsHeader inputs;
};

Result<Headers> read_headers(const FileReader& file) {
  Bytes first(kFirstCiphertext);
  const auto size = file.read(0, first);
  if (!size.ok()) return size.error();
  const auto object = read_header(ByteView(first).first(*size));
  if (!object.ok()) return in_file(file.path(), object.error());
  if (object->kind != ObjectKind::encrypted_inputs) {
    return malformed(file.path(), "an object of kind " + std::string(name(object->kind)) + " where " +
                                      std::string(name(ObjectKind::encrypted_inputs)) + " are expected");
  }
  if (*size < kFirstCiphertext || object->payload_bytes != file.size() - kHeaderBytes) {
    return malformed(file.path(), std::to_string(file.size()) + " bytes; the header states " +
                                      std::to_string(kHeaderBytes) + " and a payload of " +
                                      std::to_string(object->payload_bytes));
  }
  ByteReader reader(ByteView(first).subspan(kHeaderBytes));
  EncryptedInputsHeader out{object->params_id,         object->key_id,      next_digest(reader),
                            next_digest(reader),       next_digest(reader), *reader.number<uint64_t>(),
                            *reader.number<uint64_t>()};
  const uint64_t rest = object->payload_bytes - kFieldBytes;
  // Divided, not multiplied: what a file states may overflow.
  if (out.count == 0 || out.ciphertext_bytes == 0 || rest % out.ciphertext_bytes != 0 ||
      rest / out.ciphertext_bytes != out.count) {
    return malformed(file.path(), std::to_string(out.count) + " ciphertexts of " +
                                      std::to_string(out.ciphertext_bytes) + " bytes do not make the " +
                                      std::to_string(rest) + " that follow");
  }
  return Headers{*object, out};
}

/// Of the whole file, as the header has it: with zeros where the digest stands.
Result<Digest> file_digest(const FileReader& file, const ProgressFunction& progress) {
  Hasher hasher;
  Bytes piece(kPieceBytes);
  for (size_t done = 0; done < file.size();) {
    const size_t wanted = std::min(piece.size(), file.size() - done);
    const auto count = file.read(done, std::span(piece).first(wanted));
    if (!count.ok()) return count.error();
    if (*count < wanted) return malformed(file.path(), "it became shorter while it was read");
    if (done == 0) std::fill_n(piece.begin() + kDigestOffset, sizeof(Digest), uint8_t{0});
    hasher.add(ByteView(piece).first(wanted));
    done += wanted;
    if (progress) progress(done, file.size());
  }
  return hasher.finish();
}

}  // namespace

Result<EncryptedInputsHeader> read_encrypted_inputs_header(const FileReader& file) {
  const auto headers = read_headers(file);
  if (!headers.ok()) return headers.error();
  return headers->inputs;
}

Result<EncryptedInputsWriter> EncryptedInputsWriter::begin(const std::filesystem::path& path,
                                                           const EncryptedInputsHeader& header) {
  auto file = FileWriter::begin(path);
  if (!file.ok()) return file.error();
  EncryptedInputsWriter out(*std::move(file), header);
  Bytes first = object_header(ObjectKind::encrypted_inputs, header.params_id, header.key_id,
                              kFieldBytes + header.count * header.ciphertext_bytes);
  const Bytes fields = fields_of(header);
  first.insert(first.end(), fields.begin(), fields.end());
  out.hasher_.add(first);
  CRYPTOTL_TRY(out.file_.append(first));
  return out;
}

Status EncryptedInputsWriter::add(ByteView ciphertext) {
  if (ciphertext.size() != header_.ciphertext_bytes || added_ == header_.count) {
    throw Error(ErrorCode::invalid_argument,
                "a file of " + std::to_string(header_.count) + " ciphertexts of " +
                    std::to_string(header_.ciphertext_bytes) + " bytes takes no other one");
  }
  hasher_.add(ciphertext);
  ++added_;
  return file_.append(ciphertext);
}

Status EncryptedInputsWriter::finish() {
  if (added_ != header_.count || added_ == 0) {
    throw Error(ErrorCode::invalid_argument, std::to_string(added_) + " of " + std::to_string(header_.count) +
                                                 " ciphertexts were added; there must be one at least");
  }
  CRYPTOTL_TRY(file_.replace(kDigestOffset, hasher_.finish()));
  return file_.commit();
}

Result<EncryptedInputs> EncryptedInputs::open(const std::filesystem::path& path, const ParamsPtr& params,
                                              size_t limbs) {
  auto file = FileReader::open(path);
  if (!file.ok()) return file.error();
  const auto headers = read_headers(*file);
  if (!headers.ok()) return headers.error();
  if (headers->inputs.params_id != params->id()) {
    return Error(ErrorCode::parameter_mismatch, path.string() + ": made under parameters " +
                                                    hex(headers->inputs.params_id).substr(0, 16) + ", not " +
                                                    hex(params->id()).substr(0, 16));
  }
  const size_t right = ciphertext_bytes(*params, 2, limbs, false);
  if (headers->inputs.ciphertext_bytes != right) {
    return malformed(path, "ciphertexts of " + std::to_string(headers->inputs.ciphertext_bytes) +
                               " bytes where " + std::to_string(right) + " are right");
  }
  return EncryptedInputs(*std::move(file), headers->inputs, headers->object.digest, params);
}

Status EncryptedInputs::verify(const ProgressFunction& progress) const {
  const auto sum = file_digest(file_, progress);
  if (!sum.ok()) return sum.error();
  if (*sum != digest_) return malformed(path(), "corrupted: the bytes do not match their digest");
  return {};
}

Result<Bytes> EncryptedInputs::ciphertext(size_t i) const {
  CRYPTOTL_ASSERT(i < count());
  const auto refuse = [&](const std::string& what) {
    return malformed(path(), "input " + std::to_string(i + 1) + ": " + what);
  };
  Bytes bytes(header_.ciphertext_bytes);
  const auto count = file_.read(kFirstCiphertext + i * bytes.size(), bytes);
  if (!count.ok()) return count.error();
  if (*count < bytes.size()) return refuse("the file became shorter while it was read");
  const auto ciphertext = read_ciphertext(bytes, params_);
  if (!ciphertext.ok()) return refuse(ciphertext.error().what());
  if (ciphertext->key_id != header_.key_id) {
    return refuse("under key " + hex(ciphertext->key_id) + "; the file is one for key " +
                  hex(header_.key_id));
  }
  if (ciphertext->seed || ciphertext->parts.size() != 2)
    return refuse("not two whole parts, as encryption with a public key gives them");
  return bytes;
}

}  // namespace cryptotl

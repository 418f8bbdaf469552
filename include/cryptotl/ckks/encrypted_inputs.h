#pragma once

#include "cryptotl/base/file.h"
#include "cryptotl/base/progress.h"
#include "cryptotl/ckks/wire.h"

namespace cryptotl {

/// What a file of encrypted inputs says of itself (docs/format.md): for whom and for what it was encrypted.
/// Nothing of it is proven; whoever writes such a file can write anything.
struct EncryptedInputsHeader {
  Digest params_id{};
  KeyId key_id{};
  Digest model{};       ///< whose scaler the rows went through
  Digest plan{};        ///< by which they were packed
  Digest public_key{};  ///< fingerprint of the key that they were encrypted with
  uint64_t count = 0;
  uint64_t ciphertext_bytes = 0;  ///< of each
};

/// The header of a file and whether its length is the one that follows. Does not look at the ciphertexts.
Result<EncryptedInputsHeader> read_encrypted_inputs_header(const FileReader& file);

/// Writes a file of encrypted inputs as they come, whole or not at all: holds one ciphertext at a time.
class EncryptedInputsWriter {
 public:
  /// `header.count` is how many will follow.
  static Result<EncryptedInputsWriter> begin(const std::filesystem::path& path,
                                             const EncryptedInputsHeader& header);
  /// The next one, as write_ciphertext gives it. Throws invalid_argument for another length than the
  /// header's, and for one too many.
  Status add(ByteView ciphertext);
  /// Puts the file in its place. Throws invalid_argument before all have been added.
  Status finish();

 private:
  EncryptedInputsWriter(FileWriter file, const EncryptedInputsHeader& header)
      : file_(std::move(file)), header_(header) {}
  FileWriter file_;
  EncryptedInputsHeader header_;
  Hasher hasher_;
  uint64_t added_ = 0;
};

/// A file of encrypted inputs to be read one at a time. Const calls may come from several threads.
class EncryptedInputs {
 public:
  /// Refuses what is not such a file of ciphertexts over `limbs` primes of these parameters:
  /// parameter_mismatch for others, malformed for a wrong length. Looks at nothing behind the header.
  static Result<EncryptedInputs> open(const std::filesystem::path& path, const ParamsPtr& params,
                                      size_t limbs);

  const EncryptedInputsHeader& header() const { return header_; }
  const std::filesystem::path& path() const { return file_.path(); }
  size_t count() const { return header_.count; }

  /// Reads the whole file, a piece at a time, and holds it to its digest; `progress` counts bytes.
  Status verify(const ProgressFunction& progress = {}) const;

  /// Ciphertext i < count(), ready to be sent. malformed, naming it (from 1), where it is none, has a seed,
  /// or is under another key than the header names.
  Result<Bytes> ciphertext(size_t i) const;

 private:
  EncryptedInputs(FileReader file, const EncryptedInputsHeader& header, const Digest& digest,
                  ParamsPtr params)
      : file_(std::move(file)), header_(header), digest_(digest), params_(std::move(params)) {}
  FileReader file_;
  EncryptedInputsHeader header_;
  Digest digest_;
  ParamsPtr params_;
};

}  // namespace cryptotl

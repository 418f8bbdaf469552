#include "cryptotl/ckks/secret_key_file.h"

#include <sys/stat.h>

#include "cryptotl/base/file.h"
#include "cryptotl/ckks/wire.h"

namespace cryptotl {
namespace {

struct WipedAtTheEnd {
  Bytes& bytes;
  ~WipedAtTheEnd() { wipe(bytes); }
};

}  // namespace

Status write_secret_key(const std::filesystem::path& path, const SecretKey& key) {
  const auto coefficients = key.coefficients();
  SecretBuffer<uint8_t> payload(coefficients.size());
  for (size_t j = 0; j < coefficients.size(); ++j) payload[j] = static_cast<uint8_t>(coefficients[j] + 1);
  Bytes object = write_object(ObjectKind::secret_key, key.params()->id(), key.id(), payload.span());
  const WipedAtTheEnd guard{object};
  return write_file(path, object, FileMode::owner_only);
}

Result<SecretKey> read_secret_key(const std::filesystem::path& path, const ParamsPtr& params) {
  struct stat info {};
  if (::stat(path.c_str(), &info) == 0 && (info.st_mode & 077) != 0) {
    return Error(ErrorCode::insecure_parameters,
                 path.string() + " may be read by others than its owner; chmod 600 it, or make new keys");
  }
  auto file = read_file(path, kHeaderBytes + params->n());
  if (!file.ok()) return file.error();
  const WipedAtTheEnd guard{*file};
  ObjectHeader header;
  const auto payload = read_object(*file, ObjectKind::secret_key, params->id(), &header);
  if (!payload.ok()) return in_file(path, payload.error());
  if (payload->size() != params->n()) return in_file(path, ErrorCode::malformed, "not N coefficients");
  SecretBuffer<int8_t> coefficients(params->n());
  bool ternary = true;
  for (size_t j = 0; j < coefficients.size(); ++j) {
    coefficients[j] = static_cast<int8_t>(static_cast<int>((*payload)[j]) - 1);
    ternary &= (*payload)[j] <= 2;
  }
  if (!ternary) return Error(ErrorCode::malformed, path.string() + ": a coefficient is not -1, 0 or 1");
  return SecretKey::from_coefficients(params, header.key_id, coefficients.span());
}

}  // namespace cryptotl

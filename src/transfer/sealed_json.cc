#include "transfer/sealed_json.h"

#include "cryptotl/base/digest.h"

namespace cryptotl {

std::string seal_json(nlohmann::json object) {
  object["digest"] = hex(digest(as_bytes(object.dump())));
  return object.dump(1) + "\n";
}

Result<nlohmann::json> open_sealed_json(ByteView bytes, const std::filesystem::path& path) {
  nlohmann::json object = nlohmann::json::parse(as_text(bytes), nullptr, false);
  if (!object.is_object()) return Error(ErrorCode::malformed, path.string() + ": not a JSON object");
  object.erase("digest");
  if (seal_json(object) != as_text(bytes)) {
    return Error(ErrorCode::malformed, path.string() + ": corrupted: the bytes do not match their digest");
  }
  return object;
}

}  // namespace cryptotl

#include "execute/key_set.h"

#include <string>

namespace cryptotl {

Status check_key_set(const Params& params, const EvaluationKeys& keys, const PublicKey& public_key,
                     std::string_view what) {
  const std::string begin = std::string(what) + ": ";
  if (params.id() != keys.params->id() || params.id() != public_key.params->id())
    return Error(ErrorCode::parameter_mismatch, begin + "made under other parameters than the plan's");
  if (keys.key_id != public_key.key_id)
    return Error(ErrorCode::parameter_mismatch, begin + "the public key belongs to another secret key");
  return {};
}

Result<const SwitchingKey*> find_key(const EvaluationKeys& keys, const KeyRequest& wanted,
                                     std::string_view what) {
  if (const SwitchingKey* key = keys.find(wanted.galois_element, wanted.limbs)) return key;
  const std::string name = wanted.galois_element == kRelinearisation
                               ? "the relinearisation key"
                               : "the key of Galois element " + std::to_string(wanted.galois_element);
  return Error(ErrorCode::missing_key, std::string(what) + ": " + name + " for " +
                                           std::to_string(wanted.limbs) + " limbs is missing");
}

}  // namespace cryptotl

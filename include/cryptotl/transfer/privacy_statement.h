#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "cryptotl/base/error.h"
#include "cryptotl/learn/private_training.h"

namespace cryptotl {

/// What a model or a head says of the privacy of the rows that it was trained on: the mechanism with all its
/// parameters, epsilon, delta, the neighbours that these are about, and what is taken as public. `private` is
/// false where the noise came from a seed.
nlohmann::json privacy_json(const PrivacySpent& spent, const std::string& covers);

/// malformed where it is not one, with a mechanism that can be accounted for.
Result<PrivacySpent> privacy_from_json(const nlohmann::json& json);

/// One line for people.
std::string privacy_text(const nlohmann::json& json);
std::string privacy_text(const PrivacySpent& spent);

}  // namespace cryptotl

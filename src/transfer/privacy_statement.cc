#include "cryptotl/transfer/privacy_statement.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "cryptotl/base/number_text.h"

namespace cryptotl {
namespace {

using Json = nlohmann::json;

}  // namespace

Json privacy_json(const PrivacySpent& spent, const std::string& covers) {
  return {{"private", !spent.seeded && std::isfinite(spent.epsilon)},
          {"epsilon", spent.epsilon},
          {"delta", spent.delta},
          {"mechanism", "DP-SGD: Poisson sampling, clipped gradients, discrete Gaussian noise"},
          {"sampling_rate", spent.mechanism.sampling_rate},
          {"noise_multiplier", spent.mechanism.noise_multiplier},
          {"steps", spent.mechanism.steps},
          {"clipping_norm", spent.clipping_norm},
          {"noise_seeded", spent.seeded},
          {"neighbours", "one labelled row more or less"},
          {"accountant", "privacy loss distributions"},
          {"covers", covers},
          {"public", "the number of rows, the names of the labels, all settings"}};
}

Result<PrivacySpent> privacy_from_json(const Json& json) {
  try {
    PrivacySpent out;
    out.epsilon = json.at("epsilon").get<double>();
    out.delta = json.at("delta").get<double>();
    out.mechanism = {json.at("sampling_rate").get<double>(), json.at("noise_multiplier").get<double>(),
                     json.at("steps").get<size_t>()};
    out.clipping_norm = json.at("clipping_norm").get<double>();
    out.seeded = json.at("noise_seeded").get<bool>();
    const bool sound = out.epsilon > 0 && std::isfinite(out.epsilon) && out.delta > 0 && out.delta < 1 &&
                       out.clipping_norm > 0 && std::isfinite(out.clipping_norm) &&
                       check_mechanism(out.mechanism).ok() && out.mechanism.steps > 0;
    if (sound) return out;
    return Error(ErrorCode::malformed, "privacy: its numbers are those of no mechanism");
  } catch (const Json::exception& error) {
    return Error(ErrorCode::malformed, std::string("privacy: ") + error.what());
  }
}

std::string privacy_text(const PrivacySpent& spent) {
  const std::string how = std::to_string(spent.mechanism.steps) + " steps of DP-SGD with noise of " +
                          number_text(spent.mechanism.noise_multiplier, 4) +
                          " clipping norms, each on a share of " +
                          number_text(spent.mechanism.sampling_rate, 4) + " of the rows";
  if (spent.seeded) return "not private: the noise came from a seed (" + how + ")";
  return "epsilon " + number_text(spent.epsilon, 4) + " at delta " + number_text(spent.delta, 4) +
         " for one labelled row more or less: " + how;
}

std::string privacy_text(const Json& json) {
  const auto spent = privacy_from_json(json);
  return spent.ok() ? privacy_text(*spent) : std::string(spent.error().what());
}

}  // namespace cryptotl

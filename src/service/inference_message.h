#pragma once

#include <string>
#include <string_view>

#include "cryptotl/base/digest.h"
#include "cryptotl/service/limits.h"

namespace cryptotl {

// The JSON parts of the binary tensor data extension, which stand before the ciphertext in a body. The header
// kJsonLengthHeader tells their length; Content-Length tells that of both.

inline constexpr std::string_view kJsonLengthHeader = "Inference-Header-Content-Length";
inline constexpr std::string_view kInputName = "input";
inline constexpr std::string_view kOutputName = "output";
inline constexpr std::string_view kCiphertextType = "UINT8";

struct InferenceRequest {
  std::string id;  ///< repeated in the answer; may be empty
  Digest keys{};   ///< of the evaluation keys' bytes
  Digest model{};  ///< the model that the client encrypted for
  size_t ciphertext_bytes = 0;
};

struct InferenceResponse {
  std::string model_name;
  std::string id;
  size_t ciphertext_bytes = 0;
  double server_ms = 0;
  bool prepared = false;  ///< the server had worked ahead for this seed
};

std::string write_inference_request(const InferenceRequest& request);
/// malformed for a member that is missing, unknown or of another type; a request that does not name its model
/// has `model`'s digest.
Result<InferenceRequest> read_inference_request(std::string_view json, const Digest& model,
                                                const ServiceLimits& limits);

std::string write_inference_response(const InferenceResponse& response);
Result<InferenceResponse> read_inference_response(std::string_view json);

}  // namespace cryptotl

#pragma once

#include <initializer_list>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "cryptotl/base/digest.h"
#include "cryptotl/base/error.h"

namespace cryptotl {

/// An object no deeper than `max_depth`, from text whose length the caller has bounded. malformed otherwise.
Result<nlohmann::json> parse_json_object(std::string_view text, size_t max_depth);

/// malformed where `json` is no object or has a member that is not among `allowed`; `where` names it in the
/// message.
Status require_members(const nlohmann::json& json, std::initializer_list<std::string_view> allowed,
                       const std::string& where);

/// The digest from 64 lower-case hexadecimal digits; malformed for anything else.
Result<Digest> parse_digest(std::string_view digits, const std::string& where);
Result<Digest> parse_digest(const nlohmann::json& json, const std::string& where);

/// {"error": {"code", "message", "request_id"}}.
std::string error_body(const Error& error, const std::string& request_id);
/// The error in such a body, with a code of ours or `internal`; none in another body.
std::optional<Error> parse_error_body(std::string_view body);

}  // namespace cryptotl

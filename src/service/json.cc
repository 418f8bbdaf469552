#include "service/json.h"

#include <algorithm>

namespace cryptotl {
namespace {

using Json = nlohmann::json;

/// How deep brackets nest outside strings; on text that is no JSON, at least as deep as a parser gets.
size_t depth_of(std::string_view text) {
  size_t depth = 0;
  size_t deepest = 0;
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      deepest = std::max(deepest, ++depth);
    } else if ((c == '}' || c == ']') && depth > 0) {
      --depth;
    }
  }
  return deepest;
}

Error malformed_json(const std::string& what) { return Error(ErrorCode::malformed, what); }

ErrorCode code_named(std::string_view wanted) {
  for (int code = 0; code <= static_cast<int>(ErrorCode::internal); ++code) {
    if (name(static_cast<ErrorCode>(code)) == wanted) return static_cast<ErrorCode>(code);
  }
  return ErrorCode::internal;
}

/// One line, whatever the other side sent.
std::string printable(std::string text) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  }
  constexpr size_t kLongest = 500;
  if (text.size() > kLongest) text.resize(kLongest);
  return text;
}

}  // namespace

Result<Json> parse_json_object(std::string_view text, size_t max_depth) {
  if (depth_of(text) > max_depth) {
    return malformed_json("the JSON nests deeper than " + std::to_string(max_depth) + " levels");
  }
  Json json = Json::parse(text, nullptr, false);
  if (!json.is_object()) return malformed_json("not a JSON object");
  return json;
}

Status require_members(const Json& json, std::initializer_list<std::string_view> allowed,
                       const std::string& where) {
  if (!json.is_object()) return malformed_json(where + " is not a JSON object");
  for (const auto& member : json.items()) {
    if (std::ranges::find(allowed, member.key()) != allowed.end()) continue;
    std::string names;
    for (const std::string_view known : allowed) names += (names.empty() ? "" : ", ") + std::string(known);
    return malformed_json(where + " has the unknown member '" + printable(member.key()) + "'; known: " + names);
  }
  return {};
}

Result<Digest> parse_digest(std::string_view digits, const std::string& where) {
  const bool lower_case = digits.find_first_not_of("0123456789abcdef") == std::string_view::npos;
  Digest out{};
  if (digits.size() != 2 * out.size() || !lower_case) {
    return malformed_json(where + " is not a digest of 64 lower-case hexadecimal digits");
  }
  std::ranges::copy(*from_hex(digits), out.begin());
  return out;
}

Result<Digest> parse_digest(const Json& json, const std::string& where) {
  if (!json.is_string()) return malformed_json(where + " is not a string");
  return parse_digest(std::string_view(json.get_ref<const std::string&>()), where);
}

std::string error_body(const Error& error, const std::string& request_id) {
  const Json json = {
      {"error", {{"code", name(error.code())}, {"message", error.what()}, {"request_id", request_id}}}};
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::optional<Error> parse_error_body(std::string_view body) {
  constexpr size_t kDepth = 4;
  const auto json = parse_json_object(body, kDepth);
  const Json error = json.ok() ? json->value("error", Json()) : Json();
  if (!error.is_object()) return std::nullopt;
  const Json code = error.value("code", Json());
  const Json message = error.value("message", Json());
  if (!code.is_string() || !message.is_string()) return std::nullopt;
  return Error(code_named(code.get_ref<const std::string&>()), printable(message.get<std::string>()));
}

}  // namespace cryptotl

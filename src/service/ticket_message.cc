#include "service/ticket_message.h"

#include <algorithm>

#include "cryptotl/service/limits.h"
#include "service/json.h"

namespace cryptotl {
namespace {

using Json = nlohmann::json;

Result<size_t> count(const Json& message, const char* member) {
  const Json number = message.value(member, Json());
  if (!number.is_number_unsigned())
    return Error(ErrorCode::malformed, std::string(member) + " is no number of 0 or more");
  return number.get<size_t>();
}

}  // namespace

Bytes write_seeds(std::span<const Seed> seeds) {
  Bytes out;
  for (const Seed& seed : seeds) out.insert(out.end(), seed.begin(), seed.end());
  return out;
}

Status check_seeds_length(size_t body_bytes) {
  const std::string right = "1 to " + std::to_string(kMaxAnnouncedSeeds) + " seeds of " +
                            std::to_string(sizeof(Seed)) + " bytes are right";
  if (body_bytes > kMaxAnnouncedSeeds * sizeof(Seed)) {
    return Error(ErrorCode::too_large, "the body has " + std::to_string(body_bytes) + " bytes; " + right);
  }
  if (body_bytes == 0 || body_bytes % sizeof(Seed) != 0) {
    return Error(ErrorCode::malformed, "the body has " + std::to_string(body_bytes) + " bytes; " + right);
  }
  return {};
}

std::vector<Seed> read_seeds(ByteView body) {
  std::vector<Seed> seeds(body.size() / sizeof(Seed));
  for (size_t i = 0; i < seeds.size(); ++i)
    std::ranges::copy(body.subspan(i * sizeof(Seed), sizeof(Seed)), seeds[i].begin());
  return seeds;
}

std::string write_ticket_state(const TicketState& state, bool announced) {
  Json json = {{"waiting", state.waiting}, {"ready", state.ready}, {"ticket_bytes", state.ticket_bytes}};
  if (announced) json["accepted"] = state.accepted;
  return json.dump();
}

Result<TicketState> read_ticket_state(std::string_view text, bool announced) {
  const auto message = parse_json_object(text, 2);
  if (!message.ok()) return message.error();
  const auto waiting = count(*message, "waiting");
  if (!waiting.ok()) return waiting.error();
  const auto ready = count(*message, "ready");
  if (!ready.ok()) return ready.error();
  const auto bytes = count(*message, "ticket_bytes");
  if (!bytes.ok()) return bytes.error();
  TicketState out{0, *waiting, *ready, *bytes};
  if (!announced) return out;
  const auto accepted = count(*message, "accepted");
  if (!accepted.ok()) return accepted.error();
  out.accepted = *accepted;
  return out;
}

}  // namespace cryptotl

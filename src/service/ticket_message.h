#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cryptotl/base/bytes.h"
#include "cryptotl/base/random.h"
#include "cryptotl/service/client.h"

namespace cryptotl {

/// Among the extensions that a server lists where it takes announcements.
inline constexpr std::string_view kTicketExtension = "cryptotl_tickets";

/// The seeds of an announcement's body, one after the other.
Bytes write_seeds(std::span<const Seed> seeds);
/// malformed unless the body is 1 or more whole seeds, too_large beyond kMaxAnnouncedSeeds.
Status check_seeds_length(size_t body_bytes);
/// From a body whose length has been checked.
std::vector<Seed> read_seeds(ByteView body);

/// {"waiting", "ready", "ticket_bytes"}, and "accepted" in the answer to an announcement.
std::string write_ticket_state(const TicketState& state, bool announced);
Result<TicketState> read_ticket_state(std::string_view json, bool announced);

}  // namespace cryptotl

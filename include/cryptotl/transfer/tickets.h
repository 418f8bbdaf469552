#pragma once

#include <deque>

#include "cryptotl/base/digest.h"
#include "cryptotl/ckks/one_time_seed.h"
#include "cryptotl/service/client.h"

namespace cryptotl {

/// Seeds that one key set's server has been told ahead, so that it can work on what depends on them alone.
/// They live in this object, in the memory of one process, and each leaves it once: nothing of them is ever
/// written anywhere. How many are announced, and when, follows from the number of inputs alone. An
/// announcement that fails changes nothing but times, so it is silent. Not thread-safe.
class Tickets {
 public:
  /// So many seeds top_up() has announced ahead: the server works on some while others are used.
  static constexpr size_t kWindow = 16;

  /// The client must outlive it. Without `wanted`, or with a server that offers no tickets, seeds are fresh
  /// and never announced.
  Tickets(ServiceClient& client, const Digest& keys, bool wanted);

  /// Announces seeds for the next inputs, of which `inputs` are still to be encrypted, where half a window
  /// has been used since the last announcement, or none was made: one small request for many inputs.
  void top_up(size_t inputs);

  /// Announces seeds for up to `inputs` inputs and waits until the server has worked on all that it took.
  /// Returns how many inputs that will be encrypted next are prepared for. Throws the errors of the server.
  size_t prepare(size_t inputs);

  /// The seed for the next input: the one that was announced first, or a fresh one.
  OneTimeSeed next();

 private:
  Result<TicketState> announce(size_t count);

  ServiceClient& client_;
  const Digest keys_;
  const bool use_;
  std::deque<OneTimeSeed> announced_;
  size_t used_since_ = kWindow;  ///< seeds, announced or not, since the last announcement
};

}  // namespace cryptotl

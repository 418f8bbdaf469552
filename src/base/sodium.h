#pragma once

namespace cryptotl {

/// Lets libsodium open the system's generator and pick its fastest code; thread-safe and cheap after the
/// first call. Whatever uses libsodium calls this first.
void start_sodium();

}  // namespace cryptotl

#pragma once

#include "cli/command.h"
#include "cryptotl/transfer/encrypted_examples.h"
#include "cryptotl/transfer/fitting.h"

namespace cryptotl {

/// The file of --encrypted with the labels of --labels, checked against the session's keys and model. Throws
/// what read_encrypted_examples refuses.
Examples read_encrypted(const DataOptions& data, const Session& session, bool quiet);

}  // namespace cryptotl

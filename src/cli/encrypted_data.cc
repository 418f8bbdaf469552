#include "cli/encrypted_data.h"

namespace cryptotl {

Examples read_encrypted(const DataOptions& data, const Session& session, bool quiet) {
  ProgressBar bar("checking encrypted inputs", quiet);
  return read_encrypted_examples(data.encrypted, data.labels, session.keys, session.client.metadata(),
                                 bar.function())
      .value();
}

}  // namespace cryptotl

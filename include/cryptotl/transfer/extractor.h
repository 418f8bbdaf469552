#pragma once

#include <functional>
#include <vector>

#include "cryptotl/base/progress.h"
#include "cryptotl/ckks/encoder.h"
#include "cryptotl/ckks/encrypted_inputs.h"
#include "cryptotl/service/client.h"
#include "cryptotl/transfer/client_keys.h"
#include "cryptotl/transfer/extraction.h"
#include "cryptotl/transfer/tickets.h"

namespace cryptotl {

struct ExtractorOptions {
  bool overlap = true;  ///< encrypt the next row and decrypt the last answer while the server works
  bool tickets = true;  ///< announce seeds ahead where the server works ahead for them (tickets.h)
};

/// The client's side of the encrypted pass, for features or, where the client's route is one of scores, for
/// scores in their place: scales, packs, encrypts, asks, decrypts, checks. What goes to the
/// server, and when, never depends on a decrypted value: a flagged answer is only marked. Not thread-safe.
class FeatureExtractor {
 public:
  /// Both must outlive the extractor.
  FeatureExtractor(ServiceClient& client, const ClientKeys& keys, const ExtractorOptions& options = {});

  /// Lets the server work ahead for the first rows of the next extract(), and waits for it. As
  /// Tickets::prepare.
  size_t prepare(size_t rows) { return tickets_.prepare(rows); }

  /// Rows that `cache` holds are taken from there, all others are asked for, equal ones each, and kept in it
  /// as they come; `progress` counts what is asked for. A server that has lost the evaluation keys is sent
  /// them again, once a row. Throws the first error of a pass: of the server, of the connection, or of an
  /// answer that is not what the plan calls for (malformed).
  Extraction extract(const Matrix& embeddings, const ProgressFunction& progress = {},
                     FeatureCache* cache = nullptr);
  /// The same for rows of which it is known already what is missing; `cache` is the one of pending_rows().
  Extraction extract(PendingRows rows, const ProgressFunction& progress = {}, FeatureCache* cache = nullptr);
  /// The same for rows that a device encrypted, which are sent as they are. How many of their values were
  /// clipped only the device knows. With a cache, a ciphertext that is none is refused before the first
  /// request.
  Extraction extract(const EncryptedInputs& inputs, const ProgressFunction& progress = {},
                     FeatureCache* cache = nullptr);

 private:
  /// Asks for what is missing with the bytes that `request_of` gives for a row.
  void run(PendingRows& rows, const std::function<Bytes(size_t)>& request_of, bool take_seeds,
           const ProgressFunction& progress, FeatureCache* cache);
  InferenceAnswer asked(ByteView request);
  Bytes encrypted(std::span<const double> scaled_row);
  /// The features, or none where the answer is flagged.
  std::vector<double> decrypted(ByteView answer) const;

  ServiceClient& client_;
  const ClientKeys& keys_;
  const ModelMetadata model_;
  const Encoder encoder_;
  const bool overlap_;
  Tickets tickets_;
};

}  // namespace cryptotl

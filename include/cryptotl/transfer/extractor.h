#pragma once

#include <functional>
#include <vector>

#include "cryptotl/base/progress.h"
#include "cryptotl/ckks/encoder.h"
#include "cryptotl/ckks/encrypted_inputs.h"
#include "cryptotl/service/client.h"
#include "cryptotl/transfer/client_keys.h"
#include "cryptotl/transfer/feature_cache.h"
#include "cryptotl/transfer/scaled_rows.h"
#include "cryptotl/transfer/tickets.h"

namespace cryptotl {

/// What one client saw of its passes, in milliseconds; one entry a row that the server was asked for.
struct PassTimes {
  std::vector<double> encrypt;     ///< packing, encoding, encrypting, serialising; or reading from a file
  std::vector<double> round_trip;  ///< from request bytes to answer bytes, as the client sees it
  std::vector<double> server;      ///< the same, as the server measures it
  std::vector<double> decrypt;     ///< parsing, decrypting, decoding
};

struct Extraction {
  Matrix features;              ///< [rows][features or scores]; a flagged row's are zero
  std::vector<bool> flagged;    ///< the answer is beyond the safe range and must not be used
  std::vector<size_t> clipped;  ///< as in ScaledRows
  size_t cached = 0;            ///< rows that came from the cache
  size_t prepared = 0;          ///< rows for which the server had worked ahead
  std::vector<std::string> cache_warnings;
  PassTimes times;

  /// The rows that are not flagged, ascending.
  std::vector<size_t> usable() const;
  /// One line each on clipped and on flagged rows (counted from 1), where there are any, and on the cache.
  std::vector<std::string> warnings(const ModelMetadata& model) const;
};

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
  /// The same for rows that a device encrypted, which are sent as they are. How many of their values were
  /// clipped only the device knows. With a cache, a ciphertext that is none is refused before the first
  /// request.
  Extraction extract(const EncryptedInputs& inputs, const ProgressFunction& progress = {},
                     FeatureCache* cache = nullptr);

 private:
  struct Requests {
    std::vector<Digest> inputs;            ///< names each row for the cache; nothing in it without one
    bool take_seeds = false;               ///< they are encrypted here
    std::function<Bytes(size_t)> request;  ///< the bytes that ask for a row
  };
  /// Fills in the rows of `out`, which has room for them.
  void run(const Requests& rows, Extraction& out, const ProgressFunction& progress, FeatureCache* cache);
  /// Fills in what is kept; the other rows, ascending.
  static std::vector<size_t> take_cached(const std::vector<Digest>& inputs, FeatureCache* cache,
                                         Extraction& out);
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

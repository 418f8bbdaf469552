#pragma once

#include <optional>

#include "cryptotl/ckks/release.h"
#include "cryptotl/transfer/examples.h"
#include "cryptotl/transfer/extractor.h"
#include "cryptotl/transfer/feature_cache.h"
#include "cryptotl/transfer/head_file.h"
#include "cryptotl/transfer/mode.h"

namespace cryptotl {

/// What the provider publishes that helps a head on these labels: its output layer only where all of them are
/// among its own, with the rows of these classes in their order (of two classes out of more, the difference
/// of theirs, which is the logit of the second against the first).
ProviderKnowledge provider_knowledge(const ModelMetadata& model, const std::vector<std::string>& labels);

struct SessionOptions {
  bool use_cache = true;
  std::filesystem::path cache_file;  ///< empty takes kFeatureCacheFile in the key folder
  size_t cache_limit = FeatureCache::kDefaultLimit;
  bool use_tickets = true;                          ///< where the server offers them (tickets.h)
  Mode mode = Mode::automatic;                      ///< how inputs go through the server
  std::chrono::milliseconds patience{0};            ///< as in ClientOptions
  std::function<void(const std::string&)> on_wait;  ///< the same
  Answers answers = Answers::features;
};

/// A server with the keys for it, as fit and predict use them: for features, or for scores.
struct Session {
  ServiceClient client;
  ClientKeys keys;
  /// Where features are kept; opened, and made where it is missing, by what extracts. Empty keeps none.
  std::filesystem::path cache_file = {};
  size_t cache_limit = FeatureCache::kDefaultLimit;
  bool use_tickets = true;
  Mode mode = Mode::automatic;

  /// Connects, opens the key folder, looks at the cache and sends the evaluation keys where the server lacks
  /// them.
  static Result<Session> open(const std::string& url, const std::filesystem::path& keys,
                              const SessionOptions& options);
  /// The cache for the server's model and plan, or none. Throws what FeatureCache::open refuses.
  std::optional<FeatureCache> open_cache() const;
};

struct FitOptions {
  HeadKind kind = HeadKind::automatic;
  uint64_t seed = 0;
  bool quiet = false;
  /// Trains with differential privacy, for a head that will be published; of kind local, linear or combined.
  /// Flagged rows take part with features of zero: the number of rows is what the accounting rests on.
  std::optional<PrivacyOptions> privacy;
};

struct FitResult {
  TrainedHead trained;
  std::optional<Extraction> extraction;  ///< none for a head that was asked to be local
  size_t rows = 0;                       ///< that it was trained on
  std::vector<std::string> warnings;
};

/// Trains a head on labelled examples, which a device may have encrypted (then of kind paper or linear).
/// `session` is null for a head that is asked to be local; for any other kind all rows go through the server,
/// whatever head is chosen. Flagged rows are left out, with a warning. Throws the errors of the extraction
/// and of train_head; parameter_mismatch where examples and model do not fit.
FitResult fit_head_to(const Examples& examples, Session* session, const FitOptions& options);

struct Prediction {
  std::vector<Call> calls;    ///< [rows]; nothing of a flagged row's means anything
  Matrix scores;              ///< [rows][1 or labels]: probabilities
  std::vector<bool> flagged;  ///< [rows]
  double score_bound = 0;     ///< how far encryption can move a score
  std::optional<Extraction> extraction;
  double release_deviation =
      0;  ///< of the noise in each decrypted number, where all of this may be passed on
  std::vector<std::string> warnings;
};

/// Scores examples with a head. `session` is null exactly where the head does not ask the server. With a
/// policy the head sees decrypted features through release() alone, so that calls and scores may be passed on
/// (which rows are flagged still depends on raw values); score_bound then covers 6 deviations of its noise.
/// Throws as above; parameter_mismatch where head, server and examples do not belong together,
/// invalid_argument for more rows than the policy's releases.
Prediction predict(const TrainedHead& head, const Examples& examples, Session* session, bool quiet,
                   const std::optional<ReleasePolicy>& policy = {});

/// Scores examples with the provider's own output layer: the encrypted answers hold its scores alone, and
/// sigmoid or softmax follows here. The session is one for scores; the labels are the provider's. With a
/// policy scores pass release() before that. Throws as above.
Prediction predict_server_only(const Examples& examples, Session& session, bool quiet,
                               const std::optional<ReleasePolicy>& policy = {});

/// The file of predict: row (from 1), label, and of two labels `score`, the probability of the second; of
/// more a column `score:LABEL` each. All but the row's number is empty for a flagged row. RFC 4180.
std::string scores_csv(const Prediction& prediction, const std::vector<std::string>& labels);

}  // namespace cryptotl

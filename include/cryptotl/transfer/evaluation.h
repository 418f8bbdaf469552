#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "cryptotl/learn/pretrain.h"
#include "cryptotl/learn/private_training.h"
#include "cryptotl/plan/planner.h"
#include "cryptotl/transfer/examples.h"
#include "cryptotl/transfer/feature_cache.h"
#include "cryptotl/transfer/mode.h"

namespace cryptotl {

/// What an evaluation can measure beside the encrypted passes: the settings of the cross-validation, and the
/// comparison of heads.
inline const std::vector<std::string> kEvaluationParts = {"plain", "plain_polynomial", "transfer_plain",
                                                          "transfer_encrypted", "heads"};

struct EvaluationOptions {
  size_t folds = 10;
  std::vector<std::string> parts = kEvaluationParts;  ///< those wanted; the answer lacks what others fill
  std::vector<size_t> shots;  ///< numbers of labels of the few-shot experiment; empty leaves it out
  size_t draws = 50;
  uint64_t seed = 0;         ///< of splits and training
  TrainingOptions training;  ///< of the networks; its seed is not used
  // Of the provider's network, as in PretrainingOptions.
  LowerShape shape;
  bool train_activation = false;
  ReplacementOptions replacement;
  std::optional<PrivacyOptions> privacy;
  std::optional<Interval> range;
  size_t server_threads = 1;
  double precision = kFastPrecision;     ///< of the encrypted features (planner.h)
  double feature_noise = 0;              ///< standard deviation, as cryptotl-server --feature-noise
  std::filesystem::path server_program;  ///< cryptotl-server
  std::filesystem::path work_folder;     ///< where a temporary folder is made; empty takes the system's
  /// Decrypted features, from which an evaluation that broke off goes on; empty does without. Forgotten once
  /// the evaluation is done, so that the next one measures anew, unless they shall be kept.
  std::filesystem::path cache;
  bool keep_cache = false;
  size_t cache_limit = FeatureCache::kDefaultLimit;
  bool use_tickets = true;      ///< as in SessionOptions
  Mode mode = Mode::automatic;  ///< the same
  bool quiet = false;
};

/// What transfer through encryption brings: pretrains on the source, serves the model in a process of its
/// own, sends all target rows through encryption once, and compares learning with and without transfer by
/// cross-validation, the heads by few-shot draws, and plain with encrypted scores. The answer is what
/// `cryptotl evaluate --json` prints and report_html() shows. Throws the errors of its parts. The server is
/// stopped and every file but the cache removed in any case.
nlohmann::json evaluate(const Examples& source, const Examples& target, const EvaluationOptions& options);

}  // namespace cryptotl

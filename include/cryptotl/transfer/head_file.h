#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cryptotl/base/digest.h"
#include "cryptotl/data/embedder.h"
#include "cryptotl/learn/head.h"

namespace cryptotl {

/// A trained head with all that keeps it from being used on the wrong inputs. On disk it is one ONNX file
/// that any runtime runs; the rest stands in its metadata.
struct TrainedHead {
  Head head;
  HeadKind asked = HeadKind::automatic;  ///< what fit was asked for; head.kind is what it chose
  std::vector<std::string> labels;       ///< of the classes, in the order of the head's scores
  EmbedderIdentity embedder;
  Digest model{};              ///< of the server's model; all zero for a head that no server took part in
  size_t feature_width = 0;    ///< of the server's answers; 0 likewise
  double predicted_error = 0;  ///< of a feature, from the plan
  nlohmann::json privacy =
      {};  ///< what training spent of its rows' privacy (privacy_json()); null: unbounded

  bool uses_embeddings() const { return head.kind == HeadKind::local || head.kind == HeadKind::combined; }
  bool uses_features() const { return head.kind != HeadKind::local; }
  /// Whether rows are sent to the server when predicting. That `auto` chose the local head must not show
  /// there, so only a head that was asked to be local leaves it out.
  bool asks_server() const { return asked != HeadKind::local; }
  /// How far features within their predicted error can move a logit, and a score: its slope is at most 1/4 of
  /// two classes (p (1 - p)), 1/2 of more.
  double logit_bound() const { return predicted_error * head.sensitivity; }
  double score_bound() const { return score_bound(predicted_error); }
  /// The same for features within another error.
  double score_bound(double feature_error) const {
    return feature_error * head.sensitivity / (labels.size() == 2 ? 4 : 2);
  }
};

/// The entry of an ONNX file's metadata that only a head has.
inline constexpr const char* kHeadEntry = "cryptotl.head";

/// The largest head file that is read.
inline constexpr size_t kMaxHeadBytes = size_t{256} << 20;

/// The same head gives the same bytes.
Result<Bytes> write_head(const TrainedHead& head);
/// malformed where the bytes are not exactly what write_head wrote: they carry a digest. unsupported_version
/// for another format version.
Result<TrainedHead> read_head(ByteView bytes);

/// What a row is called, and its score: of two classes the probability of the second, of more the probability
/// of the one that is called.
struct Call {
  int label = 0;
  double score = 0;
};
std::vector<Call> calls(const Matrix& scores);

}  // namespace cryptotl

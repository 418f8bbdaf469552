#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cryptotl/base/matrix.h"

namespace cryptotl {

/// Which function turned texts into vectors. Features of two embedders must never meet in one model, so all
/// three fields have to agree.
struct EmbedderIdentity {
  std::string name;
  size_t width = 0;
  std::string digest;  ///< 64 hexadecimal digits

  bool operator==(const EmbedderIdentity&) const = default;
};

/// The identity of an embedder that runs outside this library, such as "all-mpnet-base-v2": its digest is
/// that of the name, so it proves nothing about the weights.
EmbedderIdentity external_embedder(const std::string& name, size_t width);

/// The built-in embedding of texts: hashed n-grams, no training and no weights.
///
/// The text is lower-cased and cut into words. Its word 1- and 2-grams and the character 3- to 5-grams of
/// each word (with its borders) are counted; a gram that occurs t times weighs sqrt(t). The gram's hash gives
/// it a coordinate and a sign (feature hashing: Weinberger et al., 2009, arXiv 0902.2206), and the sum is
/// scaled to Euclidean norm 1. Only integer hashing and correctly rounded operations in a fixed order take
/// part, so every machine gives the same bits.
class TextEmbedder {
 public:
  static constexpr size_t kWidth = 768;

  static EmbedderIdentity identity();

  /// [kWidth], of norm 1; all zero for a text without any gram. UTF-8; a byte that is none stands for itself.
  static std::vector<double> embed(std::string_view text);
  /// [texts][kWidth].
  static Matrix embed(std::span<const std::string> texts);
};

}  // namespace cryptotl

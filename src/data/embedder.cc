#include "cryptotl/data/embedder.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "cryptotl/base/digest.h"
#include "utf8.h"

namespace cryptotl {
namespace {

// Everything that decides a vector's bits. A change here is another embedder: raise kVersion with it.
constexpr uint32_t kVersion = 1;
constexpr size_t kShortestGram = 3;  // in code points
constexpr size_t kLongestGram = 5;
/// Seeds that keep equal code points of different kinds of grams apart.
constexpr uint64_t kWord = 1;
constexpr uint64_t kWordPair = 2;
constexpr uint64_t kCharacters = 3;

/// The last step of SplitMix64 (Steele, Lea, Flood 2014): spreads every input bit over the output.
uint64_t mix(uint64_t x) {
  x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9;
  x = (x ^ x >> 27) * 0x94D049BB133111EB;
  return x ^ x >> 31;
}

/// FNV-1a over code points, mixed at the end.
uint64_t hash_points(std::span<const uint32_t> points, uint64_t seed) {
  uint64_t hash = 0xCBF29CE484222325 ^ mix(seed);
  for (const uint32_t point : points) hash = (hash ^ point) * 0x100000001B3;
  return mix(hash);
}

/// Simple case folding for ASCII, Latin-1, Greek and Cyrillic capitals; others stay.
uint32_t lower(uint32_t point) {
  const auto between = [point](uint32_t low, uint32_t high) { return point >= low && point <= high; };
  if (between('A', 'Z') || (between(0xC0, 0xDE) && point != 0xD7)) return point + 32;
  if (between(0x391, 0x3A9) || between(0x410, 0x42F)) return point + 32;
  if (between(0x400, 0x40F)) return point + 80;
  return point;
}

bool is_space(uint32_t point) {
  return point <= ' ' || point == 0x7F || (point >= 0x80 && point <= 0xA0) ||
         (point >= 0x2000 && point <= 0x200F) || point == 0x2028 || point == 0x2029 || point == 0x202F ||
         point == 0x3000 || point == 0xFEFF;
}

/// Letters, digits and all signs beyond ASCII; an apostrophe too, so that "don't" stays a word.
bool is_word_part(uint32_t point) {
  return (point >= 'a' && point <= 'z') || (point >= '0' && point <= '9') || point == '\'' || point >= 0x80;
}

using Word = std::vector<uint32_t>;  // with a space before and after it

/// Runs of word parts are words; every other sign that is no space is a word of its own.
std::vector<Word> split_words(std::string_view text) {
  std::vector<Word> words;
  bool open = false;  // whether the last word may grow
  while (!text.empty()) {
    const CodePoint decoded = decode_utf8(text).value_or(CodePoint{static_cast<uint8_t>(text[0]), 1});
    text.remove_prefix(decoded.bytes);
    const uint32_t point = lower(decoded.value);
    const bool grows = is_word_part(point) && !is_space(point);
    if (!is_space(point)) {
      if (!open || !grows) words.push_back({' '});
      words.back().push_back(point);
    }
    open = grows;
  }
  for (Word& word : words) word.push_back(' ');
  return words;
}

/// The hash of every gram of the text, as often as it occurs.
std::vector<uint64_t> grams(const std::vector<Word>& words) {
  std::vector<uint64_t> out;
  Word pair;
  for (size_t w = 0; w < words.size(); ++w) {
    const std::span<const uint32_t> word(words[w]);
    out.push_back(hash_points(word, kWord));
    if (w + 1 < words.size()) {
      pair = words[w];
      pair.insert(pair.end(), words[w + 1].begin(), words[w + 1].end());
      out.push_back(hash_points(pair, kWordPair));
    }
    for (size_t length = kShortestGram; length <= kLongestGram; ++length) {
      for (size_t i = 0; i + length <= word.size(); ++i) {
        out.push_back(hash_points(word.subspan(i, length), kCharacters));
      }
    }
  }
  return out;
}

/// The coordinate of a gram from the hash's upper half (below 2^32, scaled to the width), its sign from the
/// lowest bit.
void project(uint64_t hash, double weight, std::vector<double>& out) {
  const size_t coordinate = static_cast<size_t>((hash >> 32) * TextEmbedder::kWidth >> 32);
  out[coordinate] += (hash & 1) != 0 ? weight : -weight;
}

void normalise(std::vector<double>& vector) {
  double squares = 0;
  // An explicit fused step: left to the compiler, some machines would fuse here and others not.
  for (const double value : vector) squares = std::fma(value, value, squares);
  if (squares == 0) return;
  const double norm = std::sqrt(squares);
  for (double& value : vector) value /= norm;
}

std::string constants() {
  return "version " + std::to_string(kVersion) + ", width " + std::to_string(TextEmbedder::kWidth) +
         ", words 1 to 2, characters " + std::to_string(kShortestGram) + " to " +
         std::to_string(kLongestGram);
}

}  // namespace

EmbedderIdentity external_embedder(const std::string& name, size_t width) {
  return {name, width, hex(digest(as_bytes(name)))};
}

EmbedderIdentity TextEmbedder::identity() {
  return {"cryptotl-hash-ngrams", kWidth, hex(digest(as_bytes(constants())))};
}

std::vector<double> TextEmbedder::embed(std::string_view text) {
  std::vector<uint64_t> hashes = grams(split_words(text));
  std::ranges::sort(hashes);  // equal grams stand together, and the sums below have one order
  std::vector<double> out(kWidth);
  for (auto gram = hashes.begin(); gram != hashes.end();) {
    const auto next = std::find_if(gram, hashes.end(), [&](uint64_t other) { return other != *gram; });
    project(*gram, std::sqrt(static_cast<double>(next - gram)), out);
    gram = next;
  }
  normalise(out);
  return out;
}

Matrix TextEmbedder::embed(std::span<const std::string> texts) {
  Matrix out(texts.size(), kWidth);
  for (size_t r = 0; r < texts.size(); ++r) {
    const std::vector<double> vector = embed(texts[r]);
    std::copy(vector.begin(), vector.end(), out.row(r).begin());
  }
  return out;
}

}  // namespace cryptotl

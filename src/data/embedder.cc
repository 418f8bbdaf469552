#include "cryptotl/data/embedder.h"

#include <algorithm>
#include <array>
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
constexpr size_t kCoordinates = 4;  // that a gram is projected to
struct Kind {
  uint64_t seed;
  double weight;
};
constexpr Kind kWord = {1, 2.0};
constexpr Kind kWordPair = {2, 1.0};
constexpr Kind kCharacters = {3, 1.0};

struct Gram {
  uint64_t hash;
  double weight;
};

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

/// Every gram of the text as often as it occurs.
std::vector<Gram> grams(const std::vector<Word>& words) {
  std::vector<Gram> out;
  Word pair;
  for (size_t w = 0; w < words.size(); ++w) {
    const std::span<const uint32_t> word(words[w]);
    out.push_back({hash_points(word, kWord.seed), kWord.weight});
    if (w + 1 < words.size()) {
      pair = words[w];
      pair.insert(pair.end(), words[w + 1].begin(), words[w + 1].end());
      out.push_back({hash_points(pair, kWordPair.seed), kWordPair.weight});
    }
    for (size_t length = kShortestGram; length <= kLongestGram; ++length) {
      for (size_t i = 0; i + length <= word.size(); ++i) {
        out.push_back({hash_points(word.subspan(i, length), kCharacters.seed), kCharacters.weight});
      }
    }
  }
  return out;
}

void project(uint64_t hash, double weight, std::vector<double>& out) {
  for (size_t k = 0; k < kCoordinates; ++k) {
    const uint64_t draw = mix(hash + k * 0x9E3779B97F4A7C15);
    const size_t coordinate = static_cast<size_t>((draw >> 32) * TextEmbedder::kWidth >> 32);
    out[coordinate] += (draw & 1) != 0 ? weight : -weight;
  }
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
  std::string out = "version " + std::to_string(kVersion) + ", width " +
                    std::to_string(TextEmbedder::kWidth) + ", characters " + std::to_string(kShortestGram) +
                    " to " + std::to_string(kLongestGram) + ", coordinates " + std::to_string(kCoordinates);
  for (const Kind& kind : {kWord, kWordPair, kCharacters}) {
    out += ", kind " + std::to_string(kind.seed) + " weight " + std::to_string(kind.weight);
  }
  return out;
}

}  // namespace

EmbedderIdentity external_embedder(const std::string& name, size_t width) {
  return {name, width, hex(digest(as_bytes(name)))};
}

EmbedderIdentity TextEmbedder::identity() {
  return {"cryptotl-hash-ngrams", kWidth, hex(digest(as_bytes(constants())))};
}

std::vector<double> TextEmbedder::embed(std::string_view text) {
  std::vector<Gram> all = grams(split_words(text));
  // Sorted, so that equal grams stand together and the sums below have one order.
  std::sort(all.begin(), all.end(), [](const Gram& a, const Gram& b) { return a.hash < b.hash; });
  std::vector<double> out(kWidth);
  for (size_t begin = 0; begin < all.size();) {
    size_t end = begin;
    while (end < all.size() && all[end].hash == all[begin].hash) ++end;
    project(all[begin].hash, all[begin].weight * std::sqrt(static_cast<double>(end - begin)), out);
    begin = end;
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

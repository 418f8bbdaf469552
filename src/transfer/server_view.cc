#include "cryptotl/transfer/server_view.h"

#include <algorithm>
#include <cmath>
#include <random>

#include "cryptotl/ckks/wire.h"
#include "cryptotl/learn/head.h"
#include "cryptotl/learn/metrics.h"
#include "cryptotl/rns/kernels.h"

namespace cryptotl {
namespace {

constexpr size_t kFewestRows = 8;  // of a label
constexpr size_t kFewestCiphertexts = 20;
constexpr size_t kSlots = 256;  // that c_0 is decoded to
constexpr size_t kByteValues = 256;
constexpr double kBeyondDoubt = 1 - 1e-6;

/// One number a statistic of a ciphertext.
class Statistics {
 public:
  explicit Statistics(const LatencyPlan& plan)
      : encoder_(plan.params.log_n),
        scale_(plan.input_scale),
        limbs_(plan.top_limbs()),
        slots_(std::min(kSlots, encoder_.slots())) {}

  size_t count() const { return kByteValues + limbs_ + slots_; }

  void of(const Ciphertext& ciphertext, std::span<double> out) const {
    const Bytes bytes = write_ciphertext(ciphertext);
    for (const uint8_t byte : ByteView(bytes).subspan(kHeaderBytes)) ++out[byte];
    const Params& params = *ciphertext.params;
    RnsPolynomial c0 = ciphertext.parts[0];
    for (size_t i = 0; i < limbs_; ++i) {
      kernels().ntt_inverse(c0.limb(i), params.tables(i));
      double sum = 0;
      for (const uint32_t residue : c0.limb_span(i)) sum += residue;
      out[kByteValues + i] = sum / static_cast<double>(params.n());
    }
    const std::vector<Complex> slots = encoder_.decode(centred_coefficients(params, c0), scale_);
    for (size_t i = 0; i < slots_; ++i) out[kByteValues + limbs_ + i] = slots[i].real();
  }

 private:
  Encoder encoder_;
  double scale_;
  size_t limbs_, slots_;
};

/// Each column to mean 0 and deviation 1 over the first `fitted` rows.
void standardise(Matrix& matrix, size_t fitted) {
  for (size_t c = 0; c < matrix.cols; ++c) {
    double sum = 0, squares = 0;
    for (size_t r = 0; r < fitted; ++r) sum += matrix(r, c);
    const double mean = sum / static_cast<double>(fitted);
    for (size_t r = 0; r < fitted; ++r) squares += (matrix(r, c) - mean) * (matrix(r, c) - mean);
    const double deviation = std::sqrt(squares / static_cast<double>(fitted));
    for (size_t r = 0; r < matrix.rows; ++r)
      matrix(r, c) = deviation > 0 ? (matrix(r, c) - mean) / deviation : 0;
  }
}

/// Rows of each class of one guess, in a random order.
struct Classes {
  std::vector<size_t> rows[2];
};

Classes classes_of(ServerGuess guess, const Matrix& rows, std::span<const int> labels,
                   std::mt19937_64& engine) {
  std::vector<double> first(rows.rows);
  for (size_t r = 0; r < rows.rows; ++r) first[r] = rows(r, 0);
  std::vector<double> sorted = first;
  std::ranges::nth_element(sorted, sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() / 2));
  const double median = sorted[sorted.size() / 2];
  Classes out;
  for (size_t r = 0; r < rows.rows; ++r)
    out.rows[guess == ServerGuess::number ? first[r] >= median : labels[r] == 1].push_back(r);
  for (auto& part : out.rows) {
    std::shuffle(part.begin(), part.end(), engine);
    if (guess == ServerGuess::input && !part.empty()) part.erase(part.begin() + 1, part.end());
  }
  return out;
}

/// What is encrypted in turn, and its class; what is known stands first.
struct Game {
  std::vector<size_t> rows;
  std::vector<int> classes;
};

Game draw(const Classes& from, const ServerViewOptions& options, std::mt19937_64& engine) {
  Game out;
  for (size_t i = 0; i < options.known + options.unknown; ++i) {
    const int side = i < 2 ? static_cast<int>(i) : static_cast<int>(engine() & 1);
    const auto& rows = from.rows[side];
    // The first half of a class is learnt from, the second half guessed at.
    const size_t half = rows.size() / 2;
    const bool known = i < options.known;
    const size_t begin = known || rows.size() == 1 ? 0 : half;
    const size_t end = rows.size() == 1 ? 1 : known ? half : rows.size();
    out.rows.push_back(rows[begin + engine() % (end - begin)]);
    out.classes.push_back(side);
  }
  return out;
}

/// How many of the last classes a regression on the first `known` rows calls right.
size_t right_guesses(Matrix seen, const std::vector<int>& classes, size_t known) {
  standardise(seen, known);
  std::vector<size_t> index(seen.rows);
  for (size_t i = 0; i < index.size(); ++i) index[i] = i;
  const Matrix first = take_rows(seen, std::span(index).first(known));
  const Matrix last = take_rows(seen, std::span(index).subspan(known));
  HeadOptions options;
  options.kind = HeadKind::local;
  const Head head = train_head(first, Matrix(), std::span(classes).first(known), {}, options);
  const std::vector<int> called = called_classes(scores(head, last, Matrix()));
  size_t right = 0;
  for (size_t i = 0; i < called.size(); ++i) right += called[i] == classes[known + i] ? 1 : 0;
  return right;
}

void require_enough(const Matrix& rows, std::span<const int> labels, const ServerViewOptions& options) {
  const auto ones = static_cast<size_t>(std::ranges::count(labels, 1));
  const auto zeros = static_cast<size_t>(std::ranges::count(labels, 0));
  if (rows.rows != labels.size() || ones + zeros != labels.size() || std::min(ones, zeros) < kFewestRows)
    throw Error(ErrorCode::invalid_argument, "audit: at least 8 rows of each of two labels are right");
  if (std::min(options.known, options.unknown) < kFewestCiphertexts)
    throw Error(ErrorCode::invalid_argument, "audit: at least 20 ciphertexts, known and unknown, are right");
}

}  // namespace

std::string name(ServerGuess guess) {
  switch (guess) {
    case ServerGuess::input:
      return "which of two known inputs";
    case ServerGuess::label:
      return "the label";
    case ServerGuess::number:
      return "the input's first number";
  }
  return {};
}

std::vector<ServerViewAttack> guess_from_ciphertexts(const LatencyPlan& plan, const SecretKey& secret,
                                                     const Matrix& scaled_rows, std::span<const int> labels,
                                                     const ServerViewOptions& options,
                                                     const ProgressFunction& progress) {
  require_enough(scaled_rows, labels, options);
  const Encoder encoder(plan.params.log_n);
  const Statistics statistics(plan);
  std::mt19937_64 engine(options.seed);
  const ServerGuess guesses[] = {ServerGuess::input, ServerGuess::label, ServerGuess::number};
  const size_t each = options.known + options.unknown;
  std::vector<ServerViewAttack> out;
  for (const ServerGuess guess : guesses) {
    const Game game = draw(classes_of(guess, scaled_rows, labels, engine), options, engine);
    Matrix seen(each, statistics.count());
    for (size_t i = 0; i < each; ++i) {
      const auto message =
          encoder.encode_message(pack_input(plan.packing, scaled_rows.row(game.rows[i])), plan.input_scale);
      statistics.of(encrypt(secret, message, plan.input_scale, plan.top_limbs()), seen.row(i));
      if (progress) progress(out.size() * each + i + 1, std::size(guesses) * each);
    }
    ServerViewAttack attack{guess, options.unknown, 0, {}, false};
    attack.right = right_guesses(std::move(seen), game.classes, options.known);
    attack.bounds = clopper_pearson(attack.right, attack.guesses, options.confidence);
    attack.at_chance = clopper_pearson(attack.right, attack.guesses, kBeyondDoubt).low <= 0.5;
    out.push_back(attack);
  }
  return out;
}

}  // namespace cryptotl

#pragma once

#include <span>
#include <string>
#include <vector>

#include "cryptotl/base/progress.h"
#include "cryptotl/ckks/secret_key.h"
#include "cryptotl/learn/empirical_privacy.h"
#include "cryptotl/plan/latency_plan.h"

namespace cryptotl {

/// What is guessed of an input from its ciphertext; each is one of two things, by a fair coin.
enum class ServerGuess {
  input,  ///< which of two known inputs was encrypted: the game of IND-CPA
  label,  ///< the row's label
  number  ///< whether the input's first number is above its median over all rows
};
std::string name(ServerGuess guess);

struct ServerViewOptions {
  size_t known = 300;    ///< ciphertexts whose answer the server knows, to learn from
  size_t unknown = 300;  ///< ciphertexts that it guesses at
  uint64_t seed = 0;     ///< of coins and of which rows are encrypted, never of keys or ciphertexts
  double confidence = 0.99;
};

struct ServerViewAttack {
  ServerGuess guess = ServerGuess::input;
  size_t guesses = 0;
  size_t right = 0;
  ProportionBounds bounds;  ///< on the probability of a right guess, at `confidence`
  /// No bound at 99.9999 % is above a half: what chance alone passes but once in a million audits.
  bool at_chance = false;
};

/// A server that learns from ciphertexts whose inputs it knows, by logistic regression on what the bytes
/// show: how often each byte value occurs, the mean residue modulo each prime, and c_0 decoded as if nothing
/// hid the input in it. `scaled_rows` are inputs as a client encrypts them, with a label each, 0 or 1; rows
/// that are guessed at are none of those that were learnt from, but in the game of two known inputs. Under a
/// secret of zeros, which hides nothing, the same attack is its own control. Throws invalid_argument for
/// fewer than 8 rows of either label, and fewer than 20 ciphertexts of either kind.
std::vector<ServerViewAttack> guess_from_ciphertexts(const LatencyPlan& plan, const SecretKey& secret,
                                                     const Matrix& scaled_rows, std::span<const int> labels,
                                                     const ServerViewOptions& options = {},
                                                     const ProgressFunction& progress = {});

}  // namespace cryptotl

#pragma once

#include <memory>
#include <span>

#include "cryptotl/ckks/ciphertext.h"
#include "cryptotl/plan/latency_plan.h"

namespace cryptotl {

class LatencyProgram;

/// What a server has worked out ahead for one announced seed under one client's keys: everything of a pass
/// that depends on c_1 alone, which key switching meets alone and which holds nothing of the message. That is
/// all of the first matrix but the diagonals' products with c_0, the relinearisation of the first square, and
/// the answer's mask.
/// Serves one input, the one whose c_1 is the expansion of that seed, in the program that made it. Immutable.
class Ticket {
 public:
  Ticket(Ticket&&) = default;
  Ticket& operator=(Ticket&&) = default;

  const Seed& seed() const { return seed_; }
  const KeyId& key_id() const { return key_id_; }
  size_t bytes() const { return words_.size() * sizeof(uint32_t); }
  /// Of every ticket for this plan; that of a trusting program may have no mask and be smaller.
  static size_t bytes_of(const LatencyPlan& plan);

 private:
  friend class LatencyRunner;
  Ticket(std::shared_ptr<const LatencyProgram> program, const Seed& seed, const KeyId& key_id)
      : program_(std::move(program)), seed_(seed), key_id_(key_id) {}
  /// Where the masks of c_0 and c_1 begin.
  static size_t limbs_before_masks(const LatencyPlan& plan);
  void append(const RnsPolynomial& polynomial, size_t limbs);
  /// Reads the limbs that stand from limb `first` of the ticket on.
  void read(size_t first, size_t limbs, RnsPolynomial& out) const;

  std::shared_ptr<const LatencyProgram> program_;  ///< whose weights are in the words
  Seed seed_;
  KeyId key_id_;
  AlignedVector<uint32_t> words_;
};

/// Sixteen residues below 2^30 in the room of fifteen words, for many at once: `residues` a multiple of 256.
/// Fifteen of sixteen runs of 16 residues stand as they are, with the last one's bits above them in pairs.
void squeeze_residues(std::span<const uint32_t> residues, uint32_t* out);
void unsqueeze_residues(const uint32_t* squeezed, std::span<uint32_t> out);

}  // namespace cryptotl

#pragma once

#include <algorithm>
#include <memory>
#include <mutex>
#include <vector>

#include "cryptotl/base/parallel.h"
#include "cryptotl/base/stopwatch.h"
#include "cryptotl/plan/batch_plan.h"
#include "execute/multiplier.h"

namespace cryptotl {

/// What threads borrow: as many as there are threads.
template <typename T>
class Lent {
 public:
  void add(std::unique_ptr<T> item) { items_.push_back(std::move(item)); }
  std::unique_ptr<T> take() {
    const std::lock_guard lock(mutex_);
    CRYPTOTL_ASSERT(!items_.empty());
    std::unique_ptr<T> out = std::move(items_.back());
    items_.pop_back();
    return out;
  }
  void give(std::unique_ptr<T> item) {
    const std::lock_guard lock(mutex_);
    items_.push_back(std::move(item));
  }

 private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<T>> items_;
};

/// Residues of both parts of many ciphertexts. The form is the owner's to state.
class Operand {
 public:
  Operand(size_t n, size_t rows, size_t limbs)
      : stride_(n + 16), rows_(rows), limbs_(limbs), words_(2 * limbs * rows * stride_) {}

  uint32_t* at(size_t side, size_t limb, size_t row) {
    return words_.data() + ((side * limbs_ + limb) * rows_ + row) * stride_;
  }
  size_t bytes() const { return words_.size() * sizeof(uint32_t); }

 private:
  size_t stride_;  // rows of a power of two would meet in the same cache sets
  size_t rows_;
  size_t limbs_;
  AlignedVector<uint32_t> words_;
};

/// What one thread needs for hidden units.
struct Unit {
  Unit(const Params& params, const BatchPlan& plan) : multiplier(params, plan.top_limbs(), one_thread) {
    size_t most = 0;
    for (const ActivationPlan& activation : plan.activations)
      most = std::max(most, activation_products(activation.degree).size() + 1);
    for (size_t i = 0; i < most; ++i)
      registers.push_back(
          {RnsPolynomial(params.n(), plan.top_limbs()), RnsPolynomial(params.n(), plan.top_limbs())});
  }
  ThreadPool one_thread;
  Multiplier multiplier;
  std::vector<Pair> registers;
};

}  // namespace cryptotl

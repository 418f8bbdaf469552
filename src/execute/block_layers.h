#pragma once

#include "cryptotl/execute/batch.h"
#include "execute/batch_memory.h"
#include "execute/block_matrix.h"

namespace cryptotl {

/// The layers of a batch with blocks: rows in NTT form, rotated, and what matrices make of them.
class BatchRunner::BlockLayers {
 public:
  /// Borrows all that it is given.
  BlockLayers(const BatchProgram& program, ThreadPool& pool, Lent<Unit>& units);

  /// Where an input row goes, in coefficient form.
  uint32_t* input(size_t side, size_t limb, size_t row) { return rows_.at(side, limb, row); }
  void run(const BatchKeys& keys, Times& times);
  /// A row of the last matrix's result, rescaled, in coefficient form.
  void answer(size_t row, const BatchKeys& keys, Unit& unit, Pair& out);
  size_t bytes() const { return rows_.bytes() + operand_.bytes(); }

 private:
  const BatchPlan& plan() const { return program_.plan(); }
  const PreparedKey& rotation(const BatchKeys& keys, int steps, size_t limbs) const;
  void copy(RnsPolynomial& out, Operand& from, size_t side, size_t row, size_t limbs) const;
  void multiply_part(const BlockMatrix::Product& matrix, size_t side, size_t limb, size_t first,
                     size_t count);
  void rotate(size_t index, size_t row, const BatchKeys& keys, Unit& unit);
  void multiply(size_t index);
  void join(size_t index, size_t row, size_t sum, size_t side, RnsPolynomial& out);
  void add_sums(size_t index, size_t row, const BatchKeys& keys, Unit& unit);
  void activate(size_t index, size_t row, const BatchKeys& keys, Unit& unit);
  template <typename Body>
  void for_each_row(size_t count, const Body& body);

  const BatchProgram& program_;
  const Params& params_;
  ThreadPool& pool_;
  Lent<Unit>& units_;
  struct Workspace {
    MatrixProduct product;
    std::vector<uint32_t> last;  ///< sums of the last giant step: [row][width]
  };
  Lent<Workspace> workspaces_;
  const std::vector<int> rotations_;
  size_t width_ = 0;  ///< of every product
  Operand rows_;      ///< of the input, in coefficient form; then of each activation, in NTT form
  Operand operand_;   ///< [baby step][row] in NTT form; then a product's rows
};

}  // namespace cryptotl

#include "onnx_layout.h"

#include <algorithm>
#include <vector>

#include "cryptotl/base/error.h"
#include "cryptotl/network/network.h"

namespace cryptotl {
namespace {

constexpr size_t kMaxRank = 8;

[[noreturn]] void refuse(const std::string& why) { throw Error(ErrorCode::malformed, why); }

// axes[i] marked, of `rank`; the batch's axis cannot be among them.
std::vector<bool> marked(std::span<const int64_t> axes, size_t rank) {
  if (axes.empty()) refuse("the axes must be given");
  std::vector<bool> marks(rank, false);
  for (const int64_t axis : axes) {
    const size_t index = RowLayout::normalized(axis, rank);
    if (index == 0) refuse("axis 0 must stay the batch of rows");
    if (marks[index]) refuse("axis " + std::to_string(index) + " is named twice");
    marks[index] = true;
  }
  return marks;
}

}  // namespace

RowLayout::RowLayout(std::optional<int64_t> batch, std::span<const int64_t> rest)
    : batch_(batch), rank_(rest.size() + 1), axis_(rest.size()), width_(1) {
  if (rest.empty() || rank_ > kMaxRank) refuse("it must have 2 to 8 axes: rows, and along each row");
  for (size_t i = 0; i < rest.size(); ++i) {
    if (rest[i] < 1 || rest[i] > static_cast<int64_t>(kMaxNetworkWidth)) {
      refuse("axis " + std::to_string(i + 1) + " must have a fixed length of 1 to " +
             std::to_string(kMaxNetworkWidth));
    }
    if (rest[i] == 1) continue;
    if (width_ != 1) refuse("it has more than one axis along the row; only flat rows are read");
    axis_ = i + 1;
    width_ = static_cast<size_t>(rest[i]);
  }
}

size_t RowLayout::normalized(int64_t axis, size_t rank) {
  const auto signed_rank = static_cast<int64_t>(rank);
  if (axis < -signed_rank || axis >= signed_rank) {
    refuse("axis " + std::to_string(axis) + " is beyond the " + std::to_string(rank) + " axes of its input");
  }
  return static_cast<size_t>(axis < 0 ? axis + signed_rank : axis);
}

void RowLayout::unsqueeze(std::span<const int64_t> axes) {
  if (rank_ + axes.size() > kMaxRank) refuse("it makes more than " + std::to_string(kMaxRank) + " axes");
  const std::vector<bool> added = marked(axes, rank_ + axes.size());
  size_t old_axis = 0;
  for (size_t axis = 0; axis < added.size(); ++axis) {
    if (added[axis]) continue;
    if (old_axis++ == axis_) {
      axis_ = axis;
      break;
    }
  }
  rank_ = added.size();
}

void RowLayout::squeeze(std::span<const int64_t> axes) {
  const std::vector<bool> dropped = marked(axes, rank_);
  if (dropped[axis_]) refuse("axis " + std::to_string(axis_) + " runs along the row and must stay");
  axis_ -= static_cast<size_t>(
      std::count(dropped.begin(), dropped.begin() + static_cast<std::ptrdiff_t>(axis_), true));
  rank_ -= axes.size();
}

void RowLayout::flatten(int64_t axis) {
  if (normalized(axis, rank_) != 1) refuse("only axis 1, which keeps the batch of rows, is read");
  rank_ = 2;
  axis_ = 1;
}

void RowLayout::reshape(std::span<const int64_t> shape) {
  if (shape.size() < 2 || shape.size() > kMaxRank) refuse("the shape must have 2 to 8 axes");
  const auto width = static_cast<int64_t>(width_);
  const bool keeps_batch = shape[0] == -1 || shape[0] == 0 || (batch_ && shape[0] == *batch_);
  std::optional<size_t> row_axis;
  for (size_t i = 1; i < shape.size(); ++i) {
    const bool copies = shape[i] == 0 && i < rank_;
    const int64_t length = !copies ? shape[i] : i == axis_ ? width : 1;
    if (length == 1 && width != 1) continue;
    const bool is_row = length == width || (length == -1 && shape[0] != -1);
    if (!is_row || (row_axis && length != 1)) {
      refuse("its shape must keep the batch of rows and the row of " + std::to_string(width_));
    }
    row_axis = i;
  }
  if (!keeps_batch || !row_axis) {
    refuse("its shape must keep the batch of rows and the row of " + std::to_string(width_));
  }
  rank_ = shape.size();
  axis_ = *row_axis;
}

void RowLayout::transpose(std::span<const int64_t> permutation) {
  if (permutation.size() != rank_ || permutation[0] != 0) {
    refuse("its permutation must name all " + std::to_string(rank_) +
           " axes and keep axis 0, the batch of rows");
  }
  std::vector<int64_t> sorted(permutation.begin(), permutation.end());
  std::ranges::sort(sorted);
  for (size_t i = 0; i < rank_; ++i) {
    if (sorted[i] != static_cast<int64_t>(i)) refuse("its permutation must name each axis once");
  }
  axis_ =
      static_cast<size_t>(std::ranges::find(permutation, static_cast<int64_t>(axis_)) - permutation.begin());
}

int64_t RowLayout::along_row(std::span<const int64_t> numbers, int64_t elsewhere,
                             const std::string& what) const {
  if (rank_ < 3 || axis_ < 2) {
    refuse("its input must lie as [rows, 1, " + std::to_string(width_) + "], with one channel on axis 1");
  }
  if (numbers.size() != rank_ - 2) {
    refuse(what + " must have " + std::to_string(rank_ - 2) + " numbers, not " +
           std::to_string(numbers.size()));
  }
  for (size_t i = 0; i < numbers.size(); ++i) {
    if (i + 2 != axis_ && numbers[i] != elsewhere) {
      refuse(what + " must be " + std::to_string(elsewhere) + " beside the row's axis");
    }
  }
  return numbers[axis_ - 2];
}

}  // namespace cryptotl

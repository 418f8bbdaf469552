#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace cryptotl {

/// How a batch of rows lies in a tensor: axis 0 counts the rows, axis `axis` runs along the row, and every
/// other axis has length 1. Operators that only rename axes change this and nothing else. All functions throw
/// malformed where the rows would be mixed or lost; negative axes count from the end.
class RowLayout {
 public:
  /// A tensor of these dims; the first is the batch, nullopt where it is free.
  RowLayout(std::optional<int64_t> batch, std::span<const int64_t> rest);

  size_t rank() const { return rank_; }
  size_t axis() const { return axis_; }
  size_t width() const { return width_; }
  void set_width(size_t width) { width_ = width; }
  bool is_last() const { return axis_ + 1 == rank_; }

  void unsqueeze(std::span<const int64_t> axes);
  void squeeze(std::span<const int64_t> axes);
  void flatten(int64_t axis);
  void reshape(std::span<const int64_t> shape);
  void transpose(std::span<const int64_t> permutation);

  /// `axis`, counted from the start of a tensor of rank `rank`.
  static size_t normalized(int64_t axis, size_t rank);

  /// Of one number for each axis from 2 on, the one for the row's axis; all others must be `elsewhere`. The
  /// layout is that of Conv and the pools: [N, channels = 1, ...].
  int64_t along_row(std::span<const int64_t> numbers, int64_t elsewhere, const std::string& what) const;

 private:
  std::optional<int64_t> batch_;
  size_t rank_;
  size_t axis_;
  size_t width_;
};

}  // namespace cryptotl

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace cryptotl {

/// Row numbers, each set ascending.
struct Split {
  std::vector<size_t> train;
  std::vector<size_t> test;
};

/// Every row's class counted: [largest label + 1]. Throws invalid_argument for a negative label.
std::vector<size_t> class_counts(std::span<const int> labels);

/// Keeps `test_fraction` of each class (rounded, at least one row on either side) for testing. The same seed
/// gives the same split everywhere. Throws invalid_argument for a class of one row or a fraction outside (0,
/// 1).
Split stratified_split(std::span<const int> labels, double test_fraction, uint64_t seed);

/// `folds` splits whose test sets part the rows; the number of rows of one class differs by at most one
/// between folds, and so does the number of all rows. Every class has a row in every training set, also where
/// it has fewer rows than there are folds. Throws invalid_argument for fewer than 2 folds, more folds than
/// rows, or a class of one row.
std::vector<Split> stratified_folds(std::span<const int> labels, size_t folds, uint64_t seed);

/// A random draw of `count` of the rows named by `pool`, ascending: at random among all draws that hold at
/// least `each_class` rows of every class of the pool. Throws invalid_argument where there is none.
std::vector<size_t> draw_rows(std::span<const size_t> pool, std::span<const int> labels, size_t count,
                              size_t each_class, uint64_t seed);

}  // namespace cryptotl

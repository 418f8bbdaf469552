#include "cryptotl/learn/folds.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>

#include "cryptotl/base/error.h"
#include "random_order.h"
#include "refusal.h"

namespace cryptotl {
namespace {

/// The rows of every class, each class shuffled.
std::vector<std::vector<size_t>> shuffled_classes(std::span<const int> labels, Random& random) {
  std::vector<std::vector<size_t>> classes(class_counts(labels).size());
  for (size_t row = 0; row < labels.size(); ++row) classes[static_cast<size_t>(labels[row])].push_back(row);
  for (auto& rows : classes) shuffle(std::span(rows), random);
  return classes;
}

}  // namespace

std::vector<size_t> class_counts(std::span<const int> labels) {
  std::vector<size_t> counts;
  for (const int label : labels) {
    if (label < 0) throw refusal("label " + std::to_string(label) + ", where classes count from 0");
    counts.resize(std::max(counts.size(), static_cast<size_t>(label) + 1));
    ++counts[static_cast<size_t>(label)];
  }
  return counts;
}

Split stratified_split(std::span<const int> labels, double test_fraction, uint64_t seed) {
  if (!(test_fraction > 0 && test_fraction < 1)) {
    throw refusal("a test set of " + std::to_string(test_fraction) + " of the rows, where 0 to 1 is meant");
  }
  Random random(seed);
  Split split;
  for (const auto& rows : shuffled_classes(labels, random)) {
    if (rows.empty()) continue;
    if (rows.size() == 1) throw refusal("a class has one row, where a split needs two");
    const auto wanted = static_cast<size_t>(std::lround(test_fraction * static_cast<double>(rows.size())));
    const auto cut = rows.begin() + static_cast<ptrdiff_t>(std::clamp<size_t>(wanted, 1, rows.size() - 1));
    split.test.insert(split.test.end(), rows.begin(), cut);
    split.train.insert(split.train.end(), cut, rows.end());
  }
  std::ranges::sort(split.test);
  std::ranges::sort(split.train);
  return split;
}

std::vector<Split> stratified_folds(std::span<const int> labels, size_t folds, uint64_t seed) {
  if (folds < 2) throw refusal(std::to_string(folds) + " folds, where cross-validation needs two");
  Random random(seed);
  std::vector<size_t> fold_of(labels.size());
  size_t dealt = 0;  // dealt on from class to class, so that the folds' sizes differ by at most one
  for (const auto& rows : shuffled_classes(labels, random)) {
    if (rows.size() == 1) throw refusal("a class has one row, where cross-validation needs two");
    for (const size_t row : rows) fold_of[row] = dealt++ % folds;
  }
  if (dealt < folds) {
    throw refusal(std::to_string(folds) + " folds of " + std::to_string(dealt) + " rows");
  }
  std::vector<Split> splits(folds);
  for (size_t row = 0; row < labels.size(); ++row) {
    for (size_t fold = 0; fold < folds; ++fold) {
      (fold == fold_of[row] ? splits[fold].test : splits[fold].train).push_back(row);
    }
  }
  return splits;
}

std::vector<size_t> draw_rows(std::span<const size_t> pool, std::span<const int> labels, size_t count,
                              size_t each_class, uint64_t seed) {
  std::vector<int> pool_labels;
  for (const size_t row : pool) pool_labels.push_back(labels[row]);
  const std::vector<size_t> held = class_counts(pool_labels);
  size_t needed = 0;
  for (const size_t rows : held) {
    if (rows > 0 && rows < each_class) {
      throw refusal("a class has " + std::to_string(rows) + " rows, where " + std::to_string(each_class) +
                    " are drawn");
    }
    needed += rows > 0 ? each_class : 0;
  }
  if (count < needed || count > pool.size()) {
    throw refusal("a draw of " + std::to_string(count) + " from " + std::to_string(pool.size()) +
                  " rows, where " + std::to_string(needed) + " to " + std::to_string(pool.size()) +
                  " are possible");
  }
  Random random(seed);
  std::vector<size_t> order(pool.begin(), pool.end());
  shuffle(std::span(order), random);
  // The first rows of every class, then whatever comes first.
  std::vector<size_t> taken(held.size());
  std::vector<size_t> drawn, rest;
  for (const size_t row : order) {
    const auto label = static_cast<size_t>(labels[row]);
    (taken[label]++ < each_class ? drawn : rest).push_back(row);
  }
  drawn.insert(drawn.end(), rest.begin(), rest.begin() + static_cast<ptrdiff_t>(count - drawn.size()));
  std::ranges::sort(drawn);
  return drawn;
}

}  // namespace cryptotl

#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "cryptotl/data/feature_file.h"
#include "cryptotl/data/labels.h"

namespace cryptotl {

struct RealRows {
  Matrix embeddings;
  std::vector<int> labels;
};

inline const std::filesystem::path kMail = std::filesystem::path(CRYPTOTL_SOURCE_DIR) / "examples" / "mail";
inline const std::filesystem::path kShared =
    std::filesystem::path(CRYPTOTL_SOURCE_DIR) / ".." / "shared" / "data";

/// "source" or "target" of the mails in examples/.
inline RealRows mail(const std::string& split) {
  TableOptions options;
  options.labels = kMail / (split + ".labels.npy");
  Table table = read_table(kMail / (split + ".f16.npy"), options).value();
  return {std::move(table.features), index_labels(table.labels).value().index};
}

/// The client's mails by their three groups in the corpus (easy ham 0, hard ham 1, spam 2): the rows whose
/// number divided by `step` leaves `first`.
inline RealRows mail_groups(size_t first, size_t step) {
  const RealRows all = mail("target");
  std::ifstream ids(kMail / "target.ids.txt");
  std::vector<size_t> rows;
  RealRows part;
  std::string line;
  for (size_t row = 0; std::getline(ids, line); ++row) {
    if (row % step != first) continue;
    rows.push_back(row);
    part.labels.push_back(line.starts_with("easy-ham") ? 0 : line.starts_with("hard-ham") ? 1 : 2);
  }
  part.embeddings = take_rows(all.embeddings, rows);
  return part;
}

/// A data set beside the checkout: features in one file, labels in the file of texts.
inline RealRows shared(const std::string& name) {
  TableOptions options;
  options.expects_labels = false;
  Table features = read_table(kShared / (name + ".f16.npy"), options).value();
  return {std::move(features.features),
          index_labels(read_table(kShared / (name + ".csv")).value().labels).value().index};
}

}  // namespace cryptotl

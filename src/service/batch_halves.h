#pragma once

#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <set>

#include "cryptotl/execute/batch.h"

namespace cryptotl {

/// What the first matrix makes of the halves of batches that need no client (BatchHalf), in files of one
/// folder: one a batch number, for the current epoch, of the numbers that clients have used. They take no
/// more than the limit's bytes. Files of another epoch are removed, damaged ones made again. Several
/// processes may share a folder, each with a limit of its own. Thread-safe.
class BatchHalves {
 public:
  /// The folder is made with the first file.
  BatchHalves(std::filesystem::path folder, std::shared_ptr<const BatchProgram> program, const Digest& model,
              size_t limit);

  /// The half of this batch, or none: then it is wanted from now on, as far as there is room.
  std::shared_ptr<const BatchHalf> find(uint64_t epoch, uint64_t number);
  /// A number that is wanted and missing. Numbers begin at 0 with every key, so the lowest is the best.
  std::optional<uint64_t> missing(uint64_t epoch);
  /// Keeps one that was made; where it cannot be written, none is wanted any more.
  void put(uint64_t epoch, const BatchHalf& half);
  /// One that cannot be made is not wanted until a client uses its number again.
  void give_up(uint64_t number);
  /// How many there are, and how many are wanted and missing.
  size_t count(uint64_t epoch);
  size_t waiting(uint64_t epoch);

 private:
  std::filesystem::path path_of(uint64_t number) const;
  /// Under the lock: what is there counts for this epoch alone.
  void turn_to(uint64_t epoch);

  const std::filesystem::path folder_;
  const std::shared_ptr<const BatchProgram> program_;
  const Digest model_;
  const std::string prefix_;  ///< of this program's files
  const size_t most_;         ///< files

  std::mutex mutex_;
  std::optional<uint64_t> epoch_;
  bool usable_ = true;
  std::set<uint64_t> present_;
  std::set<uint64_t> wanted_;
};

}  // namespace cryptotl

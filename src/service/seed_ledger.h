#pragma once

#include <array>
#include <atomic>
#include <filesystem>
#include <list>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "cryptotl/base/digest.h"
#include "cryptotl/base/file.h"
#include "cryptotl/base/random.h"
#include "cryptotl/service/limits.h"

namespace cryptotl {

/// Which seeds one key set has encrypted with, and for which request each: a seed stands for one message, so
/// the same bytes again are a retry and other bytes are refused. It is the second line: the client is the
/// first, and what has arrived has been seen. It finds clients that were copied (docs/security.md), and an
/// honest server tells them.
///
/// The file is a header of 48 bytes (the letters CTTLSEED, a number of 4 bytes that is 1, 4 zeros, the key
/// set's digest) and records of 40: 16 bytes of the seed's digest, 16 of the request's, and 8 that check
/// them. It grows only. A record is written before its request is answered, in one piece and without fsync:
/// what a killed process wrote stays, and the second line need not cost milliseconds a request to outlive a
/// power failure as well. Several processes may share a file, as they may share keys: each reads what the
/// others have added, under a lock on the file. Thread-safe.
class SeedLedger {
 public:
  SeedLedger(std::filesystem::path path, const Digest& keys, size_t limit);

  /// Notes that `seed` stands for the request with this digest. parameter_mismatch where it stands for
  /// another one, where the ledger is full, and where its file is damaged or none of ours: all of these take
  /// new keys. resource_exhausted where it cannot be written.
  Status claim(const Seed& seed, const Digest& request);
  /// Whether one of the seeds stands for a request already. Refuses as claim().
  Result<bool> knows_any(std::span<const Seed> seeds);
  /// Records in memory.
  size_t size() const { return size_; }

 private:
  using Half = std::array<uint8_t, 16>;  ///< of a digest
  struct Record {
    Half seed;
    Half request;
    uint64_t check;
  };
  struct FirstBytes {
    size_t operator()(const Half& half) const noexcept;
  };
  class Turn;

  static Half half(const Digest& digest);
  static uint64_t check_of(const Record& record);
  Bytes header() const;
  Status open();
  Status catch_up();
  Status read_header(size_t size);
  Status read_records(size_t size);
  Status cut(size_t size);
  Status append(ByteView bytes);
  Error unusable(const std::string& why) const;

  const std::filesystem::path path_;
  const Digest keys_;
  const size_t limit_;
  std::mutex mutex_;
  FileDescriptor file_;
  size_t read_ = 0;  ///< bytes of the file that are known: its header and whole records
  std::unordered_map<Half, Half, FirstBytes> records_;  ///< the request of each seed
  std::atomic<size_t> size_ = 0;
};

/// The ledgers of every key set: FOLDER/DIGEST.seeds beside the keys. Those used last are kept in memory.
/// Thread-safe.
class SeedLedgers {
 public:
  SeedLedgers(std::filesystem::path folder, const ServiceLimits& limits);

  /// As SeedLedger's, of this key set, which must be there: each has a file of its own.
  Status claim(const Digest& keys, const Seed& seed, const Digest& request);
  Result<bool> knows_any(const Digest& keys, std::span<const Seed> seeds);

 private:
  std::shared_ptr<SeedLedger> ledger_of(const Digest& keys);

  const std::filesystem::path folder_;
  const ServiceLimits limits_;
  std::mutex mutex_;
  std::list<std::pair<Digest, std::shared_ptr<SeedLedger>>> ledgers_;  ///< used last stands first
};

}  // namespace cryptotl

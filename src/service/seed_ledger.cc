#include "service/seed_ledger.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iostream>
#include <system_error>

namespace cryptotl {
namespace {

constexpr std::string_view kMagic = "CTTLSEED";
constexpr size_t kHeaderBytes = 8 + 4 + 4 + sizeof(Digest);
constexpr const char* kSuffix = ".seeds";
/// Ledgers with an open file each.
constexpr size_t kOpenLedgers = 64;

Error failed(const char* what) {
  return Error(ErrorCode::resource_exhausted, std::string("the ledger of seeds cannot be ") + what + ": " +
                                                  std::generic_category().message(errno));
}

Error reused() {
  return Error(ErrorCode::parameter_mismatch,
               "this seed has encrypted another message: two under one seed tell the server their "
               "difference; where this client was copied or restored, make new keys for each copy");
}

}  // namespace

/// The file's lock, against other processes and, should one key set ever have two ledgers, other threads.
class SeedLedger::Turn {
 public:
  explicit Turn(int descriptor) : descriptor_(descriptor) {
    while (::flock(descriptor_, LOCK_EX) != 0 && errno == EINTR) {
    }
  }
  ~Turn() { ::flock(descriptor_, LOCK_UN); }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

 private:
  const int descriptor_;
};

SeedLedger::SeedLedger(std::filesystem::path path, const Digest& keys, size_t limit)
    : path_(std::move(path)), keys_(keys), limit_(limit) {
  static_assert(sizeof(Record) == 40, "records are written as they lie in memory");
}

size_t SeedLedger::FirstBytes::operator()(const Half& half) const noexcept {
  size_t out = 0;
  std::memcpy(&out, half.data(), sizeof out);  // of a digest: as random as a hash gets
  return out;
}

SeedLedger::Half SeedLedger::half(const Digest& digest) {
  Half out;
  std::copy_n(digest.begin(), out.size(), out.begin());
  return out;
}

/// FNV-1a over 64-bit words: finds accidents.
uint64_t SeedLedger::check_of(const Record& record) {
  std::array<uint64_t, 4> words;
  std::memcpy(words.data(), record.seed.data(), sizeof(Half));
  std::memcpy(words.data() + 2, record.request.data(), sizeof(Half));
  uint64_t check = 0xcbf29ce484222325;
  for (const uint64_t word : words) check = (check ^ word) * 0x100000001b3;
  return check;
}

Bytes SeedLedger::header() const {
  ByteWriter writer(kHeaderBytes);
  writer.text(kMagic);
  writer.number(uint32_t{1});
  writer.number(uint32_t{0});
  writer.bytes(keys_);
  return writer.take();
}

Error SeedLedger::unusable(const std::string& why) const {
  std::cerr << "ledger of seeds " << path_.string() << ": " << why << std::endl;
  return Error(ErrorCode::parameter_mismatch, "the server's ledger of these keys' seeds " + why +
                                                  ", so no seed can be told from a used one; make new keys");
}

Status SeedLedger::open() {
  if (file_.open()) return {};
  FileDescriptor file(::open(path_.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file.open()) return failed("opened");
  struct stat info {};
  if (::fstat(file.number(), &info) != 0) return failed("read");
  if (!S_ISREG(info.st_mode)) return unusable("is no file");
  file_ = std::move(file);
  return {};
}

/// Reads what the file has that is not known yet. The caller holds its lock, so no record is half written but
/// by a process that died.
Status SeedLedger::catch_up() {
  struct stat info {};
  if (::fstat(file_.number(), &info) != 0) return failed("read");
  const auto size = static_cast<size_t>(info.st_size);
  if (size == read_ && read_ > 0) return {};
  if (size < read_) return unusable("has become shorter");
  if (size > kHeaderBytes + (limit_ + 1) * sizeof(Record)) return unusable("is longer than one may be");
  if (read_ == 0) CRYPTOTL_TRY(read_header(size));
  return read_records(size);
}

/// The header, which an empty file, or one whose first process died at once, gets now.
Status SeedLedger::read_header(size_t size) {
  const Bytes right = header();
  Bytes there(std::min(size, right.size()));
  if (::pread(file_.number(), there.data(), there.size(), 0) != std::ssize(there)) return failed("read");
  if (!std::equal(there.begin(), there.end(), right.begin())) return unusable("is none of ours, or damaged");
  if (there.size() < right.size()) {
    CRYPTOTL_TRY(cut(0));
    return append(right);
  }
  read_ = right.size();
  return {};
}

Status SeedLedger::read_records(size_t size) {
  constexpr size_t kAtOnce = 16384;
  std::vector<Record> records(std::min(kAtOnce, size / sizeof(Record) + 1));
  while (read_ < size) {
    const size_t wanted = std::min(records.size() * sizeof(Record), size - read_);
    const ssize_t count = ::pread(file_.number(), records.data(), wanted, static_cast<off_t>(read_));
    if (count != static_cast<ssize_t>(wanted)) return failed("read");
    const auto end = records.begin() + static_cast<ptrdiff_t>(wanted / sizeof(Record));
    const auto wrong = std::find_if(records.begin(), end,
                                    [](const Record& record) { return check_of(record) != record.check; });
    for (auto record = records.begin(); record != wrong; ++record)
      records_.emplace(record->seed, record->request);
    size_ = records_.size();
    read_ += static_cast<size_t>(wrong - records.begin()) * sizeof(Record);
    const size_t rest = size - read_;
    if (wrong == end && (rest == 0 || rest >= sizeof(Record))) continue;
    // A process may have died in the middle of the last record; before that all were whole once.
    return rest > sizeof(Record) ? Status(unusable("is damaged")) : cut(read_);
  }
  return {};
}

Status SeedLedger::cut(size_t size) {
  return ::ftruncate(file_.number(), static_cast<off_t>(size)) == 0 ? Status() : Status(failed("written"));
}

Status SeedLedger::append(ByteView bytes) {
  const ssize_t count = ::write(file_.number(), bytes.data(), bytes.size());
  if (count == std::ssize(bytes)) {
    read_ += bytes.size();
    return {};
  }
  const Error error = failed("written");
  if (count > 0) static_cast<void>(cut(read_));  // where that fails, too, the next to read finds it torn
  return error;
}

Status SeedLedger::claim(const Seed& seed, const Digest& request) {
  const std::lock_guard lock(mutex_);
  CRYPTOTL_TRY(open());
  const Turn turn(file_.number());
  CRYPTOTL_TRY(catch_up());
  Record record{half(digest(seed)), half(request), 0};
  if (const auto known = records_.find(record.seed); known != records_.end()) {
    return known->second == record.request ? Status() : Status(reused());
  }
  if (records_.size() >= limit_) {
    return Error(ErrorCode::parameter_mismatch, "these keys have encrypted " + std::to_string(limit_) +
                                                    " inputs for this server; make new keys");
  }
  record.check = check_of(record);
  CRYPTOTL_TRY(append({reinterpret_cast<const uint8_t*>(&record), sizeof record}));
  records_.emplace(record.seed, record.request);
  size_ = records_.size();
  return {};
}

Result<bool> SeedLedger::knows_any(std::span<const Seed> seeds) {
  const std::lock_guard lock(mutex_);
  CRYPTOTL_TRY(open());
  const Turn turn(file_.number());
  CRYPTOTL_TRY(catch_up());
  return std::ranges::any_of(seeds, [&](const Seed& seed) { return records_.contains(half(digest(seed))); });
}

SeedLedgers::SeedLedgers(std::filesystem::path folder, const ServiceLimits& limits)
    : folder_(std::move(folder)), limits_(limits) {}

Status SeedLedgers::claim(const Digest& keys, const Seed& seed, const Digest& request) {
  return ledger_of(keys)->claim(seed, request);
}

Result<bool> SeedLedgers::knows_any(const Digest& keys, std::span<const Seed> seeds) {
  return ledger_of(keys)->knows_any(seeds);
}

/// It is read once it is used, so that nobody waits here for another's file.
std::shared_ptr<SeedLedger> SeedLedgers::ledger_of(const Digest& keys) {
  const std::lock_guard lock(mutex_);
  const auto found = std::ranges::find_if(ledgers_, [&](const auto& entry) { return entry.first == keys; });
  if (found != ledgers_.end()) {
    ledgers_.splice(ledgers_.begin(), ledgers_, found);
  } else {
    const auto path = folder_ / (hex(keys) + kSuffix);
    ledgers_.emplace_front(keys, std::make_shared<SeedLedger>(path, keys, limits_.seeds_a_key_set));
  }
  size_t seeds = 0;
  for (const auto& [name, ledger] : ledgers_) seeds += ledger->size();
  while (ledgers_.size() > 1 && (seeds > limits_.seeds_in_memory || ledgers_.size() > kOpenLedgers)) {
    seeds -= ledgers_.back().second->size();
    ledgers_.pop_back();
  }
  return ledgers_.front().second;
}

}  // namespace cryptotl

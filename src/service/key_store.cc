#include "service/key_store.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <iostream>
#include <system_error>

#include "cryptotl/base/file.h"
#include "cryptotl/ckks/wire.h"

namespace cryptotl {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kSuffix = ".keys";
constexpr std::string_view kTemporary = ".upload-";

Error unusable(const fs::path& path, const std::string& why) {
  return Error(ErrorCode::resource_exhausted, "key store " + path.string() + ": " + why);
}

Error not_stored(const Digest& keys, const std::string& why) {
  return Error(ErrorCode::missing_key, "the evaluation keys " + hex(keys) + " " + why + "; upload them");
}

Error of_another_plan(const Digest& keys) {
  return Error(ErrorCode::parameter_mismatch,
               "the evaluation keys " + hex(keys) + " are for another plan; make keys for this one");
}

/// Whether a file's bytes are those that its name stands for; it is read in pieces, whatever its size.
bool has_digest(const fs::path& path, const Digest& wanted) {
  const auto file = FileReader::open(path);
  if (!file.ok()) return false;
  Hasher hasher;
  Bytes piece(size_t{1} << 20);
  for (size_t offset = 0; offset < file->size();) {
    const auto count = file->read(offset, piece);
    if (!count.ok() || *count == 0) return false;
    hasher.add(ByteView(piece).first(*count));
    offset += *count;
  }
  return hasher.finish() == wanted;
}

void sync_folder(const fs::path& folder) {
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;
  static_cast<void>(::fsync(descriptor));
  ::close(descriptor);
}

}  // namespace

KeyPlan::KeyPlan(const LatencyPlan& wanted, ParamsPtr parameters)
    : plan(wanted), params(std::move(parameters)), key_bytes(key_set_bytes(*params, required_keys(plan))) {}

Result<std::unique_ptr<KeyStore>> KeyStore::open(const fs::path& folder, const ServiceLimits& limits) {
  std::error_code failure;
  // Not what lies above it: where that was removed meanwhile, nothing is to come back.
  fs::create_directory(folder, failure);
  if (failure) return unusable(folder, "it cannot be made: " + failure.message());
  if (::access(folder.c_str(), R_OK | W_OK | X_OK) != 0) {
    return unusable(folder, std::string("it cannot be used: ") + std::generic_category().message(errno));
  }
  std::unique_ptr<KeyStore> store(new KeyStore(folder, limits));
  store->remove_leftovers();
  return store;
}

/// A running upload holds a lock on its file, and the lock dies with its process.
void KeyStore::remove_leftovers() const {
  std::error_code failure;
  for (const auto& entry : fs::directory_iterator(folder_, failure)) {
    if (!entry.path().filename().string().starts_with(kTemporary)) continue;
    const int descriptor = ::open(entry.path().c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
    if (descriptor < 0) continue;
    if (::flock(descriptor, LOCK_EX | LOCK_NB) == 0) ::unlink(entry.path().c_str());
    ::close(descriptor);
  }
}

fs::path KeyStore::path_of(const Digest& keys) const { return folder_ / (hex(keys) + std::string(kSuffix)); }

bool KeyStore::contains(const KeyPlan& plan, const Digest& keys) const {
  std::error_code failure;
  const auto size = fs::file_size(path_of(keys), failure);
  return !failure && size == plan.key_bytes;
}

size_t KeyStore::stored_bytes() const {
  size_t sum = 0;
  std::error_code failure;
  for (const auto& entry : fs::directory_iterator(folder_, failure)) {
    std::error_code gone;
    const auto size = entry.path().extension() == kSuffix ? entry.file_size(gone) : 0;
    if (!gone) sum += size;
  }
  return sum;
}

Status KeyStore::admit(const KeyPlan& plan, const Digest& keys) {
  const std::lock_guard lock(upload_mutex_);
  if (uploads_ >= limits_.waiting_uploads) {
    return Error(ErrorCode::resource_exhausted,
                 std::to_string(uploads_) + " uploads of keys are under way; try again later");
  }
  const size_t wanted = stored_bytes() + upload_bytes_ + plan.key_bytes;
  if (wanted > limits_.key_store_bytes && !contains(plan, keys)) {
    return Error(ErrorCode::resource_exhausted,
                 "the key store is full: its limit is " + std::to_string(limits_.key_store_bytes) + " bytes");
  }
  ++uploads_;
  upload_bytes_ += plan.key_bytes;
  return {};
}

Result<std::shared_ptr<const LatencyKeys>> KeyStore::find(const KeyPlan& plan, const Digest& keys) {
  if (auto prepared = cached(plan, keys)) return prepared;
  const std::lock_guard lock(load_mutex_);
  // Another thread may have loaded them meanwhile.
  if (auto prepared = cached(plan, keys)) return prepared;
  return load(plan, keys);
}

Result<std::shared_ptr<const LatencyKeys>> KeyStore::load(const KeyPlan& plan, const Digest& keys) {
  const fs::path path = path_of(keys);
  auto prepared = prepare(plan, path, keys);
  if (prepared.ok()) {
    remember(plan, keys, *prepared);
    return prepared;
  }
  const Error& error = prepared.error();
  if (error.code() == ErrorCode::not_found) return not_stored(keys, "are not on this server");
  if (error.code() == ErrorCode::resource_exhausted) return error;
  if (has_digest(path, keys)) return of_another_plan(keys);
  std::cerr << "removed " << path.string() << ": " << error.what() << std::endl;
  ::unlink(path.c_str());
  return not_stored(keys, "were damaged on this server");
}

Result<std::shared_ptr<const LatencyKeys>> KeyStore::prepare(const KeyPlan& plan, const fs::path& path,
                                                             const Digest& keys) {
  const auto bytes = read_file(path, plan.key_bytes);
  if (!bytes.ok()) return bytes.error();
  if (digest(*bytes) != keys) {
    return Error(ErrorCode::malformed, "the bytes have another digest than the one that names them");
  }
  const auto parsed = read_key_set(*bytes, plan.params, required_keys(plan.plan));
  if (!parsed.ok()) return parsed.error();
  return LatencyKeys::create(plan.plan, parsed->evaluation, parsed->public_key);
}

std::shared_ptr<const LatencyKeys> KeyStore::cached(const KeyPlan& plan, const Digest& keys) {
  const std::lock_guard lock(cache_mutex_);
  for (auto entry = cache_.begin(); entry != cache_.end(); ++entry) {
    if (!entry->is(plan, keys)) continue;
    cache_.splice(cache_.begin(), cache_, entry);
    return entry->prepared;
  }
  return nullptr;
}

void KeyStore::remember(const KeyPlan& plan, const Digest& keys, Prepared prepared) {
  const std::lock_guard lock(cache_mutex_);
  std::erase_if(cache_, [&](const auto& entry) {
    if (entry.is(plan, keys)) cache_bytes_ -= entry.prepared->bytes();
    return entry.is(plan, keys);
  });
  cache_bytes_ += prepared->bytes();
  cache_.push_front({&plan, keys, std::move(prepared)});
  while (cache_bytes_ > limits_.key_cache_bytes && cache_.size() > 1) {
    cache_bytes_ -= cache_.back().prepared->bytes();
    cache_.pop_back();
  }
}

KeyStore::Upload::Upload(KeyStore& store, const KeyPlan& plan, const Digest& keys)
    : store_(store), plan_(plan), keys_(keys) {}

KeyStore::Upload::~Upload() {
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
  if (descriptor_ >= 0) ::close(descriptor_);
  if (!counted_) return;
  const std::lock_guard lock(store_.upload_mutex_);
  --store_.uploads_;
  store_.upload_bytes_ -= plan_.key_bytes;
}

Error KeyStore::Upload::failed(const char* what) const {
  return unusable(store_.folder_,
                  std::string("cannot ") + what + ": " + std::generic_category().message(errno));
}

Status KeyStore::Upload::begin() {
  CRYPTOTL_TRY(store_.admit(plan_, keys_));
  counted_ = true;
  std::string path = (store_.folder_ / (std::string(kTemporary) + "XXXXXX")).string();
  descriptor_ = ::mkostemp(path.data(), O_CLOEXEC);
  if (descriptor_ < 0) return failed("make a file");
  temporary_ = path;
  if (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0) return failed("lock a file");
  return {};
}

Status KeyStore::Upload::add(ByteView bytes) {
  hasher_.add(bytes);
  while (!bytes.empty()) {
    const ssize_t count = ::write(descriptor_, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return failed("write");
    bytes = bytes.subspan(static_cast<size_t>(count));
  }
  return {};
}

Status KeyStore::Upload::finish() {
  if (hasher_.finish() != keys_) {
    return Error(ErrorCode::malformed, "the body's digest is not the one in the path");
  }
  if (::fsync(descriptor_) != 0) return failed("write");
  const std::lock_guard lock(store_.load_mutex_);
  auto prepared = prepare(plan_, temporary_, keys_);
  if (!prepared.ok() && prepared.error().code() == ErrorCode::missing_key) {
    return Error(ErrorCode::parameter_mismatch,
                 std::string("not the keys of this plan: ") + prepared.error().what());
  }
  if (!prepared.ok()) return prepared.error();
  if (::rename(temporary_.c_str(), store_.path_of(keys_).c_str()) != 0) return failed("store a file");
  temporary_.clear();
  sync_folder(store_.folder_);
  store_.remember(plan_, keys_, *std::move(prepared));
  return {};
}

}  // namespace cryptotl

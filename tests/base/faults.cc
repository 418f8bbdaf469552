#include "base/faults.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>

namespace cryptotl {
namespace {

Faults* faults = nullptr;

struct Watched {
  const void* address = nullptr;
  size_t bytes = 0;
  bool freed = false;
  bool zero = false;
} watched;

}  // namespace

Faults::Faults() { faults = this; }
Faults::~Faults() { faults = nullptr; }
Faults* Faults::active() { return faults; }

void Faults::fail(std::string name, size_t from, int error, size_t to) {
  name_ = std::move(name);
  from_ = from;
  to_ = to;
  error_ = error;
  calls_ = 0;
}

int Faults::before(const char* name) {
  if (all_calls_++ == end_at_) ::_exit(kEndedByFault);
  if (name != name_) return 0;
  const size_t call = calls_++;
  if (call < from_ || call >= to_) return 0;
  fired_ = true;
  return error_;
}

FreeWatch::FreeWatch(const void* address, size_t bytes) { watched = {address, bytes, false, false}; }
FreeWatch::~FreeWatch() { watched = {}; }
bool FreeWatch::freed() const { return watched.freed; }
bool FreeWatch::was_zero() const { return watched.zero; }

}  // namespace cryptotl

using cryptotl::Faults;

extern "C" {

int __real_mkostemp(char* name, int flags);
int __real_fchmod(int descriptor, mode_t mode);
ssize_t __real_write(int descriptor, const void* bytes, size_t count);
ssize_t __real_pwrite(int descriptor, const void* bytes, size_t count, off_t offset);
ssize_t __real_pread(int descriptor, void* bytes, size_t count, off_t offset);
int __real_fsync(int descriptor);
int __real_rename(const char* from, const char* to);
void __real_free(void* memory);

}  // extern "C"

namespace {

// True, with errno set, where this call has to fail.
bool fails(const char* name) {
  if (Faults::active() == nullptr) return false;
  const int error = Faults::active()->before(name);
  if (error != 0) errno = error;
  return error != 0;
}

size_t shortened(size_t count) {
  return Faults::active() == nullptr ? count : Faults::active()->shortened(count);
}

}  // namespace

extern "C" {

int __wrap_mkostemp(char* name, int flags) { return fails("mkostemp") ? -1 : __real_mkostemp(name, flags); }

int __wrap_fchmod(int descriptor, mode_t mode) {
  return fails("fchmod") ? -1 : __real_fchmod(descriptor, mode);
}

ssize_t __wrap_write(int descriptor, const void* bytes, size_t count) {
  if (Faults::active() != nullptr) Faults::active()->writing(descriptor);
  return fails("write") ? -1 : __real_write(descriptor, bytes, shortened(count));
}

ssize_t __wrap_pwrite(int descriptor, const void* bytes, size_t count, off_t offset) {
  return fails("pwrite") ? -1 : __real_pwrite(descriptor, bytes, shortened(count), offset);
}

ssize_t __wrap_pread(int descriptor, void* bytes, size_t count, off_t offset) {
  return fails("pread") ? -1 : __real_pread(descriptor, bytes, shortened(count), offset);
}

int __wrap_fsync(int descriptor) { return fails("fsync") ? -1 : __real_fsync(descriptor); }

int __wrap_rename(const char* from, const char* to) { return fails("rename") ? -1 : __real_rename(from, to); }

void __wrap_free(void* memory) {
  using cryptotl::watched;
  if (memory != nullptr && memory == watched.address) {
    const auto* bytes = static_cast<const uint8_t*>(memory);
    watched.freed = true;
    watched.zero = std::all_of(bytes, bytes + watched.bytes, [](uint8_t byte) { return byte == 0; });
    watched.address = nullptr;
  }
  __real_free(memory);
}

}  // extern "C"

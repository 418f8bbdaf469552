#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <utility>

namespace cryptotl {

/// Zeroed memory for `count` elements on pages of its own, kept out of swap and core dumps where the system
/// allows it. Throws std::bad_alloc.
void* allocate_secret(size_t count, size_t element_bytes);
/// Wipes and frees; nothing for nullptr.
void free_secret(void* memory, size_t bytes) noexcept;

/// Overwrites with zeros in a way that no optimiser drops: for secrets that had to pass through ordinary
/// memory.
void wipe(std::span<uint8_t> bytes) noexcept;

/// An array of secret values: move-only, wiped when it dies, never printed.
template <typename T>
requires std::is_trivially_copyable_v<T>
class SecretBuffer {
 public:
  SecretBuffer() = default;
  explicit SecretBuffer(size_t count)
      : data_(static_cast<T*>(allocate_secret(count, sizeof(T)))), size_(count) {}
  ~SecretBuffer() { free_secret(data_, size_ * sizeof(T)); }
  SecretBuffer(SecretBuffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  /// What this buffer held is wiped at once.
  SecretBuffer& operator=(SecretBuffer&& other) noexcept {
    if (this == &other) return *this;
    free_secret(data_, size_ * sizeof(T));
    data_ = std::exchange(other.data_, nullptr);
    size_ = std::exchange(other.size_, 0);
    return *this;
  }
  SecretBuffer(const SecretBuffer&) = delete;
  SecretBuffer& operator=(const SecretBuffer&) = delete;

  T* data() { return data_; }
  const T* data() const { return data_; }
  size_t size() const { return size_; }
  T& operator[](size_t i) { return data_[i]; }
  const T& operator[](size_t i) const { return data_[i]; }
  std::span<T> span() { return {data_, size_}; }
  std::span<const T> span() const { return {data_, size_}; }

 private:
  T* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace cryptotl

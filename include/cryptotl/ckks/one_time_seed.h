#pragma once

#include <sys/types.h>

#include <span>

#include "cryptotl/ckks/ciphertext.h"

namespace cryptotl {

class SecretKey;

/// A fresh seed that encrypts one message, in the process that drew it. Two messages under one seed have the
/// same c_1, so the difference of their c_0 is that of the messages: whoever sees both ciphertexts reads it.
/// A seed may be told before its message exists, so that a server can work ahead; it must not be kept
/// anywhere that can be copied or restored, a file least of all. Move-only, wiped when it dies; the copy
/// that fork() makes of it refuses to encrypt. What no process can see, a snapshot of its whole machine, is
/// the user's to avoid (docs/security.md).
class OneTimeSeed {
 public:
  /// Drawn from the operating system's generator, as every seed is: none can be chosen.
  OneTimeSeed();
  ~OneTimeSeed();
  OneTimeSeed(OneTimeSeed&& other) noexcept;
  OneTimeSeed& operator=(OneTimeSeed&& other) noexcept;

  /// What is public of it, for an announcement. Throws as encrypt() does.
  const Seed& announced() const;

 private:
  friend Ciphertext encrypt(const SecretKey& secret, std::span<const int64_t> coefficients, double scale,
                            size_t limbs, OneTimeSeed seed);
  void require_unspent() const;
  Seed spend();

  Seed seed_;
  pid_t process_;  ///< that drew it; 0 once it is spent or moved on
};

}  // namespace cryptotl

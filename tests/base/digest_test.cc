#include "cryptotl/base/digest.h"

#include <gtest/gtest.h>

namespace cryptotl {
namespace {

// Expected values: an independent implementation of RFC 7693 (Python's hashlib.blake2b with digest_size 32).
TEST(DigestTest, IsBlake2bOf256Bits) {
  EXPECT_EQ(hex(digest({})), "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8");
  EXPECT_EQ(hex(digest(as_bytes("abc"))), "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319");
  Bytes all(256);
  for (size_t i = 0; i < all.size(); ++i) all[i] = static_cast<uint8_t>(i);
  EXPECT_EQ(hex(digest(all)), "39a7eb9fedc19aabc83425c6755dd90e6f9d0c804964a1f4aaeea3b9fb599835");
}

TEST(DigestTest, DoesNotDependOnHowTheBytesAreCut) {
  Bytes bytes(100000);
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<uint8_t>(i * 7);
  for (const size_t piece : {1u, 127u, 128u, 129u, 4096u, 100000u}) {
    Hasher hasher;
    for (size_t at = 0; at < bytes.size(); at += piece) {
      hasher.add(ByteView(bytes).subspan(at, std::min<size_t>(piece, bytes.size() - at))).add({});
    }
    EXPECT_EQ(hex(hasher.finish()), "29cdf18d610753cd9a798386cf5e40c239d40bdc940b669d93ad6a0d6ac30a85")
        << piece;
  }
}

TEST(DigestTest, ChangesWithEveryBit) {
  Bytes bytes(64, 0x55);
  const Digest before = digest(bytes);
  for (size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    bytes[bit / 8] ^= static_cast<uint8_t>(1u << bit % 8);
    EXPECT_NE(digest(bytes), before) << bit;
    bytes[bit / 8] ^= static_cast<uint8_t>(1u << bit % 8);
  }
  EXPECT_EQ(digest(bytes), before);
}

TEST(HasherTest, ContinuesFromACopy) {
  Hasher start;
  start.add(as_bytes("a"));
  Hasher copy = start;
  EXPECT_EQ(copy.add(as_bytes("bc")).finish(), digest(as_bytes("abc")));
  EXPECT_EQ(start.finish(), digest(as_bytes("a")));
}

}  // namespace
}  // namespace cryptotl

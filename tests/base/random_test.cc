#include "cryptotl/base/random.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <set>
#include <string>
#include <vector>

namespace cryptotl {
namespace {

Bytes stream(const Seed& seed, ByteView label, size_t bytes) {
  Bytes out(bytes);
  Xof(seed, label).fill(out);
  return out;
}

Seed counting_seed() {
  Seed seed;
  for (size_t i = 0; i < seed.size(); ++i) seed[i] = static_cast<uint8_t>(i);
  return seed;
}

Label golden_label() {
  const Bytes field = {1, 2, 3};
  return Label("golden").add(7).add(field);
}

TEST(LabelTest, WritesTheWidthOfEveryField) {
  EXPECT_EQ(hex(golden_label().view()),
            "0a00000063727970746f746c2f31"
            "06000000676f6c64656e"
            "080000000700000000000000"
            "03000000010203");
}

TEST(LabelTest, TellsListsOfFieldsApartThatJoinToTheSameBytes) {
  std::set<std::string> labels;
  const auto note = [&](const Label& label) { labels.insert(hex(label.view())); };
  note(Label("ab"));
  note(Label("a").add(as_bytes("b")));
  note(Label("").add(as_bytes("ab")));
  note(Label("ab").add(as_bytes("")));
  note(Label("a").add(as_bytes("")).add(as_bytes("b")));
  note(Label("ab").add(0));
  note(Label("ab").add(1));
  note(Label("ab").add(uint64_t{1} << 56));
  note(Label("ab").add(0).add(0));
  EXPECT_EQ(labels.size(), 9u);
}

// Expected values: BLAKE2b of Python's hashlib and the block function of RFC 8439 written out in Python, with
// the original 64-bit counter and 64-bit nonce.
TEST(XofTest, IsChaCha20UnderTheHashOfSeedAndLabel) {
  const Label label = golden_label();
  const Bytes out = stream(counting_seed(), label.view(), 8200);
  EXPECT_EQ(
      hex(ByteView(out).first(48)),
      "1953a476dc53c9141f78edad71e4a6549dec6d4ce5d4c4e6d163820663d98c0d561a256c4ef6c95721a0dd79debfa70f");
  EXPECT_EQ(hex(digest(out)), "f2dfb4e5f6305af778844db4569ef0abae198180e3827cc831620f43a34810d8");
}

TEST(XofTest, DoesNotDependOnHowTheStreamIsCut) {
  const Label label = golden_label();
  const Bytes whole = stream(counting_seed(), label.view(), 10000);
  for (const size_t piece : {1u, 63u, 64u, 4095u, 4096u, 4097u, 10000u}) {
    Xof xof(counting_seed(), label.view());
    Bytes out(whole.size());
    for (size_t at = 0; at < out.size(); at += piece) {
      xof.fill(std::span(out).subspan(at, std::min<size_t>(piece, out.size() - at)));
      xof.fill({});
    }
    EXPECT_EQ(out, whole) << piece;
  }
}

TEST(XofTest, GivesEveryLabelAndEverySeedAStreamOfItsOwn) {
  std::set<std::string> starts;
  Seed seed = {};
  for (uint64_t number = 0; number < 1000; ++number) {
    starts.insert(hex(stream(seed, Label("purpose").add(number).view(), 16)));
  }
  for (size_t bit = 0; bit < 8 * seed.size(); ++bit) {
    Seed other = seed;
    other[bit / 8] ^= static_cast<uint8_t>(1u << bit % 8);
    starts.insert(hex(stream(other, Label("purpose").add(0).view(), 16)));
  }
  EXPECT_EQ(starts.size(), 1000u + 256u);
}

TEST(XofTest, HasAsManyOnesAsZerosAndEveryByteAsOften) {
  const Bytes out = stream(counting_seed(), {}, 1 << 20);
  std::vector<double> counts(256);
  for (const uint8_t byte : out) counts[byte] += 1;
  const double expected = static_cast<double>(out.size()) / 256;
  double chi_square = 0;
  for (const double count : counts) chi_square += (count - expected) * (count - expected) / expected;
  // 255 degrees of freedom: mean 255, deviation 22.6; the bounds are over six deviations away.
  EXPECT_GT(chi_square, 120);
  EXPECT_LT(chi_square, 400);
}

TEST(RandomBytesTest, NeverRepeat) {
  std::set<Seed> seeds;
  for (int i = 0; i < 1000; ++i) seeds.insert(random_seed());
  EXPECT_EQ(seeds.size(), 1000u);
}

TEST(RandomBytesTest, FillTheWholeSpanAndNothingElse) {
  std::array<uint8_t, 64> seen = {};
  for (int i = 0; i < 64; ++i) {
    std::array<uint8_t, 66> bytes = {};
    random_bytes(std::span(bytes).subspan(1, 64));
    EXPECT_EQ(bytes.front(), 0);
    EXPECT_EQ(bytes.back(), 0);
    for (size_t at = 0; at < seen.size(); ++at) seen[at] |= bytes[at + 1];
  }
  EXPECT_THAT(seen, testing::Each(testing::Ne(0)));
  random_bytes({});
}

TEST(RandomBytesTest, DifferAfterAFork) {
  random_seed();
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const Seed seed = random_seed();
    ::_exit(::write(ends[1], seed.data(), seed.size()) == 32 ? 0 : 1);
  }
  const Seed ours = random_seed();
  Seed theirs = {};
  EXPECT_EQ(::read(ends[0], theirs.data(), theirs.size()), 32);
  EXPECT_EQ(::waitpid(child, nullptr, 0), child);
  EXPECT_NE(ours, theirs);
  ::close(ends[0]);
  ::close(ends[1]);
}

}  // namespace
}  // namespace cryptotl

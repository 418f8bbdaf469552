#include "cryptotl/base/bytes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

namespace cryptotl {
namespace {

Bytes written() {
  ByteWriter writer;
  writer.number<uint8_t>(0xab);
  writer.number<uint32_t>(0x01020304);
  writer.number<double>(-2.5);
  writer.text("xyz");
  return writer.take();
}

TEST(ByteReaderTest, RefusesEveryTruncationOfWhatWasWritten) {
  const Bytes whole = written();
  for (size_t size = 0; size < whole.size(); ++size) {
    ByteReader reader(ByteView(whole).first(size));
    const bool complete = reader.number<uint8_t>().ok() && reader.number<uint32_t>().ok() &&
                          reader.number<double>().ok() && reader.bytes(3).ok();
    EXPECT_FALSE(complete) << size << " of " << whole.size() << " bytes";
  }
}

TEST(ByteReaderTest, SaysHowManyBytesAreMissingAndCallsThemMalformed) {
  const Bytes bytes = {1, 2, 3};
  ByteReader reader(bytes);
  const Result<uint64_t> number = reader.number<uint64_t>();
  ASSERT_FALSE(number.ok());
  EXPECT_EQ(number.error().code(), ErrorCode::malformed);
  EXPECT_THAT(number.error().what(), testing::HasSubstr("8 bytes are needed where 3 are left"));
}

TEST(ByteReaderTest, FailsForEverAfterItsFirstFailure) {
  const Bytes bytes = {1, 2, 3};
  ByteReader reader(bytes);
  EXPECT_FALSE(reader.bytes(4).ok());
  EXPECT_FALSE(reader.number<uint8_t>().ok());
  EXPECT_FALSE(reader.bytes(0).ok());
  EXPECT_EQ(reader.remaining(), 0u);
}

TEST(ByteReaderTest, RefusesTheLargestCountWithoutOverflow) {
  const Bytes bytes = {1};
  ByteReader reader(bytes);
  EXPECT_TRUE(reader.number<uint8_t>().ok());
  EXPECT_FALSE(reader.bytes(std::numeric_limits<size_t>::max()).ok());
}

TEST(ByteReaderTest, ReadsBackWhatWasWrittenInLittleEndianOrder) {
  const Bytes bytes = written();
  EXPECT_EQ(hex(ByteView(bytes).first(5)), "ab04030201");
  ByteReader reader(bytes);
  EXPECT_EQ(*reader.number<uint8_t>(), 0xab);
  EXPECT_EQ(*reader.number<uint32_t>(), 0x01020304u);
  EXPECT_EQ(*reader.number<double>(), -2.5);
  EXPECT_EQ(reader.remaining(), 3u);
  EXPECT_EQ(as_text(*reader.bytes(3)), "xyz");
  EXPECT_EQ(reader.remaining(), 0u);
  EXPECT_TRUE(reader.bytes(0).ok());
}

TEST(ByteReaderTest, LendsTheBytesThatItReads) {
  const Bytes bytes = {1, 2, 3};
  EXPECT_EQ(ByteReader(bytes).bytes(2)->data(), bytes.data());
}

TEST(ByteWriterTest, ReservesZerosToBeFilled) {
  ByteWriter writer;
  writer.number<uint8_t>(9);
  const std::span<uint8_t> room = writer.reserve(3);
  EXPECT_THAT(room, testing::Each(0));
  room[1] = 7;
  EXPECT_EQ(writer.size(), 4u);
  EXPECT_EQ(writer.take(), (Bytes{9, 0, 7, 0}));
}

TEST(ByteWriterTest, DoesNotMoveItsBytesWithinItsCapacity) {
  ByteWriter writer(64);
  const uint8_t* start = writer.reserve(1).data();
  writer.reserve(62);
  writer.number<uint8_t>(5);
  EXPECT_EQ(writer.take().data(), start);
}

TEST(HexTest, RefusesAnOddNumberOfDigitsAndEveryOtherCharacter) {
  EXPECT_EQ(from_hex("abc").error().code(), ErrorCode::malformed);
  for (int character = 0; character < 256; ++character) {
    const bool digit = (character >= '0' && character <= '9') || (character >= 'a' && character <= 'f') ||
                       (character >= 'A' && character <= 'F');
    const std::string left = {static_cast<char>(character), '0'};
    const std::string right = {'0', static_cast<char>(character)};
    EXPECT_EQ(from_hex(left).ok(), digit) << character;
    EXPECT_EQ(from_hex(right).ok(), digit) << character;
  }
}

TEST(HexTest, WritesAndReadsEveryByte) {
  EXPECT_EQ(hex({}), "");
  EXPECT_EQ(*from_hex(""), Bytes());
  Bytes all(256);
  for (size_t i = 0; i < all.size(); ++i) all[i] = static_cast<uint8_t>(i);
  const std::string digits = hex(all);
  EXPECT_EQ(digits.substr(0, 6), "000102");
  EXPECT_EQ(digits.substr(506), "fdfeff");
  EXPECT_EQ(*from_hex(digits), all);
  EXPECT_EQ(*from_hex("DEADbeef"), (Bytes{0xde, 0xad, 0xbe, 0xef}));
}

TEST(AsBytesTest, SeesATextAsItsBytes) {
  EXPECT_EQ(hex(as_bytes("a\xc3\xa9")), "61c3a9");
  EXPECT_EQ(as_text(as_bytes("same")), "same");
}

}  // namespace
}  // namespace cryptotl

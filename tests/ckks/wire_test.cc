#include "cryptotl/ckks/wire.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <limits>
#include <ostream>
#include <random>

#include "ckks/measure.h"
#include "ckks/test_params.h"
#include "cryptotl/base/file.h"
#include "cryptotl/ckks/secret_key.h"
#include "cryptotl/rns/automorphism.h"

namespace cryptotl {
namespace {

using testing::HasSubstr;

// Where the fields of the header, and behind it those of a ciphertext and of the first key, stand.
constexpr size_t kVersion = 4, kKind = 6, kReserved = 8, kPayloadBytes = 16, kParamsId = 24, kKeyId = 56,
                 kDigest = 72;
constexpr size_t kParts = 104, kLimbs = 105, kSeeded = 106, kFlags = 107, kWireScale = 108, kResidues = 116,
                 kSeededResidues = 148;
constexpr size_t kPublicResidues = 136;
constexpr size_t kCount = 104, kGaloisElement = 108, kKeyLimbs = 112, kKeyResidues = 148;

template <typename T>
Bytes with(Bytes bytes, size_t offset, T value) {
  std::memcpy(bytes.data() + offset, &value, sizeof(T));
  return bytes;
}

/// Sets the digest right, so that the check behind it is reached.
Bytes sealed(Bytes bytes) {
  const ByteView view(bytes);
  const Digest sum = Hasher().add(view.first(kDigest)).add(Digest{}).add(view.subspan(kHeaderBytes)).finish();
  std::memcpy(bytes.data() + kDigest, sum.data(), sum.size());
  return bytes;
}

/// Sets the announced length right too.
Bytes resealed(Bytes bytes) {
  return sealed(with(std::move(bytes), kPayloadBytes, static_cast<uint64_t>(bytes.size() - kHeaderBytes)));
}

bool equal(const RnsPolynomial& a, const RnsPolynomial& b) {
  bool same = a.n() == b.n() && a.num_limbs() == b.num_limbs();
  for (size_t i = 0; same && i < a.num_limbs(); ++i)
    same = std::ranges::equal(a.limb_span(i), b.limb_span(i));
  return same;
}

enum class Kind { seeded_ciphertext, ciphertext, evaluation_keys, public_key, answer };

struct Case {
  Kind kind;
  size_t special;
};

std::string name_of(const Case& drawn) {
  const char* names[] = {"SeededCiphertext", "Ciphertext", "EvaluationKeys", "PublicKey", "Answer"};
  return names[static_cast<size_t>(drawn.kind)] + std::to_string(drawn.special);
}

void PrintTo(const Case& drawn, std::ostream* out) { *out << name_of(drawn); }

/// Each kind of object, read and refused by one interface.
class WireTest : public testing::TestWithParam<Case> {
 protected:
  WireTest() : params_(minute_params(3, GetParam().special)), secret_(SecretKey::generate(params_)) {
    const std::vector<int64_t> message(params_->n(), 5);
    Ciphertext ciphertext = encrypt(secret_, message, 0x1p20, 2);
    const KeyRequest requests[] = {{kRelinearisation, 2}, {3, 2}, {3, 1}};
    switch (GetParam().kind) {
      case Kind::evaluation_keys:
        good_ = write_evaluation_keys(make_evaluation_keys(secret_, requests));
        break;
      case Kind::public_key:
        good_ = write_public_key(make_public_key(secret_));
        break;
      case Kind::answer:
        ciphertext.scale = 0x1p40;
        good_ = write_answer(modulus_switch(ciphertext, 37, 6));
        break;
      case Kind::ciphertext:
        ciphertext.seed.reset();
        [[fallthrough]];
      case Kind::seeded_ciphertext:
        good_ = write_ciphertext(ciphertext);
    }
  }

  Status read(ByteView bytes, const ParamsPtr& params) const {
    if (GetParam().kind == Kind::evaluation_keys) {
      const auto keys = read_evaluation_keys(bytes, params);
      return keys.ok() ? Status() : Status(keys.error());
    }
    if (GetParam().kind == Kind::public_key) {
      const auto key = read_public_key(bytes, params);
      return key.ok() ? Status() : Status(key.error());
    }
    if (GetParam().kind == Kind::answer) {
      const auto answer = read_answer(bytes, params);
      return answer.ok() ? Status() : Status(answer.error());
    }
    const auto ciphertext = read_ciphertext(bytes, params);
    return ciphertext.ok() ? Status() : Status(ciphertext.error());
  }
  Status read(ByteView bytes) const { return read(bytes, params_); }

  void expect_refused(ByteView bytes, ErrorCode code, const std::string& reason) const {
    const Status status = read(bytes);
    ASSERT_FALSE(status.ok()) << reason;
    EXPECT_EQ(status.error().code(), code) << status.error().what();
    EXPECT_THAT(status.error().what(), HasSubstr(reason));
  }

  ParamsPtr params_;
  SecretKey secret_;
  Bytes good_;
};

TEST_P(WireTest, RefusesEveryTruncationOfTheHeaderAndBeyond) {
  for (size_t size = 0; size < kHeaderBytes + 64; ++size) {
    expect_refused(ByteView(good_).first(size), ErrorCode::malformed,
                   size < kHeaderBytes ? "truncated" : "follow");
  }
  expect_refused(ByteView(good_).first(good_.size() - 1), ErrorCode::malformed, "follow");
}

TEST_P(WireTest, RefusesTruncationsThatAreSealedAnew) {
  for (size_t size = kHeaderBytes; size < good_.size(); ++size) {
    Bytes bytes = good_;
    bytes.resize(size);
    const Status status = read(resealed(bytes));
    ASSERT_FALSE(status.ok()) << size;
    EXPECT_EQ(status.error().code(), ErrorCode::malformed);
  }
}

TEST_P(WireTest, RefusesOneByteTooMany) {
  Bytes bytes = good_;
  bytes.push_back(0);
  expect_refused(bytes, ErrorCode::malformed, "follow");
  expect_refused(resealed(bytes), ErrorCode::malformed, "bytes");
}

TEST_P(WireTest, RefusesEveryFlippedByte) {
  for (size_t i = 0; i < good_.size(); ++i) {
    for (const int bit : {1, 0x80}) {
      Bytes bytes = good_;
      bytes[i] = static_cast<uint8_t>(bytes[i] ^ bit);
      EXPECT_FALSE(read(bytes).ok()) << i;
    }
  }
}

TEST_P(WireTest, RefusesAnotherMagicVersionOrKind) {
  expect_refused(sealed(with(good_, 0, uint32_t{0})), ErrorCode::malformed, "CTTL");
  for (const int version : {kFormatVersion - 1, kFormatVersion + 1, 0xffff}) {
    expect_refused(sealed(with(good_, kVersion, static_cast<uint16_t>(version))),
                   ErrorCode::unsupported_version, "version " + std::to_string(version));
  }
  for (const int kind : {0, 7, 0xffff}) {
    expect_refused(sealed(with(good_, kKind, static_cast<uint16_t>(kind))), ErrorCode::malformed, "kind");
  }
  const int own = static_cast<int>(read_header(good_)->kind);
  for (const int kind : {1, 2, 3, 4, 5, 6}) {
    if (kind == own) continue;
    expect_refused(sealed(with(good_, kKind, static_cast<uint16_t>(kind))), ErrorCode::malformed, "expected");
  }
  for (size_t byte = kReserved; byte < kPayloadBytes; ++byte)
    expect_refused(sealed(with(good_, byte, uint8_t{1})), ErrorCode::malformed, "reserved");
}

TEST_P(WireTest, RefusesAWrongLength) {
  const uint64_t right = good_.size() - kHeaderBytes;
  const uint64_t wrong[] = {0, 1, right - 1, right + 1, right << 32, ~uint64_t{0}, uint64_t{1} << 63};
  for (const uint64_t length : wrong) {
    expect_refused(sealed(with(good_, kPayloadBytes, length)), ErrorCode::malformed, "announces");
  }
}

TEST_P(WireTest, RefusesOtherParameters) {
  expect_refused(sealed(with(good_, kParamsId, uint64_t{0})), ErrorCode::parameter_mismatch, "parameters");
  const Status foreign = read(good_, minute_params(4, GetParam().special));
  ASSERT_FALSE(foreign.ok());
  EXPECT_EQ(foreign.error().code(), ErrorCode::parameter_mismatch);
}

/// All kinds but answers, of which every bit pattern is a coefficient.
class ResidueWireTest : public WireTest {};

TEST_P(ResidueWireTest, RefusesAResidueThatIsNone) {
  const size_t offset = GetParam().kind == Kind::evaluation_keys     ? kKeyResidues
                        : GetParam().kind == Kind::public_key        ? kPublicResidues
                        : GetParam().kind == Kind::seeded_ciphertext ? kSeededResidues
                                                                     : kResidues;
  const uint32_t q = params_->modulus(0).value();
  std::vector<uint32_t> residues(params_->n());
  const std::span<uint8_t> packed = std::span(good_).subspan(offset, 30 * residues.size() / 8);
  for (const size_t place : {size_t{0}, size_t{1}, residues.size() - 1}) {
    for (const uint32_t value : {q, q + 1, (1u << 30) - 1}) {
      unpack_residues(packed, residues);
      const uint32_t kept = std::exchange(residues[place], value);
      pack_residues(residues, packed);
      expect_refused(sealed(good_), ErrorCode::malformed, "not below its prime");
      residues[place] = kept;
      pack_residues(residues, packed);
    }
    unpack_residues(packed, residues);
    residues[place] = q - 1;
    pack_residues(residues, packed);
    EXPECT_TRUE(read(sealed(good_)).ok());
  }
}

TEST_P(WireTest, NeverBreaksOnRandomPayloads) {
  std::mt19937_64 generator(1);
  for (size_t i = 0; i < 20 * property_cases(); ++i) {
    Bytes bytes = good_;
    for (size_t flips = 1 + generator() % 8; flips > 0; --flips) {
      // Half of the flips hit the first fields behind the header.
      const size_t range = generator() % 2 == 0 ? 48 : bytes.size() - kHeaderBytes;
      bytes[kHeaderBytes + generator() % range] = static_cast<uint8_t>(generator());
    }
    if (generator() % 4 == 0) bytes.resize(kHeaderBytes + generator() % (bytes.size() - kHeaderBytes));
    const Status status = read(resealed(bytes));
    if (status.ok()) continue;
    EXPECT_EQ(status.error().code(), ErrorCode::malformed) << status.error().what();
  }
}

TEST_P(WireTest, ReadsWhatItWrote) {
  EXPECT_TRUE(read(good_).ok());
  const ObjectHeader header = read_header(good_).value();
  EXPECT_EQ(header.version, kFormatVersion);
  EXPECT_EQ(header.payload_bytes, good_.size() - kHeaderBytes);
  EXPECT_EQ(header.params_id, params_->id());
  EXPECT_EQ(header.key_id, secret_.id());
  if (GetParam().kind == Kind::evaluation_keys) {
    EXPECT_EQ(write_evaluation_keys(read_evaluation_keys(good_, params_).value()), good_);
  } else if (GetParam().kind == Kind::public_key) {
    EXPECT_EQ(write_public_key(read_public_key(good_, params_).value()), good_);
  } else if (GetParam().kind == Kind::answer) {
    EXPECT_EQ(write_answer(read_answer(good_, params_).value()), good_);
  } else {
    EXPECT_EQ(write_ciphertext(read_ciphertext(good_, params_).value()), good_);
  }
}

// Only keys have limbs of special primes.
const Case kCasesOfResidues[] = {{Kind::seeded_ciphertext, 1}, {Kind::ciphertext, 1},
                                 {Kind::evaluation_keys, 1},   {Kind::evaluation_keys, 2},
                                 {Kind::evaluation_keys, 3},   {Kind::public_key, 1},
                                 {Kind::public_key, 2},        {Kind::public_key, 3}};
INSTANTIATE_TEST_SUITE_P(EveryKindOfResidues, ResidueWireTest, testing::ValuesIn(kCasesOfResidues),
                         [](const auto& test) { return name_of(test.param); });
INSTANTIATE_TEST_SUITE_P(EveryKindOfResidues, WireTest, testing::ValuesIn(kCasesOfResidues),
                         [](const auto& test) { return name_of(test.param); });
INSTANTIATE_TEST_SUITE_P(Answers, WireTest, testing::Values(Case{Kind::answer, 1}),
                         [](const auto& test) { return name_of(test.param); });

class CiphertextWireTest : public testing::Test {
 protected:
  CiphertextWireTest() : params_(minute_params()), secret_(SecretKey::generate(params_)) {
    seeded_ = write_ciphertext(encrypt(secret_, message_, 0x1p20, 3));
  }
  void expect_refused(const Bytes& bytes, const std::string& reason) const {
    const auto ciphertext = read_ciphertext(bytes, params_);
    ASSERT_FALSE(ciphertext.ok()) << reason;
    EXPECT_EQ(ciphertext.error().code(), ErrorCode::malformed);
    EXPECT_THAT(ciphertext.error().what(), HasSubstr(reason));
  }

  ParamsPtr params_;
  SecretKey secret_;
  std::vector<int64_t> message_ = std::vector<int64_t>(128, 7);
  Bytes seeded_;
};

TEST_F(CiphertextWireTest, RefusesAnEmptyPayload) {
  expect_refused(write_object(ObjectKind::ciphertext, params_->id(), secret_.id(), {}), "truncated");
}

TEST_F(CiphertextWireTest, RefusesOtherThanTwoOrThreeParts) {
  for (const int parts : {0, 1, 4, 255})
    expect_refused(sealed(with(seeded_, kParts, static_cast<uint8_t>(parts))), "parts");
  expect_refused(sealed(with(seeded_, kParts, uint8_t{3})), "flags");  // three parts are never seeded
}

TEST_F(CiphertextWireTest, RefusesLimbsThatTheParametersLack) {
  for (const int limbs : {0, 4, 255})
    expect_refused(sealed(with(seeded_, kLimbs, static_cast<uint8_t>(limbs))), "limbs");
  expect_refused(sealed(with(seeded_, kLimbs, uint8_t{2})), "are right");
}

TEST_F(CiphertextWireTest, RefusesUnknownFlags) {
  expect_refused(sealed(with(seeded_, kSeeded, uint8_t{2})), "flags");
  expect_refused(sealed(with(seeded_, kFlags, uint8_t{1})), "flags");
  expect_refused(sealed(with(seeded_, kSeeded, uint8_t{0})), "are right");
}

TEST_F(CiphertextWireTest, RefusesAScaleThatIsNoFiniteNumberOfAtLeastOne) {
  using Limits = std::numeric_limits<double>;
  for (const double scale :
       {0.0, -0.0, -1.0, 0.999, Limits::denorm_min(), Limits::quiet_NaN(), -Limits::quiet_NaN(),
        Limits::signaling_NaN(), Limits::infinity(), -Limits::infinity()}) {
    expect_refused(sealed(with(seeded_, kWireScale, scale)), "scale");
  }
  EXPECT_TRUE(read_ciphertext(sealed(with(seeded_, kWireScale, 1.0)), params_).ok());
}

TEST_F(CiphertextWireTest, LeavesOutWhatTheSeedExpandsTo) {
  const Ciphertext fresh = encrypt(secret_, message_, 0x1p20, 3);
  const Ciphertext back = read_ciphertext(write_ciphertext(fresh), params_).value();
  EXPECT_EQ(back.seed, fresh.seed);
  EXPECT_EQ(back.scale, fresh.scale);
  EXPECT_EQ(back.key_id, fresh.key_id);
  ASSERT_EQ(back.parts.size(), 2u);
  EXPECT_TRUE(equal(back.parts[0], fresh.parts[0]));
  EXPECT_TRUE(equal(back.parts[1], fresh.parts[1]));
  EXPECT_EQ(decrypt(secret_, back), decrypt(secret_, fresh));
}

TEST_F(CiphertextWireTest, TellsNoSeedOfWhatIsNoWholeCiphertext) {
  for (size_t size = 0; size < kHeaderBytes + 12 + sizeof(Seed); ++size)
    EXPECT_FALSE(seed_of_ciphertext(ByteView(seeded_).first(size)).ok()) << size;
  EXPECT_FALSE(seed_of_ciphertext(write_public_key(make_public_key(secret_))).ok());
}

TEST_F(CiphertextWireTest, TellsTheSeedThatItWillBeReadWith) {
  EXPECT_EQ(seed_of_ciphertext(seeded_).value(), read_ciphertext(seeded_, params_).value().seed);
  const PublicKey key = make_public_key(secret_);
  EXPECT_EQ(seed_of_ciphertext(write_ciphertext(encrypt_public(key, message_, 0x1p20, 3))).value(),
            std::nullopt);
}

TEST_F(CiphertextWireTest, CarriesThreeParts) {
  Ciphertext product = encrypt(secret_, message_, 0x1p20, 2);
  product.seed.reset();
  product.parts.push_back(product.parts[0]);
  const Ciphertext back = read_ciphertext(write_ciphertext(product), params_).value();
  ASSERT_EQ(back.parts.size(), 3u);
  EXPECT_FALSE(back.seed.has_value());
  for (size_t part = 0; part < 3; ++part) EXPECT_TRUE(equal(back.parts[part], product.parts[part]));
}

TEST_F(CiphertextWireTest, KnowsItsSizeAhead) {
  for (size_t limbs = 1; limbs <= 3; ++limbs) {
    Ciphertext ciphertext = encrypt(secret_, message_, 0x1p20, limbs);
    EXPECT_EQ(write_ciphertext(ciphertext).size(), ciphertext_bytes(*params_, 2, limbs, true));
    ciphertext.seed.reset();
    EXPECT_EQ(write_ciphertext(ciphertext).size(), ciphertext_bytes(*params_, 2, limbs, false));
  }
  // The request and the answer of the fast preset.
  EXPECT_EQ(ciphertext_bytes(*fast_params(), 2, 5, true), 104u + 12 + 32 + 5 * 30720);
  EXPECT_EQ(ciphertext_bytes(*fast_params(), 2, 2, false), 104u + 12 + 4 * 30720);
}

class AnswerWireTest : public testing::Test {
 protected:
  // Where the fields of an answer stand.
  static constexpr size_t kModulusBits = 104, kDroppedBits = 105, kReservedBytes = 106, kAnswerScale = 108;

  /// Numbers that need every bit, the same every time.
  SwitchedCiphertext answer(size_t bits, size_t dropped) const {
    std::mt19937_64 generator(bits);
    SwitchedCiphertext out{params_, KeyId{7}, 0x1p30, bits, dropped, {}, {}};
    for (size_t j = 0; j < params_->n(); ++j) {
      out.c0.push_back(generator() >> (64 - bits + dropped));
      out.c1.push_back(generator() >> (64 - bits));
    }
    out.c0.front() = out.c0.back() = ~uint64_t{0} >> (64 - bits + dropped);
    out.c1.front() = out.c1.back() = ~uint64_t{0} >> (64 - bits);
    return out;
  }
  void expect_refused(const Bytes& bytes, const std::string& reason) const {
    const auto read = read_answer(bytes, params_);
    ASSERT_FALSE(read.ok()) << reason;
    EXPECT_EQ(read.error().code(), ErrorCode::malformed);
    EXPECT_THAT(read.error().what(), HasSubstr(reason));
  }

  ParamsPtr params_ = minute_params();
  Bytes good_ = write_answer(answer(34, 5));
};

TEST_F(AnswerWireTest, RefusesAnEmptyPayload) {
  expect_refused(write_object(ObjectKind::answer, params_->id(), KeyId{}, {}), "truncated");
}

TEST_F(AnswerWireTest, RefusesAModulusOutOfBounds) {
  for (const int bits : {0, 1, 5, 63, 64, 255})
    expect_refused(sealed(with(good_, kModulusBits, static_cast<uint8_t>(bits))), "out of bounds");
  for (const int dropped : {34, 35, 255})
    expect_refused(sealed(with(good_, kDroppedBits, static_cast<uint8_t>(dropped))), "out of bounds");
}

TEST_F(AnswerWireTest, RefusesALengthThatIsNotTheModuluss) {
  for (const int bits : {6, 33, 35, 62})
    expect_refused(sealed(with(good_, kModulusBits, static_cast<uint8_t>(bits))), "are right");
  for (const int dropped : {0, 4, 6, 33})
    expect_refused(sealed(with(good_, kDroppedBits, static_cast<uint8_t>(dropped))), "are right");
}

TEST_F(AnswerWireTest, RefusesReservedFieldsThatAreNotZero) {
  for (const size_t byte : {kReservedBytes, kReservedBytes + 1})
    expect_refused(sealed(with(good_, byte, uint8_t{1})), "reserved");
}

TEST_F(AnswerWireTest, RefusesAScaleThatIsNoFiniteNumberOfAtLeastOne) {
  using Limits = std::numeric_limits<double>;
  for (const double scale :
       {0.0, -1.0, 0.999, Limits::quiet_NaN(), Limits::infinity(), -Limits::infinity()}) {
    expect_refused(sealed(with(good_, kAnswerScale, scale)), "scale");
  }
}

TEST_F(AnswerWireTest, CarriesEveryNumberOfBits) {
  for (size_t bits = 1; bits <= kMaxSwitchedBits; ++bits) {
    for (const size_t dropped : {size_t{0}, bits / 2, bits - 1}) {
      const SwitchedCiphertext sent = answer(bits, dropped);
      const Bytes bytes = write_answer(sent);
      EXPECT_EQ(bytes.size(), answer_bytes(*params_, bits, dropped));
      const SwitchedCiphertext back = read_answer(bytes, params_).value();
      EXPECT_EQ(back.c0, sent.c0) << bits << " bits, " << dropped << " dropped";
      EXPECT_EQ(back.c1, sent.c1) << bits << " bits, " << dropped << " dropped";
      EXPECT_EQ(back.scale, sent.scale);
      EXPECT_EQ(back.key_id, sent.key_id);
      EXPECT_EQ(back.modulus_bits, bits);
      EXPECT_EQ(back.dropped_bits, dropped);
    }
  }
  EXPECT_EQ(answer_bytes(*fast_params(), 33, 5), 104u + 12 + 8192 * (28 + 33) / 8);
}

TEST_F(AnswerWireTest, ReadsAndWritesTheGoldenFileAsAnotherProgramDid) {
  // Behind a byte for the fuzzer. The numbers were read from it as one long integer a part, in Python.
  Bytes bytes = read_file(CRYPTOTL_SOURCE_DIR "/fuzz/corpus/answer/object").value();
  bytes.erase(bytes.begin());
  const SwitchedCiphertext answer = read_answer(bytes, params_).value();
  EXPECT_EQ(answer.modulus_bits, 33u);
  EXPECT_EQ(answer.dropped_bits, 6u);
  EXPECT_EQ(answer.scale, 0x1p28);
  EXPECT_EQ(answer.c0[77], 23117187u);
  EXPECT_EQ(answer.c0[127], 133454171u);
  EXPECT_EQ(answer.c1[64], 4385310536u);
  EXPECT_EQ(answer.c1[127], 3755254676u);
  EXPECT_EQ(write_answer(answer), bytes);
}

class EvaluationKeyWireTest : public testing::TestWithParam<size_t> {
 protected:
  EvaluationKeyWireTest() : params_(minute_params(3, GetParam())), secret_(SecretKey::generate(params_)) {
    bytes_ = written({{3, 2}, {5, 2}});
  }
  Bytes written(const std::vector<KeyRequest>& requests) const {
    return write_evaluation_keys(make_evaluation_keys(secret_, requests));
  }
  void expect_refused(const Bytes& bytes, const std::string& reason) const {
    const auto keys = read_evaluation_keys(bytes, params_);
    ASSERT_FALSE(keys.ok()) << reason;
    EXPECT_EQ(keys.error().code(), ErrorCode::malformed);
    EXPECT_THAT(keys.error().what(), HasSubstr(reason));
  }

  ParamsPtr params_;
  SecretKey secret_;
  Bytes bytes_;
};

TEST_P(EvaluationKeyWireTest, RefusesAnEmptyPayload) {
  expect_refused(write_object(ObjectKind::evaluation_keys, params_->id(), secret_.id(), {}), "truncated");
}

TEST_P(EvaluationKeyWireTest, RefusesAKeyThatStandsTwice) {
  expect_refused(written({{3, 2}, {5, 2}, {3, 2}}), "twice");
  expect_refused(written({{kRelinearisation, 2}, {kRelinearisation, 2}}), "twice");
  EXPECT_TRUE(read_evaluation_keys(written({{3, 2}, {3, 1}}), params_).ok());  // at two levels it may
}

TEST_P(EvaluationKeyWireTest, RefusesCountsThatDoNotFit) {
  for (const uint32_t count : {3u, 0x10000u, 0xffffffffu})
    expect_refused(sealed(with(bytes_, kCount, count)), "truncated");
  for (const uint32_t count : {0u, 1u}) expect_refused(sealed(with(bytes_, kCount, count)), "too many");
}

TEST_P(EvaluationKeyWireTest, RefusesWhatIsNoGaloisElement) {
  for (const uint32_t element : {1u, 2u, 4u, 256u, 257u, 0xffffffffu})
    expect_refused(sealed(with(bytes_, kGaloisElement, element)), "Galois");
  EXPECT_TRUE(read_evaluation_keys(sealed(with(bytes_, kGaloisElement, 255u)), params_).ok());
}

TEST_P(EvaluationKeyWireTest, RefusesLimbsThatTheParametersLack) {
  for (const uint32_t limbs : {0u, 4u, 0x10000u, 0xffffffffu})
    expect_refused(sealed(with(bytes_, kKeyLimbs, limbs)), "limbs");
  expect_refused(sealed(with(bytes_, kKeyLimbs, 3u)), "");
  expect_refused(sealed(with(bytes_, kKeyLimbs, 1u)), "");
}

TEST_P(EvaluationKeyWireTest, CarriesEveryKeyAndSeed) {
  const EvaluationKeys keys =
      make_evaluation_keys(secret_, std::vector<KeyRequest>{{kRelinearisation, 3}, {3, 2}, {63, 1}});
  const EvaluationKeys back = read_evaluation_keys(write_evaluation_keys(keys), params_).value();
  ASSERT_EQ(back.keys.size(), 3u);
  EXPECT_EQ(back.key_id, secret_.id());
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(back.keys[i].request, keys.keys[i].request);
    EXPECT_EQ(back.keys[i].seed, keys.keys[i].seed);
    ASSERT_EQ(back.keys[i].b.size(), keys.keys[i].b.size());
    for (size_t digit = 0; digit < keys.keys[i].b.size(); ++digit)
      EXPECT_TRUE(equal(back.keys[i].b[digit], keys.keys[i].b[digit]));
  }
}

TEST_P(EvaluationKeyWireTest, CarriesAnEmptySet) {
  EXPECT_TRUE(read_evaluation_keys(written({}), params_).value().keys.empty());
}

TEST_P(EvaluationKeyWireTest, KnowsItsSizeAhead) {
  const std::vector<KeyRequest> requests = {{kRelinearisation, 3}, {3, 2}, {63, 1}};
  EXPECT_EQ(written(requests).size(), evaluation_key_bytes(*params_, requests));
  EXPECT_EQ(written({}).size(), evaluation_key_bytes(*params_, {}));
  // Fields, and the limbs of b: digits times primes and special primes, 480 bytes each.
  size_t limbs = 0;
  for (const KeyRequest& request : requests) {
    const size_t digits = (request.limbs + GetParam() - 1) / GetParam();
    limbs += digits * (request.limbs + GetParam());
  }
  EXPECT_EQ(evaluation_key_bytes(*params_, requests), 104 + 4 + 3 * 40 + 480 * limbs);
}

INSTANTIATE_TEST_SUITE_P(SpecialPrimes, EvaluationKeyWireTest, testing::Values(1, 2, 3));

class PublicKeyWireTest : public testing::TestWithParam<size_t> {
 protected:
  PublicKeyWireTest() : params_(minute_params(3, GetParam())), secret_(SecretKey::generate(params_)) {}
  ParamsPtr params_;
  SecretKey secret_;
};

TEST_P(PublicKeyWireTest, RefusesEverySizeButItsOwn) {
  const auto refused = [&](size_t payload_bytes) {
    const Bytes payload(payload_bytes);
    const auto key =
        read_public_key(write_object(ObjectKind::public_key, params_->id(), secret_.id(), payload), params_);
    EXPECT_FALSE(key.ok()) << payload_bytes;
    EXPECT_EQ(key.error().code(), ErrorCode::malformed);
    EXPECT_THAT(key.error().what(), HasSubstr("are right"));
  };
  const size_t right = public_key_bytes(*params_) - kHeaderBytes;
  for (const size_t wrong : {size_t{0}, size_t{1}, sizeof(Seed), right - 1, right + 1, 2 * right})
    refused(wrong);
}

TEST_P(PublicKeyWireTest, SaysThatASecretKeyIsNone) {
  const auto key = read_public_key(
      write_object(ObjectKind::secret_key, params_->id(), secret_.id(), Bytes(params_->n())), params_);
  ASSERT_FALSE(key.ok());
  EXPECT_THAT(key.error().what(), HasSubstr("secret key where public key is expected"));
}

TEST_P(PublicKeyWireTest, RefusesAResidueModuloASpecialPrimeThatIsNone) {
  const Bytes good = write_public_key(make_public_key(secret_));
  std::vector<uint32_t> residues(params_->n());
  const size_t limb_bytes = 30 * residues.size() / 8;
  for (size_t i = 0; i < GetParam(); ++i) {
    Bytes bytes = good;
    const auto limb = std::span(bytes).last((GetParam() - i) * limb_bytes).first(limb_bytes);
    unpack_residues(limb, residues);
    residues.back() = params_->spec().special_primes[i];
    pack_residues(residues, limb);
    const auto key = read_public_key(sealed(bytes), params_);
    ASSERT_FALSE(key.ok());
    EXPECT_THAT(key.error().what(), HasSubstr("not below its prime"));
    --residues.back();
    pack_residues(residues, limb);
    EXPECT_TRUE(read_public_key(sealed(bytes), params_).ok());
  }
}

TEST_P(PublicKeyWireTest, CarriesWhatEncryptsForTheSecretKey) {
  const PublicKey key = make_public_key(secret_);
  const PublicKey back = read_public_key(write_public_key(key), params_).value();
  EXPECT_EQ(back.key_id, secret_.id());
  EXPECT_EQ(back.seed, key.seed);
  EXPECT_TRUE(equal(back.b, key.b));
  const std::vector<int64_t> message(params_->n(), 1 << 20);
  for (const double value : decrypt(secret_, encrypt_public(back, message, 1, 3)))
    EXPECT_NEAR(value, 1 << 20, 100);
}

TEST_P(PublicKeyWireTest, HasAFingerprintOfItsOwn) {
  const PublicKey key = make_public_key(secret_);
  EXPECT_EQ(fingerprint(key), read_header(write_public_key(key))->digest);
  EXPECT_NE(fingerprint(make_public_key(secret_)), fingerprint(key));
}

TEST_P(PublicKeyWireTest, KnowsItsSizeAhead) {
  EXPECT_EQ(write_public_key(make_public_key(secret_)).size(), public_key_bytes(*params_));
  EXPECT_EQ(public_key_bytes(*wide_params(GetParam())), 104u + 32 + (5 + GetParam()) * 30720);
}

INSTANTIATE_TEST_SUITE_P(SpecialPrimes, PublicKeyWireTest, testing::Values(1, 2, 3));

/// By bits of a residue.
class PackResidues : public testing::TestWithParam<size_t> {};
INSTANTIATE_TEST_SUITE_P(Bits, PackResidues, testing::Values(25, 26, 27, 29, 30, 32));

TEST_P(PackResidues, GiveBackEveryBit) {
  const size_t bits = GetParam();
  for (size_t bit = 0; bit < bits; ++bit) {
    for (size_t place = 0; place < 16; ++place) {
      std::vector<uint32_t> residues(16), back(16);
      residues[place] = 1u << bit;
      Bytes packed(2 * bits);
      pack_residues(residues, packed);
      unpack_residues(packed, back);
      EXPECT_EQ(back, residues);
      // Little-endian: bit i of residue r is bit b r + i of the stream.
      Bytes expected(2 * bits);
      const size_t at = bits * place + bit;
      expected[at / 8] = static_cast<uint8_t>(1 << at % 8);
      EXPECT_TRUE(packed == expected) << place << " " << bit;
    }
  }
}

TEST_P(PackResidues, RoundTripRandomResidues) {
  std::mt19937 generator(9);
  std::vector<uint32_t> residues(4096), back(4096);
  for (uint32_t& residue : residues) residue = static_cast<uint32_t>(generator()) >> (32 - GetParam());
  Bytes packed(4096 / 8 * GetParam());
  pack_residues(residues, packed);
  unpack_residues(packed, back);
  EXPECT_EQ(back, residues);
}

TEST(SmallPrimes, MakeSmallerObjectsThatComeBack) {
  const ParamsPtr params = minute_params(4, 2, 26);
  const SecretKey secret = SecretKey::generate(params);
  const std::vector<int64_t> message(params->n(), 1 << 18);
  const Ciphertext sent = encrypt(secret, message, 0x1p18, 4);
  const Bytes bytes = write_ciphertext(sent);
  EXPECT_EQ(bytes.size(), ciphertext_bytes(*params, 2, 4, true));
  EXPECT_LT(bytes.size(), ciphertext_bytes(*minute_params(4, 2), 2, 4, true));
  for (const double value : decrypt(secret, read_ciphertext(bytes, params).value()))
    EXPECT_NEAR(value, 1 << 18, 100);
  const std::vector<KeyRequest> requests = {{kRelinearisation, 4}, {5, 3}};
  const Bytes keys = write_evaluation_keys(make_evaluation_keys(secret, requests));
  EXPECT_EQ(keys.size(), evaluation_key_bytes(*params, requests));
  EXPECT_TRUE(write_evaluation_keys(read_evaluation_keys(keys, params).value()) == keys);
}

}  // namespace
}  // namespace cryptotl

#include "cryptotl/ckks/params.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "ckks/measure.h"
#include "ckks/test_params.h"

namespace cryptotl {
namespace {

/// Every prime of [2^29, 2^30) that serves N = 2^log_n, falling.
std::vector<uint32_t> all_primes(size_t log_n) {
  const uint32_t step = uint32_t{2} << log_n;
  std::vector<uint32_t> out;
  for (uint32_t candidate = (1u << 30) + 1 - step; candidate > (1u << 29); candidate -= step) {
    if (is_prime(candidate)) out.push_back(candidate);
  }
  return out;
}

ErrorCode refusal(const ParamsSpec& spec) {
  const auto params = Params::create(spec);
  return params.ok() ? ErrorCode::internal : params.error().code();
}

ParamsSpec good_spec() { return test_spec(13, 5); }

TEST(Params, RefuseAPrimeOutOfRange) {
  ParamsSpec spec = good_spec();
  EXPECT_EQ(refusal(test_spec(13, 5, 2, 1, 25)), ErrorCode::invalid_argument);
  spec.primes[1] = 1073872897;  // a prime, 1 modulo 2^14, above 2^30
  EXPECT_EQ(refusal(spec), ErrorCode::invalid_argument);
  spec.primes[1] = 0;
  EXPECT_EQ(refusal(spec), ErrorCode::invalid_argument);
}

TEST(Params, TakePrimesOf26BitsAndRefuseThoseOfDifferentNumbersOfBits) {
  const auto small = Params::create(test_spec(13, 6, 2, 2, 26));
  ASSERT_TRUE(small.ok());
  EXPECT_EQ((*small)->prime_bits(), 26u);
  EXPECT_EQ(fast_params()->prime_bits(), 30u);
  for (const size_t bits : {26, 29}) {
    ParamsSpec spec = good_spec();
    spec.primes.back() = ntt_primes(1u << bits, 1u << 14, 1)[0];
    EXPECT_EQ(refusal(spec), ErrorCode::invalid_argument) << bits;
    spec = good_spec();
    spec.special_primes[0] = ntt_primes(1u << bits, 1u << 14, 1)[0];
    EXPECT_EQ(refusal(spec), ErrorCode::invalid_argument) << bits;
  }
}

TEST(Params, RefuseAComposite) {
  ParamsSpec spec = good_spec();
  spec.special_primes = {(1u << 30) - (1u << 14) + 1};
  ASSERT_FALSE(is_prime(spec.special_primes[0]));
  EXPECT_EQ(refusal(spec), ErrorCode::invalid_argument);
}

TEST(Params, RefuseAPrimeThatStandsTwice) {
  ParamsSpec spec = good_spec();
  spec.primes[3] = spec.primes[0];
  EXPECT_EQ(refusal(spec), ErrorCode::invalid_argument);
  spec = good_spec();
  spec.special_primes[0] = spec.primes[0];
  EXPECT_EQ(refusal(spec), ErrorCode::invalid_argument);
  spec = test_spec(13, 5, 2, 2);
  spec.special_primes[1] = spec.primes[4];
  EXPECT_EQ(refusal(spec), ErrorCode::invalid_argument);
  spec.special_primes[1] = spec.special_primes[0];
  EXPECT_EQ(refusal(spec), ErrorCode::invalid_argument);
}

TEST(Params, RefuseNoSpecialPrimesAndMoreThanFour) {
  ParamsSpec spec = test_spec(15, 5, 2, 4);
  EXPECT_TRUE(Params::create(spec).ok());
  for (const size_t special : {0, 5, 8}) {
    const auto params = Params::create(test_spec(15, 5, 2, special));
    ASSERT_FALSE(params.ok()) << special;
    EXPECT_EQ(params.error().code(), ErrorCode::invalid_argument);
    EXPECT_THAT(params.error().what(), testing::HasSubstr(std::to_string(special) + " special primes"));
  }
}

TEST(Params, RefuseAPrimeWithoutTheRootsOfUnity) {
  ParamsSpec spec = good_spec();
  const std::vector<uint32_t> coarse = ntt_primes(1u << 30, 1u << 12, 40);
  spec.primes[0] = *std::ranges::find_if(coarse, [](uint32_t prime) { return prime % (1u << 14) != 1; });
  EXPECT_EQ(refusal(spec), ErrorCode::invalid_argument);
}

TEST(Params, RefuseABaseThatIsEmptyOrLongerThanTheChain) {
  ParamsSpec spec = good_spec();
  spec.base_limbs = 0;
  EXPECT_EQ(refusal(spec), ErrorCode::invalid_argument);
  spec.base_limbs = 6;
  EXPECT_EQ(refusal(spec), ErrorCode::invalid_argument);
}

TEST(Params, RefuseAnEmptyOrEndlessChain) {
  ParamsSpec spec = good_spec();
  spec.primes.clear();
  EXPECT_EQ(refusal(spec), ErrorCode::invalid_argument);
  EXPECT_EQ(refusal(test_spec(16, 65)), ErrorCode::invalid_argument);
}

TEST(Params, RefuseARingDegreeWithoutARow) {
  EXPECT_EQ(refusal(test_spec(9, 1, 1)), ErrorCode::insecure_parameters);
  EXPECT_EQ(refusal(test_spec(5, 1, 1)), ErrorCode::insecure_parameters);
  for (const size_t log_n : {size_t{0}, size_t{3}, size_t{17}, size_t{64}, ~size_t{0}}) {
    ParamsSpec spec = good_spec();
    spec.log_n = log_n;
    EXPECT_EQ(refusal(spec), ErrorCode::invalid_argument) << log_n;
    EXPECT_EQ(guideline_log_qp(log_n), 0);
  }
}

TEST(Params, RefuseOneLimbBeyondEachRowOfTheGuideline) {
  const struct {
    size_t log_n;
    int bound;
    size_t most_limbs;  // with the special primes: floor(bound / 30)
  } rows[] = {{10, 26, 0},   {11, 53, 1},   {12, 106, 3},  {13, 214, 7},
              {14, 430, 14}, {15, 868, 28}, {16, 1747, 58}};
  for (const auto& row : rows) {
    EXPECT_EQ(guideline_log_qp(row.log_n), row.bound);
    for (size_t special = 1; special <= 4; ++special) {
      const size_t refused = std::max(special + 1, row.most_limbs + 1);
      EXPECT_EQ(refusal(test_spec(row.log_n, refused - special, 1, special)), ErrorCode::insecure_parameters)
          << row.log_n << " " << special;
      if (row.most_limbs < special + 1) continue;
      const auto params = Params::create(test_spec(row.log_n, row.most_limbs - special, 1, special));
      ASSERT_TRUE(params.ok()) << params.error().what();
      EXPECT_LE((*params)->log_qp(), row.bound);
      EXPECT_GT((*params)->log_qp(), row.bound - 30);
      EXPECT_EQ((*params)->log_qp_bound(), row.bound);
    }
  }
}

// Of all pairs of primes that complete 27 others at N = 2^15, the two whose products stand nearest to 2^868
// on either side.
TEST(Params, CompareTheProductOfThePrimesExactly) {
  const std::vector<uint32_t> primes = all_primes(15);
  ParamsSpec spec;
  spec.log_n = 15;
  spec.primes.assign(primes.begin(), primes.begin() + 27);
  long double rest = 868;
  for (const uint32_t prime : spec.primes) rest -= std::log2(static_cast<long double>(prime));
  long double below = 1;
  long double above = 1;
  std::pair<uint32_t, uint32_t> inside, outside;
  for (size_t i = 27; i < primes.size(); ++i) {
    for (size_t j = i + 1; j < primes.size(); ++j) {
      const long double gap = rest - std::log2(static_cast<long double>(primes[i])) -
                              std::log2(static_cast<long double>(primes[j]));
      if (gap > 0 && gap < below) {
        below = gap;
        inside = {primes[i], primes[j]};
      }
      if (gap < 0 && -gap < above) {
        above = -gap;
        outside = {primes[i], primes[j]};
      }
    }
  }
  EXPECT_LT(below, 1e-4);
  EXPECT_LT(above, 1e-4);
  spec.primes.push_back(inside.first);
  spec.special_primes = {inside.second};
  EXPECT_TRUE(Params::create(spec).ok()) << static_cast<double>(below);
  spec.primes.back() = outside.first;
  spec.special_primes = {outside.second};
  EXPECT_EQ(refusal(spec), ErrorCode::insecure_parameters) << static_cast<double>(above);
}

TEST(Params, NameEachSpecificationApart) {
  const ParamsSpec spec = good_spec();
  const Digest id = Params::create(spec).value()->id();
  EXPECT_EQ(Params::create(spec).value()->id(), id);
  std::vector<ParamsSpec> others(6, spec);
  others[0].base_limbs = 3;
  std::swap(others[1].primes[0], others[1].primes[1]);
  others[2].primes.pop_back();
  std::swap(others[3].primes[4], others[3].special_primes[0]);
  others[4].special_primes.push_back(others[4].primes.back());  // all the same primes, divided otherwise
  others[4].primes.pop_back();
  others[5] = test_spec(13, 5, 2, 2);
  for (const ParamsSpec& other : others) {
    const ParamsPtr params = Params::create(other).value();
    EXPECT_NE(params->id(), id);
    EXPECT_EQ(code_of([&] { require_same_params(*params, *Params::create(spec).value()); }),
              ErrorCode::parameter_mismatch);
  }
  EXPECT_NO_THROW(require_same_params(*Params::create(spec).value(), *Params::create(spec).value()));
}

TEST(Params, KeepTheNameThatFilesCarry) {
  EXPECT_EQ(hex(fast_params()->id()), "3ffa74058d238927af2c22ad711b006795ab6a3c595f3ba5f05116a713a638df");
  EXPECT_EQ(hex(wide_params(2)->id()), "b8abc3110c4ad9f1a90df8211176c4d78b60ad574d6e349405ae11bf0cbbe3d0");
}

TEST(Params, HoldWhatTheSpecificationSays) {
  const ParamsPtr params = fast_params();
  EXPECT_EQ(params->n(), 8192u);
  EXPECT_EQ(params->slots(), 4096u);
  EXPECT_EQ(params->num_primes(), 5u);
  EXPECT_EQ(params->top_level(), 3u);
  EXPECT_EQ(params->security_bits(), 128);
  EXPECT_NEAR(params->log_qp(), 180, 0.01);
  for (size_t i = 0; i < 5; ++i) EXPECT_EQ(params->modulus(i).value(), params->spec().primes[i]);
  EXPECT_EQ(params->num_special(), 1u);
  EXPECT_EQ(params->modulus(5).value(), params->spec().special_primes[0]);
}

TEST(Params, DivideThePrimesIntoDigitsOfAsManyAsAreSpecial) {
  const size_t digits_of_1_to_5_limbs[][5] = {
      {1, 2, 3, 4, 5}, {1, 1, 2, 2, 3}, {1, 1, 1, 2, 2}, {1, 1, 1, 1, 2}};
  for (size_t special = 1; special <= 4; ++special) {
    const ParamsPtr params = tiny_params(5, special);
    EXPECT_EQ(params->num_special(), special);
    for (size_t limbs = 1; limbs <= 5; ++limbs)
      EXPECT_EQ(params->digits(limbs), digits_of_1_to_5_limbs[special - 1][limbs - 1]);
    for (size_t i = 0; i < special; ++i) {
      EXPECT_EQ(params->modulus(5 + i).value(), params->spec().special_primes[i]);
      EXPECT_EQ(params->extended_index(3 + i, 3), 5 + i);
    }
    EXPECT_EQ(params->extended_index(1, 3), 1u);
  }
}

TEST(Params, HoldTheProductOfTheSpecialPrimesModuloEach) {
  for (size_t special = 1; special <= 4; ++special) {
    const ParamsPtr params = tiny_params(5, special);
    unsigned __int128 product = 1;
    for (const uint32_t prime : params->spec().special_primes) product *= prime;
    for (size_t i = 0; i < 5 + special; ++i)
      EXPECT_EQ(params->special_product(i), static_cast<uint32_t>(product % params->modulus(i).value()));
  }
}

TEST(Params, HoldTheInverseOfEachPrimeModuloEachOther) {
  const ParamsPtr params = tiny_params(4, 3);
  for (size_t i = 0; i < 7; ++i) {
    const Modulus& q = params->modulus(i);
    for (size_t j = 0; j < 7; ++j) {
      if (i == j) continue;
      EXPECT_EQ(q.multiply(params->modulus(j).value() % q.value(), params->inverse_of(j, i)), 1u);
    }
  }
}

}  // namespace
}  // namespace cryptotl

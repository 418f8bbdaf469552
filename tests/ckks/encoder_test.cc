#include "cryptotl/ckks/encoder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numbers>

#include "ckks/measure.h"
#include "ckks/test_params.h"
#include "cryptotl/rns/kernels.h"

namespace cryptotl {
namespace {

using LongComplex = std::complex<long double>;

/// zeta^exponent, zeta = exp(i pi / N).
LongComplex root(size_t n, size_t exponent) {
  const long double angle = std::numbers::pi_v<long double> * static_cast<long double>(exponent % (2 * n)) /
                            static_cast<long double>(n);
  return {std::cos(angle), std::sin(angle)};
}

/// Slot k is the polynomial's value at zeta^(3^k), by the definition.
std::vector<LongComplex> embed(std::span<const double> coefficients) {
  const size_t n = coefficients.size();
  std::vector<LongComplex> powers(2 * n);
  for (size_t j = 0; j < 2 * n; ++j) powers[j] = root(n, j);
  std::vector<LongComplex> slots(n / 2);
  size_t exponent = 1;
  for (LongComplex& slot : slots) {
    for (size_t j = 0; j < n; ++j)
      slot += static_cast<long double>(coefficients[j]) * powers[exponent * j % (2 * n)];
    exponent = exponent * 3 % (2 * n);
  }
  return slots;
}

/// The real polynomial with these slots: m_j = 2/N Re sum_k z_k zeta^(-3^k j).
std::vector<long double> interpolate(std::span<const Complex> slots) {
  const size_t n = 2 * slots.size();
  std::vector<LongComplex> powers(2 * n);
  for (size_t j = 0; j < 2 * n; ++j) powers[j] = root(n, j);
  std::vector<long double> coefficients(n);
  size_t exponent = 1;
  for (const Complex& slot : slots) {
    for (size_t j = 0; j < n; ++j) {
      coefficients[j] += (LongComplex(slot) * std::conj(powers[exponent * j % (2 * n)])).real() * 2 /
                         static_cast<long double>(n);
    }
    exponent = exponent * 3 % (2 * n);
  }
  return coefficients;
}

std::vector<double> doubles(std::span<const int64_t> values) { return {values.begin(), values.end()}; }

TEST(Encoder, RefusesMoreValuesThanSlots) {
  const Encoder encoder(10);
  EXPECT_EQ(encoder.slots(), 512u);
  EXPECT_EQ(code_of([&] { static_cast<void>(encoder.encode(std::vector<Complex>(513), 1)); }),
            ErrorCode::too_large);
}

TEST(Encoder, RefusesWhatLeavesSixtyTwoBits) {
  const Encoder encoder(10);
  const double infinity = std::numeric_limits<double>::infinity();
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const auto encoded = [&](Complex value, double scale) {
    return code_of([&] { static_cast<void>(encoder.encode(std::vector<Complex>(512, value), scale)); });
  };
  EXPECT_EQ(encoded(1.0, 0x1p62), ErrorCode::too_large);
  EXPECT_EQ(encoded(-1.0, 0x1p62), ErrorCode::too_large);
  EXPECT_EQ(encoded(infinity, 1), ErrorCode::too_large);
  EXPECT_EQ(encoded(nan, 1), ErrorCode::too_large);
  EXPECT_EQ(encoded({0, nan}, 1), ErrorCode::too_large);
  EXPECT_EQ(encoded(1.0, nan), ErrorCode::too_large);
  EXPECT_NO_THROW(static_cast<void>(encoder.encode(std::vector<Complex>(512, 1.0), 0x1p61)));
}

TEST(Encoder, DecodesAsTheDefinitionDoes) {
  for (const size_t log_n : {4u, 7u, 10u}) {
    const Encoder encoder(log_n);
    const size_t n = size_t{1} << log_n;
    std::mt19937_64 generator(log_n);
    std::uniform_real_distribution<double> uniform(-1, 1);
    std::vector<double> coefficients(n);
    for (double& value : coefficients) value = uniform(generator);
    const std::vector<LongComplex> expected = embed(coefficients);
    const std::vector<Complex> slots = encoder.decode(coefficients, 1);
    // Slots are sums of N numbers of deviation 1/sqrt(3): near sqrt(N), at double's 1.1e-16 a step.
    for (size_t k = 0; k < n / 2; ++k) EXPECT_LT(std::abs(LongComplex(slots[k]) - expected[k]), 1e-13L) << k;
  }
}

TEST(Encoder, EncodesAsTheDefinitionDoes) {
  for (const size_t log_n : {4u, 7u, 10u}) {
    const Encoder encoder(log_n);
    const std::vector<Complex> slots = random_slots(encoder.slots(), log_n);
    const std::vector<long double> expected = interpolate(slots);
    const std::vector<int64_t> coefficients = encoder.encode(slots, 0x1p40);
    for (size_t j = 0; j < expected.size(); ++j) {
      const long double exact = expected[j] * 0x1p40L;
      // Half a unit of rounding, and double precision at 2^40.
      EXPECT_LT(std::abs(static_cast<long double>(coefficients[j]) - exact), 0.5L + 1e-2L) << j;
    }
  }
}

TEST(Encoder, KnowsTheSlotsOfTheMonomials) {
  const Encoder encoder(6);
  for (size_t power = 0; power < 64; ++power) {
    std::vector<Complex> slots(32);
    size_t exponent = 1;
    for (Complex& slot : slots) {
      slot = Complex(root(64, exponent * power));
      exponent = exponent * 3 % 128;
    }
    std::vector<int64_t> expected(64);
    expected[power] = 1 << 20;
    EXPECT_EQ(encoder.encode(slots, 0x1p20), expected) << power;
  }
}

TEST(Encoder, KeepsTheAnswersThatItGave) {
  const Encoder encoder(4);
  const std::vector<Complex> slots = {1, {0, 1}, -2, {3, 4}, 0.5};
  EXPECT_THAT(encoder.encode(slots, 0x1p30),
              testing::ElementsAre(335544320, -29933806, -92088197, -461351631, 142359398, 891773019,
                                   705861891, -325258827, -671088640, -494476093, -397684486, 213706317,
                                   806703258, 515152537, -651917874, -713715143));
}

TEST(Encoder, GivesSlotsBackToFourteenDigits) {
  const Encoder encoder(13);
  const std::vector<Complex> slots = random_slots(4096, 1);
  // At 2^55 the rounding of coefficients is 64 / sqrt(12) / 2^55 a slot: 5e-16; double precision is the rest.
  EXPECT_LT(max_difference(encoder.decode(doubles(encoder.encode(slots, 0x1p55)), 0x1p55), slots), 2e-14);
}

TEST(Encoder, FillsMissingSlotsWithZeros) {
  const Encoder encoder(10);
  std::vector<Complex> slots = random_slots(100, 2);
  const std::vector<int64_t> coefficients = encoder.encode(slots, 0x1p40);
  slots.resize(512);
  EXPECT_EQ(encoder.encode(slots, 0x1p40), coefficients);
  EXPECT_THAT(encoder.encode({}, 0x1p40), testing::Each(0));
}

TEST(Encoder, TurnsXToTheThirdIntoARotationAndMinusXIntoConjugates) {
  const Encoder encoder(8);
  const size_t n = 256;
  const std::vector<double> m = doubles(encoder.encode(random_slots(128, 3), 0x1p40));
  const auto moved = [&](size_t g) {
    std::vector<double> out(n);
    for (size_t j = 0; j < n; ++j) {
      const size_t exponent = g * j % (2 * n);
      out[exponent % n] = exponent < n ? m[j] : -m[j];
    }
    return encoder.decode(out, 0x1p40);
  };
  std::vector<Complex> expected = encoder.decode(m, 0x1p40);
  std::vector<Complex> conjugates = expected;
  for (Complex& value : conjugates) value = std::conj(value);
  EXPECT_LT(max_difference(moved(2 * n - 1), conjugates), 1e-13);
  std::rotate(expected.begin(), expected.begin() + 1, expected.end());
  EXPECT_LT(max_difference(moved(3), expected), 1e-13);
}

TEST(Encoder, TurnsProductsOfPolynomialsIntoProductsOfSlots) {
  const Encoder encoder(8);
  const size_t n = 256;
  const std::vector<Complex> x = random_slots(128, 4);
  const std::vector<Complex> y = random_slots(128, 5);
  const std::vector<int64_t> a = encoder.encode(x, 0x1p24);
  const std::vector<int64_t> b = encoder.encode(y, 0x1p24);
  std::vector<double> product(n);
  for (size_t i = 0; i < n; ++i) {
    for (size_t j = 0; j < n; ++j)
      product[(i + j) % n] +=
          (i + j < n ? 1.0 : -1.0) * static_cast<double>(a[i]) * static_cast<double>(b[j]);
  }
  std::vector<Complex> expected(128);
  for (size_t k = 0; k < 128; ++k) expected[k] = x[k] * y[k];
  EXPECT_LT(max_difference(encoder.decode(product, 0x1p48), expected), 1e-5);
}

TEST(CentredCoefficients, AreExactOverAnyNumberOfLimbs) {
  const ParamsPtr params = tiny_params(5);
  std::mt19937_64 generator(6);
  for (size_t limbs = 1; limbs <= 5; ++limbs) {
    // Below half the product of the limbs, and below 2^53 where a double is exact.
    const int bits = limbs == 1 ? 28 : 52;
    std::vector<int64_t> values(params->n());
    for (int64_t& value : values)
      value = static_cast<int64_t>(generator() >> (64 - bits)) * ((generator() & 1) == 0 ? 1 : -1);
    values[0] = 0;
    values[1] = -1;
    RnsPolynomial polynomial = to_ntt(*params, values, limbs);
    for (size_t i = 0; i < limbs; ++i) kernels().ntt_inverse(polynomial.limb(i), params->tables(i));
    EXPECT_EQ(centred_coefficients(*params, polynomial), doubles(values)) << limbs;
  }
}

TEST(CentredCoefficients, RoundLargeOnesToTheNearestDouble) {
  const ParamsPtr params = tiny_params(4);
  const __int128 wide = -((static_cast<__int128>(0x123456789abcdef) << 54) + 12345);
  RnsPolynomial polynomial(params->n(), 4);
  for (size_t i = 0; i < 4; ++i) {
    const auto q = static_cast<__int128>(params->modulus(i).value());
    polynomial.limb(i)[0] = static_cast<uint32_t>((wide % q + q) % q);
  }
  EXPECT_DOUBLE_EQ(centred_coefficients(*params, polynomial)[0], static_cast<double>(wide));
}

TEST(ToNtt, ReducesModuloTheSpecialPrimesLast) {
  const ParamsPtr params = tiny_params(4, 2);
  std::vector<int64_t> values(params->n());
  values[0] = -5;  // a constant has the same value at every point
  const RnsPolynomial extended = to_ntt(*params, values, 2, true);
  ASSERT_EQ(extended.num_limbs(), 4u);
  EXPECT_THAT(extended.limb_span(1), testing::Each(params->modulus(1).value() - 5));
  for (const size_t i : {0, 1}) {
    EXPECT_THAT(extended.limb_span(2 + i), testing::Each(params->spec().special_primes[i] - 5));
  }
}

}  // namespace
}  // namespace cryptotl

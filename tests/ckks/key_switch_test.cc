#include "cryptotl/ckks/key_switch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "ckks/measure.h"
#include "ckks/test_params.h"
#include "ckks/wide.h"
#include "cryptotl/ckks/evaluator.h"
#include "cryptotl/ckks/secret_key.h"
#include "cryptotl/rns/kernels.h"

namespace cryptotl {
namespace {

constexpr size_t kMostLimbs = 5;

bool equal(const RnsPolynomial& a, const RnsPolynomial& b, size_t limbs) {
  for (size_t i = 0; i < limbs; ++i) {
    if (!std::ranges::equal(a.limb_span(i), b.limb_span(i))) return false;
  }
  return true;
}

/// Polynomials of big integers in 1 to 5 limbs, with 1 to 4 special primes. Digits of several primes have
/// fewer in the last one: with two special primes five limbs are digits of 2, 2 and 1.
class KeySwitchTest : public testing::TestWithParam<size_t> {
 protected:
  KeySwitchTest() : params_(tiny_params(kMostLimbs, GetParam())), n_(params_->n()) {}

  size_t special() const { return GetParam(); }
  std::vector<uint32_t> primes(size_t limbs) const {
    const std::vector<uint32_t>& all = params_->spec().primes;
    return {all.begin(), all.begin() + static_cast<std::ptrdiff_t>(limbs)};
  }
  std::vector<uint32_t> extended_primes(size_t limbs) const {
    std::vector<uint32_t> out = primes(limbs);
    out.insert(out.end(), params_->spec().special_primes.begin(), params_->spec().special_primes.end());
    return out;
  }
  /// The special primes where asked for, then the last `drop` of `limbs` primes.
  std::vector<uint32_t> divisor(size_t limbs, bool by_special, size_t drop) const {
    std::vector<uint32_t> out;
    if (by_special) out = params_->spec().special_primes;
    for (size_t i = 0; i < drop; ++i) out.push_back(params_->spec().primes[limbs - 1 - i]);
    return out;
  }
  const NttTables& tables(size_t i, size_t limbs) const {
    return params_->tables(params_->extended_index(i, limbs));
  }

  /// NTT form over `limbs` primes, and the special ones where `extended`.
  RnsPolynomial residues(std::span<const Wide> values, size_t limbs, bool extended) const {
    RnsPolynomial out(n_, limbs + (extended ? special() : 0));
    for (size_t i = 0; i < out.num_limbs(); ++i) {
      for (size_t j = 0; j < n_; ++j) out.limb(i)[j] = values[j].modulo(tables(i, limbs).modulus.value());
      kernels().ntt_forward(out.limb(i), tables(i, limbs));
    }
    return out;
  }
  RnsPolynomial coefficients(RnsPolynomial polynomial, size_t limbs) const {
    for (size_t i = 0; i < polynomial.num_limbs(); ++i)
      kernels().ntt_inverse(polynomial.limb(i), tables(i, limbs));
    return polynomial;
  }
  /// That a polynomial in coefficient form is `values` divided and rounded.
  void expect_rounded(const RnsPolynomial& got, std::span<const Wide> values,
                      std::span<const uint32_t> divisor, size_t limbs) const {
    for (size_t j = 0; j < n_; ++j) {
      const Wide rounded = values[j].rounded_over(divisor);
      for (size_t i = 0; i < limbs; ++i)
        ASSERT_EQ(got.limb(i)[j], rounded.modulo(params_->modulus(i).value()))
            << limbs << " " << i << " " << j;
    }
  }

  ParamsPtr params_;
  size_t n_;
  ThreadPool one_;
};
INSTANTIATE_TEST_SUITE_P(SpecialPrimes, KeySwitchTest, testing::Values(1, 2, 3, 4));

TEST_P(KeySwitchTest, DigitsAreTheCentredResiduesModuloTheirPrimesProductInEveryLimb) {
  for (size_t limbs = 1; limbs <= kMostLimbs; ++limbs) {
    const std::vector<uint32_t> all = primes(limbs);
    const std::vector<Wide> values = random_below_product(n_, all, limbs);
    const RnsPolynomial ntt = residues(values, limbs, false);
    RnsPolynomial coefficient_form = coefficients(ntt, limbs);
    RnsPolynomial copy = coefficient_form;
    Digits digits(*params_, limbs);
    decompose(*params_, coefficient_form, nullptr, digits, one_);
    ASSERT_EQ(digits.count(), (limbs + special() - 1) / special());
    ASSERT_EQ(digits.extended_limbs(), limbs + special());
    for (size_t digit = 0; digit < digits.count(); ++digit) {
      const auto own =
          std::span(all).subspan(digit * special()).first(std::min(special(), limbs - digit * special()));
      for (size_t limb = 0; limb < limbs + special(); ++limb) {
        AlignedVector<uint32_t> got(digits.at(limb, digit), digits.at(limb, digit) + n_);
        kernels().ntt_inverse(got.data(), tables(limb, limbs));
        const auto q = static_cast<__int128>(tables(limb, limbs).modulus.value());
        for (size_t j = 0; j < n_; ++j) {
          const __int128 centred = values[j].centred(own);
          ASSERT_EQ(got[j], static_cast<uint32_t>((centred % q + q) % q)) << limb << " " << digit << " " << j;
        }
      }
    }
    Digits with_ntt(*params_, kMostLimbs);
    with_ntt.reshape(limbs);
    ThreadPool two(2);
    decompose(*params_, copy, &ntt, with_ntt, two);
    for (size_t limb = 0; limb < limbs + special(); ++limb) {
      for (size_t digit = 0; digit < digits.count(); ++digit)
        EXPECT_TRUE(
            std::equal(digits.at(limb, digit), digits.at(limb, digit) + n_, with_ntt.at(limb, digit)));
    }
  }
}

TEST_P(KeySwitchTest, ModDownRoundsAsBigIntegersDo) {
  ThreadPool two(2);
  for (size_t limbs = 1; limbs <= kMostLimbs; ++limbs) {
    const std::vector<Wide> values = random_below_product(n_, extended_primes(limbs), limbs);
    for (size_t drop = 0; drop < std::min<size_t>(limbs, 4); ++drop) {
      RnsPolynomial x = residues(values, limbs, true);
      RnsPolynomial copy = x;
      RnsPolynomial out(n_, kMostLimbs), by_two(n_, limbs - drop), scratch(n_, kMostLimbs);
      mod_down(*params_, x, limbs, drop, out, scratch, one_);
      mod_down(*params_, copy, limbs, drop, by_two, scratch, two);
      EXPECT_TRUE(equal(out, by_two, limbs - drop)) << "with two threads";
      expect_rounded(coefficients(by_two, limbs - drop), values, divisor(limbs, true, drop), limbs - drop);
    }
  }
}

TEST_P(KeySwitchTest, ModDownToCoefficientsIsTheSameInCoefficientForm) {
  ThreadPool two(2);
  for (size_t limbs = 1; limbs <= kMostLimbs; ++limbs) {
    for (size_t drop = 0; drop < std::min<size_t>(limbs, 3); ++drop) {
      const std::vector<Wide> values = random_below_product(n_, extended_primes(limbs), limbs);
      RnsPolynomial x = residues(values, limbs, true);
      mod_down_to_coefficients(*params_, x, limbs, drop, limbs % 2 == 0 ? two : one_);
      expect_rounded(x, values, divisor(limbs, true, drop), limbs - drop);
    }
  }
}

TEST_P(KeySwitchTest, RescaleRoundsAsBigIntegersDo) {
  ThreadPool two(2);
  for (size_t limbs = 2; limbs <= kMostLimbs; ++limbs) {
    const std::vector<Wide> values = random_below_product(n_, primes(limbs), limbs);
    for (size_t drop = 0; drop < limbs; ++drop) {
      RnsPolynomial x = residues(values, limbs, false);
      RnsPolynomial out(n_, limbs - drop), scratch(n_, limbs);
      rescale(*params_, x, limbs, drop, out, scratch, drop % 2 == 0 ? two : one_);
      expect_rounded(coefficients(out, limbs - drop), values, divisor(limbs, false, drop), limbs - drop);
    }
  }
}

// What tickets rest on: for any x over the limbs and any E over all, to the bit.
TEST_P(KeySwitchTest, ModDownOfPTimesXAndESeparatesIntoTheRescaleOfXAndModDownOfE) {
  for (size_t limbs = 1; limbs <= kMostLimbs; ++limbs) {
    const RnsPolynomial x = residues(random_below_product(n_, primes(limbs), limbs), limbs, false);
    std::vector<Wide> numbers = random_below_product(n_, extended_primes(limbs), limbs + 10);
    std::rotate(numbers.begin(), numbers.begin() + 2, numbers.end());  // other edges meet
    const RnsPolynomial e = residues(numbers, limbs, true);
    RnsPolynomial divided = e, quotient(n_, limbs), scratch(n_, limbs);
    mod_down(*params_, divided, limbs, 0, quotient, scratch, one_);
    for (size_t drop = 0; drop < limbs; ++drop) {
      RnsPolynomial whole = e;
      RnsPolynomial sum(n_, limbs);
      for (size_t i = 0; i < limbs; ++i) {
        const Modulus& q = params_->modulus(i);
        AlignedVector<uint32_t> scaled(n_);
        kernels().multiply_scalar(scaled.data(), x.limb(i), params_->special_product(i), n_, q);
        kernels().add(whole.limb(i), whole.limb(i), scaled.data(), n_, q);
        kernels().add(sum.limb(i), x.limb(i), quotient.limb(i), n_, q);
      }
      RnsPolynomial at_once(n_, limbs - drop), apart(n_, limbs - drop);
      mod_down(*params_, whole, limbs, drop, at_once, scratch, one_);
      rescale(*params_, sum, limbs, drop, apart, scratch, one_);
      EXPECT_TRUE(equal(at_once, apart, limbs - drop)) << limbs << " limbs, drop " << drop;
    }
  }
}

TEST_P(KeySwitchTest, ModDownAndRescaleAtOnceEqualOneAfterTheOther) {
  for (size_t limbs = 2; limbs <= kMostLimbs; ++limbs) {
    const std::vector<Wide> values = random_below_product(n_, extended_primes(limbs), limbs);
    for (size_t drop = 1; drop < limbs; ++drop) {
      RnsPolynomial x = residues(values, limbs, true);
      RnsPolynomial copy = x;
      RnsPolynomial at_once(n_, limbs - drop), scratch(n_, limbs);
      mod_down(*params_, x, limbs, drop, at_once, scratch, one_);
      RnsPolynomial in_turn(n_, limbs);
      mod_down(*params_, copy, limbs, 0, in_turn, scratch, one_);
      for (size_t left = limbs; left > limbs - drop; --left) {
        RnsPolynomial next(n_, left - 1);
        rescale(*params_, in_turn, left, 1, next, scratch, one_);
        in_turn = next;
      }
      EXPECT_TRUE(equal(at_once, in_turn, limbs - drop)) << limbs << " limbs, drop " << drop;
    }
  }
}

TEST_P(KeySwitchTest, SwitchedBlocksAreWhatSwitchLimbMakesOfAllAndTakeSummandsAlong) {
  const size_t limbs = kMostLimbs;
  const SecretKey secret = SecretKey::generate(params_);
  const uint32_t element = galois_element_of_rotation(7, params_->log_n());
  const EvaluationKeys keys = make_evaluation_keys(secret, std::vector<KeyRequest>{{element, limbs}});
  const PreparedKey key(*params_, keys.key_id, keys.keys[0], limbs);
  EXPECT_EQ(key.automorphism().galois_element, element);
  RnsPolynomial part = residues(random_below_product(n_, primes(limbs), 1), limbs, false);
  RnsPolynomial coefficient_form = coefficients(part, limbs);
  Digits digits(*params_, limbs);
  decompose(*params_, coefficient_form, &part, digits, one_);
  const RnsPolynomial joined = residues(random_below_product(n_, extended_primes(limbs), 2), limbs, true);
  for (size_t limb = 0; limb < limbs + special(); ++limb) {
    const Modulus& q = tables(limb, limbs).modulus;
    AlignedVector<uint32_t> alone0(n_), alone1(n_), with0(n_), with1(n_), moved(n_);
    switch_limb(*params_, digits, key, limb, nullptr, alone0.data(), alone1.data());
    switch_limb(*params_, digits, key, limb, joined.limb(limb), with0.data(), with1.data());
    EXPECT_EQ(alone1, with1);
    for (size_t first = 0; first < n_ / 16; first += 16) {
      AlignedVector<uint32_t> some0(256), some1(256);
      const SwitchedBlocks blocks = switched_blocks(digits, key, limb, first, 64);
      kernels().switch_key(some0.data(), some1.data(), 16, blocks, 256, q);
      EXPECT_TRUE(std::ranges::equal(some0, std::span(alone0).subspan(16 * first, 256)));
      EXPECT_TRUE(std::ranges::equal(some1, std::span(alone1).subspan(16 * first, 256)));
    }
    kernels().permute(moved.data(), 16, joined.limb(limb), key.automorphism());
    kernels().add(alone0.data(), alone0.data(), moved.data(), n_, q);
    EXPECT_EQ(alone0, with0);
  }
}

/// Switches c by the key, in the schoolbook's way: the automorphism first, then the digits, each product
/// reduced.
std::pair<RnsPolynomial, RnsPolynomial> switch_plainly(const Params& params, const EvaluationKeys& keys,
                                                       const SwitchingKey& key, const RnsPolynomial& c) {
  const size_t limbs = c.num_limbs();
  const size_t n = params.n();
  const size_t special = params.num_special();
  const Automorphism move(params.log_n(), key.request.galois_element);
  RnsPolynomial moved(n, limbs);
  for (size_t i = 0; i < limbs; ++i) {
    kernels().permute(moved.limb(i), 16, c.limb(i), move);
    kernels().ntt_inverse(moved.limb(i), params.tables(i));
  }
  RnsPolynomial sums[2] = {RnsPolynomial(n, limbs + special), RnsPolynomial(n, limbs + special)};
  for (size_t digit = 0; digit * special < limbs; ++digit) {
    // The residue modulo the digit's product, by the Chinese remainder theorem: Garner's way, in 128 bits.
    std::vector<__int128> centred(n);
    for (size_t j = 0; j < n; ++j) {
      __int128 product = 1;
      for (size_t i = digit * special; i < std::min(limbs, (digit + 1) * special); ++i) {
        const Modulus& q = params.modulus(i);
        const auto below = static_cast<uint32_t>(centred[j] % q.value());
        const auto inverse = q.inverse(static_cast<uint32_t>(product % q.value()));
        centred[j] += product * q.multiply(q.subtract(moved.limb(i)[j], below), inverse);
        product *= q.value();
      }
      if (centred[j] > product / 2) centred[j] -= product;
    }
    for (size_t limb = 0; limb < limbs + special; ++limb) {
      const size_t key_limb = limb < limbs ? limb : key.request.limbs + limb - limbs;
      const NttTables& tables = params.tables(params.extended_index(limb, limbs));
      const Modulus& q = tables.modulus;
      AlignedVector<uint32_t> lifted(n), a(n);
      for (size_t j = 0; j < n; ++j)
        lifted[j] = q.reduce(static_cast<int64_t>(centred[j] % static_cast<__int128>(q.value())));
      kernels().ntt_forward(lifted.data(), tables);
      expand_key_seed(params, keys.key_id, key, digit, key_limb, a);
      for (size_t j = 0; j < n; ++j) {
        uint32_t& sum_b = sums[0].limb(limb)[j];
        uint32_t& sum_a = sums[1].limb(limb)[j];
        sum_b = q.add(sum_b, q.multiply(lifted[j], key.b[digit].limb(key_limb)[j]));
        sum_a = q.add(sum_a, q.multiply(lifted[j], a[j]));
      }
    }
  }
  ThreadPool one;
  RnsPolynomial scratch(n, limbs);
  std::pair<RnsPolynomial, RnsPolynomial> out(RnsPolynomial(n, limbs), RnsPolynomial(n, limbs));
  mod_down(params, sums[0], limbs, 0, out.first, scratch, one);
  mod_down(params, sums[1], limbs, 0, out.second, scratch, one);
  return out;
}

class HoistedRotations : public testing::TestWithParam<size_t> {};
INSTANTIATE_TEST_SUITE_P(SpecialPrimes, HoistedRotations, testing::Values(1, 2, 3, 4));

// The keys are over five limbs and serve fewer, digits that they cut short among them.
TEST_P(HoistedRotations, EqualPlainOnesBitForBitAtEveryLevel) {
  const ParamsPtr params = tiny_params(kMostLimbs, GetParam());
  const SecretKey secret = SecretKey::generate(params);
  const int steps[] = {1, -7, 100};
  std::vector<KeyRequest> requests;
  for (const int step : steps)
    requests.push_back({galois_element_of_rotation(step, params->log_n()), kMostLimbs});
  const EvaluationKeys keys = make_evaluation_keys(secret, requests);
  Evaluator evaluator(params);
  evaluator.add_keys(keys);
  Evaluator threaded(params, 2);
  threaded.add_keys(keys);
  const Ciphertext fresh =
      encrypt(secret, evaluator.encoder().encode(random_slots(512, 1), 0x1p40), 0x1p40, kMostLimbs);
  for (size_t limbs = 1; limbs <= kMostLimbs; ++limbs) {
    const Ciphertext a = evaluator.mod_drop(fresh, limbs);
    const std::vector<Ciphertext> hoisted = evaluator.rotate_hoisted(a, steps);
    const std::vector<Ciphertext> by_threads = threaded.rotate_hoisted(a, steps);
    for (size_t r = 0; r < std::size(steps); ++r) {
      auto [c0, c1] = switch_plainly(*params, keys, keys.keys[r], a.parts[1]);
      const Automorphism move(params->log_n(), requests[r].galois_element);
      RnsPolynomial moved(params->n(), limbs);
      for (size_t i = 0; i < limbs; ++i) {
        kernels().permute(moved.limb(i), 16, a.parts[0].limb(i), move);
        kernels().add(c0.limb(i), c0.limb(i), moved.limb(i), params->n(), params->modulus(i));
      }
      for (const Ciphertext* got : {&hoisted[r], &by_threads[r]}) {
        EXPECT_TRUE(equal(got->parts[0], c0, limbs)) << limbs << " " << r;
        EXPECT_TRUE(equal(got->parts[1], c1, limbs)) << limbs << " " << r;
      }
    }
  }
}

class PreparedKeys : public testing::TestWithParam<size_t> {};
INSTANTIATE_TEST_SUITE_P(SpecialPrimes, PreparedKeys, testing::Values(1, 2, 3));

TEST_P(PreparedKeys, AreTheSameFromASeedAndFromItsExpansion) {
  const ParamsPtr params = tiny_params(3, GetParam());
  const EvaluationKeys keys = make_evaluation_keys(SecretKey::generate(params),
                                                   std::vector<KeyRequest>{{kRelinearisation, 3}, {5, 3}});
  for (const SwitchingKey& key : keys.keys) {
    std::vector<RnsPolynomial> a;
    for (size_t digit = 0; digit < params->digits(3); ++digit) {
      a.emplace_back(params->n(), 3 + GetParam());
      for (size_t limb = 0; limb < 3 + GetParam(); ++limb)
        expand_key_seed(*params, keys.key_id, key, digit, limb, a.back().limb_span(limb));
    }
    for (size_t limbs = 1; limbs <= 3; ++limbs) {
      const PreparedKey seeded(*params, keys.key_id, key, limbs);
      const PreparedKey given(*params, key.request, key.b, a, limbs);
      EXPECT_EQ(seeded.galois_element(), key.request.galois_element);
      EXPECT_EQ(seeded.automorphism().galois_element, std::max(1u, key.request.galois_element));
      EXPECT_EQ(seeded.limbs(), limbs);
      EXPECT_EQ(seeded.bytes(), given.bytes());
      for (size_t limb = 0; limb < limbs + GetParam(); ++limb) {
        const size_t words = 2 * params->digits(limbs) * params->n();
        EXPECT_TRUE(std::equal(seeded.stream(limb), seeded.stream(limb) + words, given.stream(limb)));
      }
    }
  }
}

// Block t of a stream is what block t of the output is made from: permuted back, out of Montgomery form.
TEST_P(PreparedKeys, HoldTheirBlocksInTheOrderOfTheOutputs) {
  const ParamsPtr params = tiny_params(3, GetParam());
  const uint32_t element = galois_element_of_rotation(3, params->log_n());
  const EvaluationKeys keys =
      make_evaluation_keys(SecretKey::generate(params), std::vector<KeyRequest>{{element, 3}});
  const SwitchingKey& key = keys.keys[0];
  for (size_t limbs = 1; limbs <= 3; ++limbs) {
    const PreparedKey prepared(*params, keys.key_id, key, limbs);
    const size_t digits = params->digits(limbs);
    for (size_t limb = 0; limb < limbs + GetParam(); ++limb) {
      const Modulus& q = params->modulus(params->extended_index(limb, limbs));
      const size_t source = limb < limbs ? limb : 3 + limb - limbs;
      for (size_t digit = 0; digit < digits; ++digit) {
        for (size_t t = 0; t < params->n() / 16; ++t) {
          const uint32_t* const block = prepared.stream(limb) + (t * digits + digit) * 2 * 16;
          const uint32_t pattern = prepared.automorphism().sources[t] % 16;
          for (size_t l = 0; l < 16; ++l) {
            const uint32_t lane = prepared.automorphism().lanes[pattern * 16 + l];
            ASSERT_EQ(block[lane], q.to_montgomery(key.b[digit].limb(source)[16 * t + l]));
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace cryptotl

#include "cryptotl/ckks/key_switch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "ckks/measure.h"
#include "ckks/test_params.h"
#include "cryptotl/ckks/evaluator.h"
#include "cryptotl/ckks/secret_key.h"
#include "cryptotl/rns/kernels.h"

namespace cryptotl {
namespace {

/// Holds Q P of three limbs and P: 120 bits.
using Wide = unsigned __int128;

constexpr size_t kLimbs = 3;

class KeySwitchTest : public testing::Test {
 protected:
  KeySwitchTest() : params_(tiny_params(kLimbs)), n_(params_->n()) {}

  /// N numbers below `bound`, the edges among them.
  std::vector<Wide> random_below(Wide bound, uint64_t seed) const {
    std::mt19937_64 generator(seed);
    std::vector<Wide> out(n_);
    for (Wide& value : out) value = (static_cast<Wide>(generator()) << 64 | generator()) % bound;
    const Wide edges[] = {0, 1, bound - 1, bound / 2, bound / 2 + 1};
    std::copy(std::begin(edges), std::end(edges), out.begin());
    return out;
  }
  const Modulus& modulus(size_t i, size_t limbs) const {
    return params_->modulus(params_->extended_index(i, limbs));
  }
  const NttTables& tables(size_t i, size_t limbs) const {
    return params_->tables(params_->extended_index(i, limbs));
  }

  /// NTT form over `limbs` primes, and P where `extended`.
  RnsPolynomial residues(std::span<const Wide> values, size_t limbs, bool extended) const {
    RnsPolynomial out(n_, limbs + (extended ? 1 : 0));
    for (size_t i = 0; i < out.num_limbs(); ++i) {
      for (size_t j = 0; j < n_; ++j)
        out.limb(i)[j] = static_cast<uint32_t>(values[j] % modulus(i, limbs).value());
      kernels().ntt_forward(out.limb(i), tables(i, limbs));
    }
    return out;
  }
  std::vector<uint32_t> coefficients(const RnsPolynomial& polynomial, size_t limb) const {
    AlignedVector<uint32_t> values(polynomial.limb(limb), polynomial.limb(limb) + n_);
    kernels().ntt_inverse(values.data(), params_->tables(limb));
    return {values.begin(), values.end()};
  }
  Wide product(size_t limbs) const {
    Wide out = 1;
    for (size_t i = 0; i < limbs; ++i) out *= params_->modulus(i).value();
    return out;
  }

  ParamsPtr params_;
  size_t n_;
  ThreadPool one_;
};

TEST_F(KeySwitchTest, DigitsAreTheCentredResiduesInEveryLimb) {
  const std::vector<Wide> values = random_below(product(kLimbs), 1);
  const RnsPolynomial ntt = residues(values, kLimbs, false);
  RnsPolynomial coefficient_form = ntt;
  for (size_t i = 0; i < kLimbs; ++i) kernels().ntt_inverse(coefficient_form.limb(i), params_->tables(i));
  Digits digits(n_, kLimbs);
  decompose(*params_, coefficient_form, nullptr, digits, one_);
  for (size_t digit = 0; digit < kLimbs; ++digit) {
    const int64_t q = params_->modulus(digit).value();
    for (size_t limb = 0; limb <= kLimbs; ++limb) {
      AlignedVector<uint32_t> got(digits.at(limb, digit), digits.at(limb, digit) + n_);
      kernels().ntt_inverse(got.data(), tables(limb, kLimbs));
      for (size_t j = 0; j < n_; ++j) {
        const auto residue = static_cast<int64_t>(values[j] % static_cast<Wide>(q));
        const int64_t centred = residue > q / 2 ? residue - q : residue;
        ASSERT_EQ(got[j], modulus(limb, kLimbs).reduce(centred)) << limb << " " << digit << " " << j;
      }
    }
  }
  Digits with_ntt(n_, kLimbs);
  ThreadPool two(2);
  decompose(*params_, coefficient_form, &ntt, with_ntt, two);
  for (size_t limb = 0; limb <= kLimbs; ++limb) {
    for (size_t digit = 0; digit < kLimbs; ++digit)
      EXPECT_TRUE(std::equal(digits.at(limb, digit), digits.at(limb, digit) + n_, with_ntt.at(limb, digit)));
  }
}

TEST_F(KeySwitchTest, ModDownRoundsAsBigIntegersDo) {
  for (size_t limbs = 1; limbs <= kLimbs; ++limbs) {
    const Wide p = params_->special().value();
    const std::vector<Wide> values = random_below(product(limbs) * p, limbs);
    RnsPolynomial x = residues(values, limbs, true);
    RnsPolynomial copy = x;
    RnsPolynomial out(n_, limbs), scratch(n_, limbs);
    mod_down(*params_, x, limbs, 0, out, scratch, one_);
    mod_down_to_coefficients(*params_, copy, limbs, scratch, one_);
    for (size_t i = 0; i < limbs; ++i) {
      const std::vector<uint32_t> got = coefficients(out, i);
      for (size_t j = 0; j < n_; ++j) {
        const Wide rounded = (values[j] + p / 2) / p;  // P is odd: no ties
        ASSERT_EQ(got[j], static_cast<uint32_t>(rounded % params_->modulus(i).value()))
            << limbs << " " << i << " " << j;
      }
      EXPECT_TRUE(std::equal(got.begin(), got.end(), copy.limb(i))) << "in coefficient form";
    }
  }
}

TEST_F(KeySwitchTest, RescaleRoundsAsBigIntegersDo) {
  for (size_t limbs = 2; limbs <= kLimbs; ++limbs) {
    const Wide q = params_->modulus(limbs - 1).value();
    const std::vector<Wide> values = random_below(product(limbs), limbs);
    RnsPolynomial x = residues(values, limbs, false);
    RnsPolynomial scratch(n_, limbs);
    rescale(*params_, x, scratch);
    ASSERT_EQ(x.num_limbs(), limbs - 1);
    for (size_t i = 0; i + 1 < limbs; ++i) {
      const std::vector<uint32_t> got = coefficients(x, i);
      for (size_t j = 0; j < n_; ++j) {
        const Wide rounded = (values[j] + q / 2) / q;
        ASSERT_EQ(got[j], static_cast<uint32_t>(rounded % params_->modulus(i).value()))
            << limbs << " " << i << " " << j;
      }
    }
  }
}

TEST_F(KeySwitchTest, ModDownAndRescaleAtOnceEqualOneAfterTheOther) {
  for (size_t limbs = 2; limbs <= kLimbs; ++limbs) {
    const Wide p = params_->special().value();
    const Wide q = params_->modulus(limbs - 1).value();
    const std::vector<Wide> values = random_below(product(limbs) * p, limbs);
    RnsPolynomial x = residues(values, limbs, true);
    RnsPolynomial copy = x;
    RnsPolynomial at_once(n_, limbs - 1), in_turn(n_, limbs), scratch(n_, limbs);
    mod_down(*params_, x, limbs, 1, at_once, scratch, one_);
    mod_down(*params_, copy, limbs, 0, in_turn, scratch, one_);
    rescale(*params_, in_turn, scratch);
    for (size_t i = 0; i + 1 < limbs; ++i) {
      EXPECT_TRUE(std::ranges::equal(at_once.limb_span(i), in_turn.limb_span(i)));
      const std::vector<uint32_t> got = coefficients(at_once, i);
      const Modulus& q_i = params_->modulus(i);
      for (size_t j = 0; j < n_; ++j) {
        // Rounding twice is off by at most one from rounding once.
        const Wide once = (values[j] + p * q / 2) / (p * q);
        const uint32_t off = q_i.subtract(got[j], static_cast<uint32_t>(once % q_i.value()));
        ASSERT_TRUE(off <= 1 || off == q_i.value() - 1) << off;
      }
    }
  }
}

/// Switches c by the key, in the schoolbook's way: the automorphism first, then the digits, each product
/// reduced.
std::pair<RnsPolynomial, RnsPolynomial> switch_plainly(const Params& params, const EvaluationKeys& keys,
                                                       const SwitchingKey& key, const RnsPolynomial& c) {
  const size_t limbs = c.num_limbs();
  const size_t n = params.n();
  const Automorphism move(params.log_n(), key.request.galois_element);
  RnsPolynomial moved(n, limbs);
  for (size_t i = 0; i < limbs; ++i) {
    kernels().permute(moved.limb(i), 16, c.limb(i), move);
    kernels().ntt_inverse(moved.limb(i), params.tables(i));
  }
  RnsPolynomial sums[2] = {RnsPolynomial(n, limbs + 1), RnsPolynomial(n, limbs + 1)};
  for (size_t limb = 0; limb <= limbs; ++limb) {
    const size_t key_limb = limb == limbs ? key.request.limbs : limb;
    const NttTables& tables = params.tables(params.extended_index(limb, limbs));
    const Modulus& q = tables.modulus;
    for (size_t digit = 0; digit < limbs; ++digit) {
      const int64_t from = params.modulus(digit).value();
      AlignedVector<uint32_t> lifted(n), a(n);
      for (size_t j = 0; j < n; ++j) {
        const int64_t residue = moved.limb(digit)[j];
        lifted[j] = q.reduce(residue > from / 2 ? residue - from : residue);
      }
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

TEST(HoistedRotations, EqualPlainOnesBitForBitAtEveryLevel) {
  const ParamsPtr params = tiny_params(4);
  const SecretKey secret = SecretKey::generate(params);
  const int steps[] = {1, -7, 100};
  std::vector<KeyRequest> requests;
  for (const int step : steps) requests.push_back({galois_element_of_rotation(step, params->log_n()), 4});
  const EvaluationKeys keys = make_evaluation_keys(secret, requests);
  Evaluator evaluator(params);
  evaluator.add_keys(keys);
  Evaluator threaded(params, 2);
  threaded.add_keys(keys);
  const Ciphertext fresh =
      encrypt(secret, evaluator.encoder().encode(random_slots(512, 1), 0x1p40), 0x1p40, 4);
  for (size_t limbs = 1; limbs <= 4; ++limbs) {
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
        EXPECT_TRUE(std::ranges::equal(hoisted[r].parts[0].limb_span(i), c0.limb_span(i)))
            << limbs << " " << r;
        EXPECT_TRUE(std::ranges::equal(hoisted[r].parts[1].limb_span(i), c1.limb_span(i)))
            << limbs << " " << r;
        EXPECT_TRUE(std::ranges::equal(by_threads[r].parts[0].limb_span(i), c0.limb_span(i)));
        EXPECT_TRUE(std::ranges::equal(by_threads[r].parts[1].limb_span(i), c1.limb_span(i)));
      }
    }
  }
}

TEST(PreparedKeys, AreTheSameFromASeedAndFromItsExpansion) {
  const ParamsPtr params = tiny_params(3);
  const EvaluationKeys keys = make_evaluation_keys(SecretKey::generate(params),
                                                   std::vector<KeyRequest>{{kRelinearisation, 3}, {5, 3}});
  for (const SwitchingKey& key : keys.keys) {
    std::vector<RnsPolynomial> a;
    for (size_t digit = 0; digit < 3; ++digit) {
      a.emplace_back(params->n(), 4);
      for (size_t limb = 0; limb < 4; ++limb)
        expand_key_seed(*params, keys.key_id, key, digit, limb, a.back().limb_span(limb));
    }
    for (size_t limbs = 1; limbs <= 3; ++limbs) {
      const PreparedKey seeded(*params, keys.key_id, key, limbs);
      const PreparedKey given(*params, key.request, key.b, a, limbs);
      EXPECT_EQ(seeded.galois_element(), key.request.galois_element);
      EXPECT_EQ(seeded.bytes(), given.bytes());
      for (size_t limb = 0; limb <= limbs; ++limb) {
        const size_t words = 2 * limbs * params->n();
        EXPECT_TRUE(std::equal(seeded.stream(limb), seeded.stream(limb) + words, given.stream(limb)));
      }
    }
  }
}

}  // namespace
}  // namespace cryptotl

#include "cryptotl/execute/ticket.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <random>

#include "cryptotl/base/random.h"
#include "cryptotl/ckks/wire.h"
#include "cryptotl/rns/kernels.h"
#include "execute/encrypted_network.h"

namespace cryptotl {
namespace {

Bytes answer_with(EncryptedNetwork& both, const Ciphertext& input, const Ticket* ticket) {
  return write_answer(both.runner.run(input, *both.keys, ticket));
}

/// That a pass with the ticket of the input's seed gives the bytes of a pass without.
void expect_equal_answers(EncryptedNetwork& both, const Matrix& rows) {
  for (size_t i = 0; i < rows.rows; ++i) {
    const Ciphertext input = both.encrypted(rows.row(i));
    const Ticket ticket = both.runner.prepare(*input.seed, *both.keys);
    EXPECT_EQ(ticket.bytes(), Ticket::bytes_of(both.plan));
    EXPECT_TRUE(answer_with(both, input, &ticket) == answer_with(both, input, nullptr));
  }
}

/// The same message and error under another seed: c_0 + (a - a') s.
Ciphertext with_seed(const EncryptedNetwork& both, const Ciphertext& input, const Seed& seed) {
  Ciphertext out = input.clone();
  const Params& params = *both.program->params();
  out.seed = seed;
  out.parts[1] = expand_ciphertext_seed(params, input.key_id, seed, input.num_limbs());
  for (size_t i = 0; i < input.num_limbs(); ++i) {
    const Modulus& q = params.modulus(i);
    AlignedVector<uint32_t> moved(params.n()), s(both.secret.ntt(i).begin(), both.secret.ntt(i).end());
    kernels().subtract(moved.data(), input.parts[1].limb(i), out.parts[1].limb(i), params.n(), q);
    kernels().multiply(moved.data(), moved.data(), s.data(), params.n(), q);
    kernels().add(out.parts[0].limb(i), out.parts[0].limb(i), moved.data(), params.n(), q);
  }
  return out;
}

class TicketTest : public testing::Test {
 protected:
  TicketTest() : both_(random_network(20, 16, 5, 1), uniform_rows(50, 20, 2)) {}

  void expect_refused(const Ciphertext& input, const Ticket* ticket, const std::string& reason) {
    try {
      static_cast<void>(both_.runner.run(input, *both_.keys, ticket));
      FAIL() << reason;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::parameter_mismatch);
      EXPECT_THAT(error.what(), testing::HasSubstr(reason));
    }
  }

  EncryptedNetwork both_;
  Matrix rows_ = uniform_rows(3, 20, 3);
};

TEST_F(TicketTest, RefusesAnInputOfAnotherSeedOrOfNone) {
  const Ticket ticket = both_.runner.prepare(random_seed(), *both_.keys);
  Ciphertext input = both_.encrypted(rows_.row(0));
  expect_refused(input, &ticket, "another seed");
  const auto answer = both_.runner.answer(write_ciphertext(input), *both_.keys, &ticket);
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().code(), ErrorCode::parameter_mismatch);
  input.seed.reset();  // as of an input that a public key encrypted
  expect_refused(input, &ticket, "another seed");
}

TEST_F(TicketTest, RefusesTheTicketOfAnotherKey) {
  const Ciphertext input = both_.encrypted(rows_.row(0));
  const SecretKey other = SecretKey::generate(both_.program->params());
  const auto keys = both_.keys_of(other);
  const Ticket ticket = both_.runner.prepare(*input.seed, *keys);
  expect_refused(input, &ticket, "another seed, key");
}

TEST_F(TicketTest, RefusesTheTicketOfAnotherProgramEvenOfTheSamePlan) {
  const Ciphertext input = both_.encrypted(rows_.row(0));
  // Other weights behind the same plan: the ticket would fit in every number that can be compared.
  const auto twin =
      std::make_shared<LatencyProgram>(random_network(20, 16, 5, 9), both_.calibration, both_.plan);
  LatencyRunner runner(twin, 1);
  const Ticket of_twin = runner.prepare(*input.seed, *both_.keys);
  EXPECT_EQ(of_twin.bytes(), Ticket::bytes_of(both_.plan));
  expect_refused(input, &of_twin, "program");

  EncryptedNetwork fine(both_.network, both_.calibration, 1, {1e-9});
  ASSERT_NE(Ticket::bytes_of(fine.plan), Ticket::bytes_of(both_.plan));
  const Ticket of_fine = fine.runner.prepare(*input.seed, *fine.keys);
  expect_refused(input, &of_fine, "another seed, key");
}

TEST_F(TicketTest, RefusesAnInputWithoutC1WhereThereIsNoTicket) {
  Ciphertext input = both_.encrypted(rows_.row(0));
  const Ticket ticket = both_.runner.prepare(*input.seed, *both_.keys);
  const Bytes expected = answer_with(both_, input, nullptr);
  input.parts.pop_back();
  expect_refused(input, nullptr, "1 parts");
  EXPECT_TRUE(answer_with(both_, input, &ticket) == expected);
  input.parts.pop_back();
  expect_refused(input, &ticket, "0 parts");
}

TEST_F(TicketTest, RefusesAnInputOfAnotherShapeOrScaleWithATicketToo) {
  Ciphertext input = both_.encrypted(rows_.row(0));
  const Ticket ticket = both_.runner.prepare(*input.seed, *both_.keys);
  input.scale *= 1.5;
  expect_refused(input, &ticket, "scale");
  input.scale /= 1.5;
  for (RnsPolynomial& part : input.parts) part.drop_to(2);
  expect_refused(input, &ticket, "2 limbs");
}

// A mask hides nothing where another answer has it, too, which takes a seed of one's own or other keys.
TEST_F(TicketTest, HoldsAnotherMaskForEverySeedAndForOtherKeysOfOneSecret) {
  const Ciphertext input = both_.encrypted(rows_.row(0));
  const Ciphertext anew = with_seed(both_, input, random_seed());
  const auto other = both_.keys_of(both_.secret);  // with another public key
  const auto first = both_.runner.run(input, *both_.keys);
  const Ticket ticket = both_.runner.prepare(*input.seed, *other);
  for (const SwitchedCiphertext& second :
       {both_.runner.run(anew, *both_.keys), both_.runner.run(input, *other, &ticket)}) {
    size_t equal = 0;
    for (size_t j = 0; j < first.c1.size(); ++j) equal += first.c1[j] == second.c1[j] ? 1 : 0;
    EXPECT_LT(equal, 10u);  // of N, uniform modulo 2^k: about N / 2^k
  }
}

TEST_F(TicketTest, OfATrustingProgramHasNoMask) {
  EncryptedNetwork trusting(both_.network, both_.calibration, both_.plan, 1, true);
  const Ciphertext input = trusting.encrypted(rows_.row(0));
  const Ticket ticket = trusting.runner.prepare(*input.seed, *trusting.keys);
  EXPECT_EQ(Ticket::bytes_of(both_.plan) - ticket.bytes(),
            2 * both_.plan.answer_limbs() * both_.program->params()->n() * 30 / 8);
  EXPECT_TRUE(answer_with(trusting, input, &ticket) == answer_with(trusting, input, nullptr));
}

TEST_F(TicketTest, AnswersFromRequestBytesWithTheSameBytes) {
  for (size_t i = 0; i < rows_.rows; ++i) {
    const Ciphertext input = both_.encrypted(rows_.row(i));
    const Ticket ticket = both_.runner.prepare(*input.seed, *both_.keys);
    const Bytes request = write_ciphertext(input);
    EXPECT_TRUE(*both_.runner.answer(request, *both_.keys, &ticket) ==
                *both_.runner.answer(request, *both_.keys));
  }
}

// The seed alone is there when the ticket is made: one ticket serves any message that is encrypted later.
TEST_F(TicketTest, HoldsNothingOfTheMessageAndServesAnyThatComesLater) {
  const Seed seed = random_seed();
  const Ticket ticket = both_.runner.prepare(seed, *both_.keys);
  EXPECT_EQ(ticket.seed(), seed);
  EXPECT_EQ(ticket.key_id(), both_.secret.id());
  for (size_t i = 0; i < rows_.rows; ++i) {
    const Ciphertext input = with_seed(both_, both_.encrypted(rows_.row(i)), seed);
    const SwitchedCiphertext answer = both_.runner.run(input, *both_.keys, &ticket);
    EXPECT_TRUE(write_answer(answer) == answer_with(both_, input, nullptr));
    const std::vector<double> expected = forward(both_.network, rows_.row(i));
    const std::vector<double> got = both_.decrypted(answer);
    for (size_t r = 0; r < got.size(); ++r) EXPECT_NEAR(got[r], expected[r], both_.plan.predicted_error);
  }
}

TEST_F(TicketTest, APassOrATicketLeavesNothingBehindThatTheNextOneCouldSee) {
  const Ciphertext first = both_.encrypted(rows_.row(0));
  const Ciphertext second = both_.encrypted(rows_.row(1));
  const Bytes of_first = answer_with(both_, first, nullptr);
  const Bytes of_second = answer_with(both_, second, nullptr);
  const Ticket ticket = both_.runner.prepare(*first.seed, *both_.keys);
  const Ticket other = both_.runner.prepare(*second.seed, *both_.keys);
  for (int i = 0; i < 2; ++i) {
    EXPECT_TRUE(answer_with(both_, first, &ticket) == of_first);
    EXPECT_TRUE(answer_with(both_, second, nullptr) == of_second);
    EXPECT_TRUE(answer_with(both_, second, &other) == of_second);
    EXPECT_TRUE(answer_with(both_, first, nullptr) == of_first);
  }
}

TEST_F(TicketTest, ThreadsAndInstructionSetsChangeNoBit) {
  const Ciphertext input = both_.encrypted(rows_.row(0));
  const std::string best(kernels().name);
  const Bytes expected = answer_with(both_, input, nullptr);
  std::vector<Ticket> tickets;
  std::vector<std::unique_ptr<LatencyRunner>> runners;
  for (const KernelTable* table : available_kernels()) {
    select_kernels(table->name);
    for (const size_t threads : {1, 2}) {
      runners.push_back(std::make_unique<LatencyRunner>(both_.program, threads));
      tickets.push_back(runners.back()->prepare(*input.seed, *both_.keys));
    }
  }
  for (const KernelTable* table : available_kernels()) {
    select_kernels(table->name);
    for (const auto& runner : runners) {
      for (const Ticket& ticket : tickets)
        EXPECT_TRUE(write_answer(runner->run(input, *both_.keys, &ticket)) == expected) << table->name;
    }
  }
  select_kernels(best);
}

TEST(TicketsTest, GiveTheSameBytesForEveryShape) {
  const size_t shapes[][3] = {{1, 1, 1},     {2, 3, 1},      {7, 1024, 2},   {1024, 1, 3},   {513, 929, 96},
                              {64, 64, 769}, {4096, 16, 16}, {16, 4096, 16}, {16, 16, 4096}, {768, 768, 766}};
  for (const auto& [inputs, hidden, outputs] : shapes) {
    SCOPED_TRACE(std::to_string(inputs) + " " + std::to_string(hidden) + " " + std::to_string(outputs));
    EncryptedNetwork both(random_network({inputs, hidden, outputs}, {{0.3, 0.5, 0.1}}, inputs + hidden),
                          uniform_rows(20, inputs, 2));
    expect_equal_answers(both, uniform_rows(1, inputs, 3));
  }
}

void expect_equal_answers(const std::vector<size_t>& widths, size_t degree, double precision) {
  SCOPED_TRACE(std::to_string(widths.size()) + " widths, degree " + std::to_string(degree) + ", precision " +
               std::to_string(std::log10(precision)));
  EncryptedNetwork both(random_network(widths, polynomial_of(degree), degree), uniform_rows(20, widths[0], 2),
                        1, {precision});
  expect_equal_answers(both, uniform_rows(1, widths[0], 3));
}

TEST(TicketsTest, GiveTheSameBytesForEveryDegreeAndForFinePrecisions) {
  for (size_t degree = 2; degree <= 7; ++degree) {
    expect_equal_answers({40, 30, 20}, degree, 1e-4);
    expect_equal_answers({20, 12, 16}, degree, 1e-9);
  }
}

TEST(TicketsTest, GiveTheSameBytesForSeveralHiddenLayers) {
  expect_equal_answers({30, 50, 20, 12}, 3, 1e-4);
  expect_equal_answers({30, 10, 40, 12}, 2, 1e-6);
  expect_equal_answers({30, 20, 20, 20, 12}, 2, 1e-4);
}

TEST(TicketsTest, GiveTheSameBytesAndNoMoreErrorForEveryNumberOfSpecialPrimes) {
  const FoldedNetwork network = random_network({60, 300, 40}, {{0.3, 0.5, 0.1}}, 1);
  const Calibration calibration = calibrate(network, uniform_rows(20, 60, 2));
  const LatencyPlan planned = plan_latency(network, calibration, {1e-3}).value();
  ASSERT_LE(planned.top_limbs(), 4u) << "three special primes need room within the guideline";
  std::vector<uint32_t> others = ntt_primes(1u << 30, uint32_t{2} << planned.params.log_n, 12);
  std::erase_if(others, [&](uint32_t prime) { return std::ranges::count(planned.params.primes, prime) > 0; });
  for (size_t special = 1; special <= 3; ++special) {
    LatencyPlan plan = planned;
    plan.params.special_primes.assign(others.begin(), others.begin() + static_cast<std::ptrdiff_t>(special));
    EncryptedNetwork both(network, calibration, LatencyPlan::from_json(plan.to_json()).value());
    EXPECT_EQ(both.program->params()->num_special(), special);
    EXPECT_LE(largest_error(both, uniform_rows(3, 60, 3)), plan.predicted_error) << special;
    expect_equal_answers(both, uniform_rows(1, 60, 4));
  }
}

TEST(TicketsTest, GiveTheSameBytesAndNoMoreErrorForEverySplit) {
  const FoldedNetwork network = random_network({500, 700, 50}, {{0.3, 0.5, 0.1}}, 1);
  const Calibration calibration = calibrate(network, uniform_rows(20, 500, 2));
  const LatencyPlan planned = plan_latency(network, calibration).value();
  const size_t diagonals = planned.packing.diagonals(0);
  ASSERT_GE(diagonals, 48u);
  for (const size_t steps : {1, 2, 3, 5, 7, 11, 13, 16, 32, 48}) {
    LatencyPlan plan = planned;
    for (size_t i = 0; i < 2; ++i) {
      if (valid_baby_steps(steps, plan.packing.diagonals(i))) plan.matrices[i].baby_steps = steps;
    }
    EXPECT_EQ(plan.matrices[0].baby_steps, steps);
    EncryptedNetwork both(network, calibration, LatencyPlan::from_json(plan.to_json()).value());
    EXPECT_LE(largest_error(both, uniform_rows(1, 500, 3)), plan.predicted_error) << steps;
    expect_equal_answers(both, uniform_rows(1, 500, 4));
  }
}

// Plans may keep limbs where the planner would drop them.
TEST(TicketsTest, GiveTheSameBytesWhereNoPrimeIsDropped) {
  const FoldedNetwork network = random_network({20, 16, 5}, {{0.3, 0.5, 0.1}}, 1);
  const Calibration calibration = calibrate(network, uniform_rows(20, 20, 2));
  LatencyPlan plan = plan_latency(network, calibration, {1e-2}).value();
  const size_t kept = plan.matrices[0].drop;
  plan.matrices[0].drop = 0;
  plan.activations[0].drops[0] += kept;
  EncryptedNetwork both(network, calibration, plan);
  expect_equal_answers(both, uniform_rows(1, 20, 3));
}

TEST(TicketsTest, GiveTheOutputsAmongRandomSlotsToo) {
  EncryptedNetwork both(random_network(40, 60, 2, 1), uniform_rows(30, 40, 2), 1, {kFastPrecision, true});
  const Matrix row = uniform_rows(1, 40, 3);
  const Ciphertext input = both.encrypted(row.row(0));
  const Ticket ticket = both.runner.prepare(*input.seed, *both.keys);
  const std::vector<double> got = both.decrypted(both.runner.run(input, *both.keys, &ticket));
  const std::vector<double> expected = forward(both.network, row.row(0));
  for (size_t r = 0; r < got.size(); ++r) EXPECT_NEAR(got[r], expected[r], both.plan.predicted_error);
  EXPECT_TRUE(answer_with(both, input, &ticket) == answer_with(both, input, nullptr));
}

TEST(TicketsTest, AreAsSmallAsPromisedForThePapersShape) {
  const FoldedNetwork network = random_network(768, 768, 766, 1);
  const Calibration calibration = calibrate(network, uniform_rows(20, 768, 2));
  const LatencyPlan plan = plan_latency(network, calibration).value();
  EXPECT_LE(Ticket::bytes_of(plan), 650'000u);
  // 5 limbs, three times 4 behind the rescale, and both masks of 2, of 30 bits a residue.
  EXPECT_EQ(Ticket::bytes_of(plan), (5 + 3 * 4 + 2 * 2) * 8192u * 30 / 8);
}

constexpr uint32_t kLargest = (1u << 30) - 1;

std::vector<uint32_t> squeezed_and_back(const std::vector<uint32_t>& residues) {
  std::vector<uint32_t> squeezed(residues.size() / 16 * 15 + 1, 77), back(residues.size());
  squeeze_residues(residues, squeezed.data());
  EXPECT_EQ(squeezed.back(), 77u) << "wrote beyond its room";
  unsqueeze_residues(squeezed.data(), back);
  return back;
}

TEST(SqueezeDeathTest, TakesMultiplesOf256Alone) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  for (const size_t size : {16, 255, 272}) {
    std::vector<uint32_t> values(size), squeezed(size);
    EXPECT_DEATH(squeeze_residues(values, squeezed.data()), "");
    EXPECT_DEATH(unsqueeze_residues(squeezed.data(), values), "");
  }
}

TEST(Squeeze, GivesBackEveryBitOfEveryPlace) {
  for (size_t place = 0; place < 256; ++place) {
    for (const uint32_t value : {1u, 1u << 15, 1u << 29, kLargest}) {
      std::vector<uint32_t> residues(256);
      residues[place] = value;
      ASSERT_EQ(squeezed_and_back(residues), residues) << place;
      for (uint32_t& residue : residues) residue = kLargest;
      residues[place] = value;
      ASSERT_EQ(squeezed_and_back(residues), residues) << place;
    }
  }
  for (size_t bit = 0; bit < 30; ++bit) {
    const std::vector<uint32_t> residues(512, 1u << bit);
    EXPECT_EQ(squeezed_and_back(residues), residues);
  }
}

TEST(Squeeze, GivesBackRandomResiduesOfEverySize) {
  std::mt19937_64 generator(1);
  for (size_t size = 0; size <= 65536; size = size == 0 ? 256 : 4 * size) {
    std::vector<uint32_t> residues(size);
    for (uint32_t& residue : residues) residue = static_cast<uint32_t>(generator()) & kLargest;
    EXPECT_EQ(squeezed_and_back(residues), residues);
  }
}

TEST(Squeeze, LeavesFifteenRunsOfSixteenWhereTheyStand) {
  std::mt19937_64 generator(2);
  std::vector<uint32_t> residues(512), squeezed(480);
  for (uint32_t& residue : residues) residue = static_cast<uint32_t>(generator()) & kLargest;
  squeeze_residues(residues, squeezed.data());
  for (size_t i = 0; i < 480; ++i) EXPECT_EQ(squeezed[i] & kLargest, residues[i / 240 * 256 + i % 240]);
}

}  // namespace
}  // namespace cryptotl

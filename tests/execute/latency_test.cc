#include "cryptotl/execute/latency.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "cryptotl/ckks/wire.h"
#include "execute/encrypted_network.h"

namespace cryptotl {
namespace {

double largest_error(EncryptedNetwork& both, const Matrix& rows) {
  double worst = 0;
  for (size_t i = 0; i < rows.rows; ++i) {
    const std::vector<double> expected = forward(both.network, rows.row(i));
    const std::vector<double> got = both.decrypted(both.runner.run(both.encrypted(rows.row(i)), *both.keys));
    for (size_t r = 0; r < expected.size(); ++r) worst = std::max(worst, std::abs(got[r] - expected[r]));
  }
  return worst;
}

TEST(LatencyTest, ThePapersNetworkThroughEncryptionGivesThePlainOutputs) {
  const FoldedNetwork network = random_network(768, 768, 766, 1);
  EncryptedNetwork both(network, uniform_rows(100, 768, 2));
  std::cout << describe(both.plan);
  const double error = largest_error(both, uniform_rows(10, 768, 3));
  std::cout << "error " << error << " predicted " << both.plan.predicted_error << "\n";
  EXPECT_LT(error, 5e-5);
  EXPECT_LE(error, both.plan.predicted_error);
  EXPECT_GE(error * 8, both.plan.predicted_error);
}

TEST(LatencyTest, Timing) {
  EncryptedNetwork both(random_network(768, 768, 766, 1), uniform_rows(100, 768, 2));
  const Bytes request = write_ciphertext(both.encrypted(uniform_rows(1, 768, 3).row(0)));
  std::cout << "request " << request.size() << " keys " << both.keys->bytes() << " program "
            << both.program->bytes() << "\n";
  std::vector<double> times;
  for (int i = 0; i < 20; ++i) {
    const auto start = std::chrono::steady_clock::now();
    const Bytes answer = both.runner.answer(request, *both.keys).value();
    times.push_back(
        std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count());
  }
  std::ranges::sort(times);
  std::cout << "min " << times[0] << " median " << times[10] << " ms\n";
}

}  // namespace
}  // namespace cryptotl

#include "cryptotl/rns/kernel_speeds.h"

#include <gtest/gtest.h>

#include <cmath>
#include <ctime>

#include "rns/kernel_test.h"

namespace cryptotl {
namespace {

/// Of this process, since a test may have to share its machine.
double processor_seconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

// The slowest that is still right: one word at a time, without optimisation and with sanitizers.
#ifdef __SANITIZE_ADDRESS__
constexpr double kSlowdown = 1000;
constexpr double kMostSeconds = 20;
#else
constexpr double kSlowdown = 100;
constexpr double kMostSeconds = 2;
#endif

class KernelSpeedsTest : public KernelTest {
 protected:
  KernelSpeedsTest() : before_(kernels().name) { select_kernels(table().name); }
  ~KernelSpeedsTest() override { select_kernels(before_); }

 private:
  std::string_view before_;
};
CRYPTOTL_FOR_ALL_KERNELS(KernelSpeedsTest);

TEST_P(KernelSpeedsTest, AreMeasuredWithinSaneFactorsOfTheReferenceInLittleTime) {
  const double start = processor_seconds();
  const KernelSpeeds found = measure_kernels();
  EXPECT_LT(processor_seconds() - start, kMostSeconds);
  const KernelSpeeds reference = KernelSpeeds::reference();
  for (const auto member : {&KernelSpeeds::transform, &KernelSpeeds::streamed_key, &KernelSpeeds::cached_key,
                            &KernelSpeeds::diagonal, &KernelSpeeds::pass, &KernelSpeeds::multiply_add,
                            &KernelSpeeds::wide_multiply_add, &KernelSpeeds::whole_multiply_add}) {
    EXPECT_TRUE(std::isfinite(found.*member));
    EXPECT_GT(found.*member, reference.*member / 20);
    EXPECT_LT(found.*member, reference.*member * kSlowdown);
  }
  // What comes from memory takes at least as long as what is in a cache; a fifth for a noisy machine.
  EXPECT_GT(found.streamed_key, 0.8 * found.cached_key);
}

TEST(KernelSpeeds, HaveAReferenceThatIsTheSameEverywhere) {
  const KernelSpeeds reference = KernelSpeeds::reference();
  EXPECT_EQ(reference.transform, 0.095);
  EXPECT_EQ(reference.streamed_key, 0.23);
  EXPECT_EQ(reference.cached_key, 0.12);
  EXPECT_EQ(reference.diagonal, 0.26);
  EXPECT_EQ(reference.pass, 0.08);
  EXPECT_EQ(reference.multiply_add, 0.026);
  EXPECT_EQ(reference.wide_multiply_add, 0.026);
  EXPECT_EQ(reference.whole_multiply_add, 0.026);
}

}  // namespace
}  // namespace cryptotl

#pragma once

#include <gtest/gtest.h>

#include <string>

#include "cryptotl/rns/kernels.h"

namespace cryptotl {

/// A test that runs once for every table that this machine has.
class KernelTest : public testing::TestWithParam<const KernelTable*> {
 protected:
  const KernelTable& table() const { return *GetParam(); }
  const KernelTable& scalar() const { return *available_kernels().front(); }
};

inline std::string kernel_test_name(const testing::TestParamInfo<const KernelTable*>& info) {
  return std::string(info.param->name);
}

}  // namespace cryptotl

#define CRYPTOTL_FOR_ALL_KERNELS(suite)                                                               \
  INSTANTIATE_TEST_SUITE_P(Kernels, suite,                                                            \
                           testing::ValuesIn(available_kernels().begin(), available_kernels().end()), \
                           kernel_test_name)

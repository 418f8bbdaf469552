#pragma once

namespace cryptotl {

/// What the processor has and the operating system saves.
struct ProcessorFeatures {
  bool avx2 = false;
  bool avx512 = false;  ///< F, DQ, BW and VL
  bool ifma = false;
  bool vnni = false;
};

/// None on other processors than x86-64.
ProcessorFeatures processor_features();

}  // namespace cryptotl

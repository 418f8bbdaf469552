#pragma once

namespace cryptotl {

/// What the processor has and the operating system saves.
struct ProcessorFeatures {
  bool avx2 = false;
  bool avx512 = false;  ///< F, DQ, BW and VL
  bool ifma = false;
  bool vnni = false;
  bool amx = false;  ///< tiles and their products of bytes, and leave of the system to use them
};

/// None on other processors than x86-64.
ProcessorFeatures processor_features();

}  // namespace cryptotl

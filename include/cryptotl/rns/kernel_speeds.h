#pragma once

namespace cryptotl {

/// What the kernels take on one thread of a machine, in nanoseconds. Streams are those that a pass reads from
/// memory once: switching keys and diagonals, tens of megabytes.
struct KernelSpeeds {
  double transform = 0;           ///< an NTT, a point and stage
  double streamed_key = 0;        ///< switch_key, a word of a key that comes from memory
  double cached_key = 0;          ///< the same where a key is used again and again
  double diagonal = 0;            ///< dot_pairs, a word of a diagonal that comes from memory
  double pass = 0;                ///< an elementwise kernel, a word
  double multiply_add = 0;        ///< matrix_kernel(), a product of a residue and an entry of at most 32,639
  double wide_multiply_add = 0;   ///< the same with entries up to kMatrixEntryBound
  double whole_multiply_add = 0;  ///< the same modulo a prime below kWholePrimeBound, of any entry

  /// What is taken where nothing was measured: one core of an Intel Emerald Rapids with AVX-512, so that
  /// plans that are made without a machine are the same everywhere.
  static KernelSpeeds reference();
};

/// Measures the current kernels() in about 60 ms and 64 MiB of memory: the quickest of a few runs of each.
KernelSpeeds measure_kernels();

/// measure_kernels() at the first call. Thread-safe.
const KernelSpeeds& machine_speeds();

}  // namespace cryptotl

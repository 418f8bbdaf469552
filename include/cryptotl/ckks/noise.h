#pragma once

#include <cstddef>

#include "cryptotl/ckks/params.h"

namespace cryptotl {

// Standard deviations of the noise that each operation adds, in the integers that a ciphertext holds (the
// scale not divided out), each noise taken as independent and centred. Per coefficient unless the name says
// slot. This is the average-case view of Costache, Curtis, Hales, Murphy, Ogilvie and Player, "On the
// precision loss in approximate homomorphic encryption" (eprint 2022/162), where Cheon, Kim, Kim and Song
// (2017) bound the worst case: a secret's coefficient has variance 2/3, a rounding's 1/12. Independent noises
// add as std::hypot.

/// The n of all functions here: N, and 2N in the conjugate-invariant ring, whose polynomials have 2N
/// coefficients in the ring around it.
size_t noise_dimension(size_t n, Ring ring);

/// Per real component of a slot, of noise with this deviation in each of N coefficients: sqrt(N/2) times as
/// much. A real slot of the conjugate-invariant ring, whose coefficients stand twice, has sqrt(2N) times as
/// much: the root of this n.
double slot_deviation(double coefficient_deviation, size_t n, Ring ring = Ring::cyclotomic);

/// Rounding a message's N coefficients to integers: sqrt(1/12).
double encoding_noise();

/// What encrypt() adds: the error itself.
double fresh_noise();

/// What encrypt_public() adds: the rounding of both parts, as rescale_noise(n). The sqrt(4N/3 + 1) errors of
/// e u + e_0 + e_1 s are divided by P, above 2^29, which leaves nothing that would show beside it.
double fresh_public_noise(size_t n);

/// What ZeroEncryption adds: sqrt(4N/3 + 1) errors.
double zero_noise(size_t n);

/// Rounding the degree + 1 parts of a ciphertext to integers, which ModDown, rescale and both at once do: the
/// sum of r_k s^k. In the slots s is near a complex Gaussian, so that s^k has k! (2N/3)^k as the squared
/// length of its coefficients (Biasioli, Marcolla, Calderini and Mono, eprint 2023/600, on such powers).
double rescale_noise(size_t n, size_t degree = 1);

/// What modulus_switch() adds, in units of its result: c_1 is rounded to one, c_0 to 2^dropped_bits of them.
double modulus_switch_noise(size_t n, size_t dropped_bits);

/// The sum over the digits of so many limbs, uniform modulo the products of their primes, times errors of the
/// key, over P: what a switched polynomial carries while it still stands in the extended basis.
double extended_key_switch_noise(const Params& params, size_t limbs);

/// What relinearise(), rotate() and conjugate() add at `limbs` limbs: the same and the rounding of ModDown.
double key_switch_noise(const Params& params, size_t limbs);

/// Per component of a slot, of a product of independent factors with noise of these slot deviations;
/// magnitude: root mean square of a slot's modulus times the scale. The noise of an encoded plaintext is
/// encoding_noise().
double product_slot_deviation(double magnitude_a, double deviation_a, double magnitude_b, double deviation_b);

/// As product_slot_deviation, for a factor times itself.
double square_slot_deviation(double magnitude, double deviation);

}  // namespace cryptotl

#include "cryptotl/ckks/key_recovery.h"

#include <algorithm>

#include "cryptotl/base/error.h"
#include "cryptotl/rns/kernels.h"

namespace cryptotl {
namespace {

void require_decryption(const Params& params, size_t integers) {
  if (integers == params.n()) return;
  throw Error(ErrorCode::invalid_argument, "a decryption of " + std::to_string(integers) +
                                               " coefficients; N is " + std::to_string(params.n()));
}

/// (m - c_0) / c_1 modulo prime i, in coefficient form; nothing where c_1 is not invertible.
std::optional<SecretBuffer<uint32_t>> quotient(const Ciphertext& ciphertext,
                                               std::span<const int64_t> decryption, size_t i) {
  const NttTables& tables = ciphertext.params->tables(i);
  const Modulus& q = tables.modulus;
  const uint32_t* const c0 = ciphertext.parts[0].limb(i);
  const uint32_t* const c1 = ciphertext.parts[1].limb(i);
  if (std::find(c1, c1 + tables.n, 0u) != c1 + tables.n) return std::nullopt;
  SecretBuffer<uint32_t> out(tables.n);
  for (size_t j = 0; j < tables.n; ++j) out[j] = q.reduce(decryption[j]);
  kernels().ntt_forward(out.data(), tables);
  for (size_t j = 0; j < tables.n; ++j) out[j] = q.multiply(q.subtract(out[j], c0[j]), q.inverse(c1[j]));
  kernels().ntt_inverse(out.data(), tables);
  return out;
}

/// A polynomial with coefficients modulo 4. A product has coefficients below 2N 9 in absolute value, far
/// below half a prime, so that one prime's NTT multiplies over the integers.
class SmallRing {
 public:
  explicit SmallRing(const Params& params) : tables_(params.tables(0)) {}

  using Element = SecretBuffer<uint32_t>;

  Element multiply(const Element& a, const Element& b) const {
    const Modulus& q = tables_.modulus;
    Element product = copy(a);
    Element factor = copy(b);
    kernels().ntt_forward(product.data(), tables_);
    kernels().ntt_forward(factor.data(), tables_);
    kernels().multiply(product.data(), product.data(), factor.data(), tables_.n, q);
    kernels().ntt_inverse(product.data(), tables_);
    for (uint32_t& value : product.span()) {
      // Centred, then modulo 4: a negative number is value - q.
      value = (value > q.value() / 2 ? value - q.value() : value) & 3;
    }
    return product;
  }

  /// a^-1 modulo 4, or nothing. Modulo 2 squaring moves coefficients only, and a^M = 1 for a unit and M a
  /// power of two from the ring's dimension on, so that the inverse is a^(M-1), the product of a^(2^i); one
  /// step of Newton's iteration lifts it.
  std::optional<Element> inverse(const Element& a) const {
    if (residue(a) == 0) return std::nullopt;
    Element power = copy(a);
    for (uint32_t& value : power.span()) value &= 1;
    Element result = copy(power);
    const size_t squarings = tables_.log_n + (tables_.ring == Ring::cyclotomic ? 0 : 1);
    for (size_t i = 1; i < squarings; ++i) {
      power = squared_modulo_2(power);
      result = multiply(result, power);
      for (uint32_t& value : result.span()) value &= 1;
    }
    Element correction = multiply(a, result);  // 2 - a b
    for (uint32_t& value : correction.span()) value = (4 - value) & 3;
    correction[0] = (correction[0] + 2) & 3;
    return multiply(result, correction);
  }

 private:
  static Element copy(const Element& a) {
    Element out(a.size());
    std::ranges::copy(a.span(), out.data());
    return out;
  }
  /// What a is modulo 2 and the maximal ideal, X - 1 (or all X^i + X^-i).
  uint32_t residue(const Element& a) const {
    if (tables_.ring == Ring::conjugate_invariant) return a[0] & 1;
    uint32_t sum = 0;
    for (const uint32_t value : a.span()) sum += value;
    return sum & 1;
  }
  Element squared_modulo_2(const Element& a) const {
    const size_t n = tables_.n;
    Element out(n);
    for (size_t j = 0; j < n; ++j) {
      size_t to = 2 * j;
      if (tables_.ring == Ring::cyclotomic) {
        to %= n;
      } else {
        if (to == n) continue;  // X^N + X^-N = 0
        if (to > n) to = 2 * n - to;
      }
      out[to] ^= a[j];
    }
    return out;
  }

  const NttTables& tables_;
};

SecretBuffer<uint32_t> lowest_bits(std::span<const uint64_t> values) {
  SecretBuffer<uint32_t> out(values.size());
  for (size_t j = 0; j < values.size(); ++j) out[j] = static_cast<uint32_t>(values[j] & 3);
  return out;
}

}  // namespace

std::optional<SecretBuffer<int8_t>> recover_secret(const Ciphertext& ciphertext,
                                                   std::span<const int64_t> decryption) {
  const Params& params = *ciphertext.params;
  require_decryption(params, decryption.size());
  if (ciphertext.parts.size() != 2)
    throw Error(ErrorCode::invalid_argument, "recover_secret: a ciphertext of two parts is right");
  std::optional<SecretBuffer<uint32_t>> found;
  size_t prime = 0;
  for (; prime < ciphertext.num_limbs() && !found; ++prime) found = quotient(ciphertext, decryption, prime);
  if (!found) return std::nullopt;
  const uint32_t q = params.modulus(prime - 1).value();
  SecretBuffer<int8_t> secret(params.n());
  for (size_t j = 0; j < params.n(); ++j) {
    const uint32_t value = (*found)[j];
    if (value > 1 && value != q - 1) return std::nullopt;
    secret[j] = static_cast<int8_t>(value > 1 ? -1 : static_cast<int>(value));
  }
  return secret;
}

std::optional<SecretBuffer<int8_t>> recover_secret(const SwitchedCiphertext& answer,
                                                   std::span<const int64_t> decryption) {
  const Params& params = *answer.params;
  require_decryption(params, decryption.size());
  const SmallRing ring(params);
  const auto inverse = ring.inverse(lowest_bits(answer.c1));
  if (!inverse) return std::nullopt;
  SecretBuffer<uint32_t> difference(params.n());
  for (size_t j = 0; j < params.n(); ++j) {
    const uint64_t c0 = answer.c0[j] << answer.dropped_bits;
    difference[j] = static_cast<uint32_t>((static_cast<uint64_t>(decryption[j]) - c0) & 3);
  }
  const SecretBuffer<uint32_t> found = ring.multiply(difference, *inverse);
  SecretBuffer<int8_t> secret(params.n());
  for (size_t j = 0; j < params.n(); ++j) {
    if (found[j] == 2) return std::nullopt;
    secret[j] = static_cast<int8_t>(found[j] == 3 ? -1 : static_cast<int>(found[j]));
  }
  return secret;
}

}  // namespace cryptotl

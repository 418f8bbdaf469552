#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "cryptotl/base/digest.h"
#include "cryptotl/base/error.h"
#include "cryptotl/rns/ntt.h"

namespace cryptotl {

/// A wish for parameters, as it comes from a plan or from outside; nothing in it is checked yet.
struct ParamsSpec {
  size_t log_n = 0;
  /// The ciphertext primes q_0, q_1, ...: the base primes first, then one a level.
  std::vector<uint32_t> primes;
  /// The primes that only evaluation keys have, 1 to 4; P is their product. A digit of key switching holds as
  /// many ciphertext primes.
  std::vector<uint32_t> special_primes;
  /// How many of `primes` are the base, under which the last answer is decrypted.
  size_t base_limbs = 2;
  Ring ring = Ring::cyclotomic;

  bool operator==(const ParamsSpec&) const = default;
};

/// Parameters of RNS-CKKS over a ring of N dimensions that cannot be wrong: checked once, immutable, shared
/// by everything that is made under them. Uniform ternary secret, errors of standard deviation 3.24 (centred
/// binomial, eta = 21). Level l has base_limbs + l limbs. Limb i belongs to prime i; an extended polynomial
/// has the limbs of the special primes, modulo whose product P it is, too, behind all others. Decomposition
/// digit d holds the primes from d num_special() on, num_special() of them or what is left (hybrid key
/// switching: Han and Ki, eprint 2019/688).
class Params {
 public:
  /// insecure_parameters where log2(Q P) exceeds the bound of the 2024 guideline for N (compared exactly), or
  /// where the guideline has no row for N; invalid_argument where a prime is out of [2^25, 2^30), composite,
  /// repeated, of other bits than the rest or not 1 modulo 2N (4N in the conjugate-invariant ring), or where
  /// the base is empty or larger than the chain. RLWE in the conjugate-invariant ring of N dimensions is held
  /// to the same bound as in the cyclotomic one: its best known attacks are those on LWE with N secret
  /// coefficients (Kim and Song, eprint 2018/952, section 3; so does Lattigo).
  static Result<std::shared_ptr<const Params>> create(const ParamsSpec& spec);

  const ParamsSpec& spec() const { return spec_; }
  size_t n() const { return size_t{1} << spec_.log_n; }
  size_t log_n() const { return spec_.log_n; }
  Ring ring() const { return spec_.ring; }
  /// Complex numbers, or real ones in the conjugate-invariant ring.
  size_t slots() const { return spec_.ring == Ring::cyclotomic ? n() / 2 : n(); }
  size_t num_primes() const { return spec_.primes.size(); }
  size_t num_special() const { return spec_.special_primes.size(); }
  /// Of each prime.
  size_t prime_bits() const { return static_cast<size_t>(std::bit_width(spec_.primes.front())); }
  size_t top_level() const { return num_primes() - spec_.base_limbs; }
  /// Decomposition digits of a polynomial of so many limbs.
  size_t digits(size_t limbs) const { return (limbs + num_special() - 1) / num_special(); }

  /// The tables of prime i; the special primes stand behind the others.
  const NttTables& tables(size_t i) const { return *tables_[i]; }
  const Modulus& modulus(size_t i) const { return tables_[i]->modulus; }
  /// Limb i of an extended polynomial over `limbs` primes belongs to this row of tables().
  size_t extended_index(size_t i, size_t limbs) const { return i < limbs ? i : num_primes() + i - limbs; }

  /// The inverse of prime j modulo prime i.
  uint32_t inverse_of(size_t j, size_t i) const { return inverses_[j * tables_.size() + i]; }
  /// P modulo prime i.
  uint32_t special_product(size_t i) const { return special_products_[i]; }

  /// log2 of Q P, for people to read; the check is exact and does not use it.
  double log_qp() const;
  /// The guideline's bound on log2(Q P) for this N; 0 for the parameters of tests.
  int log_qp_bound() const;
  int security_bits() const { return 128; }

  /// BLAKE2b of the specification: what every key, ciphertext and plan carries.
  const Digest& id() const { return id_; }

 private:
  friend struct InsecureParamsForTest;
  explicit Params(const ParamsSpec& spec);
  static Status check_shape(const ParamsSpec& spec);
  static Status check_security(const ParamsSpec& spec);

  ParamsSpec spec_;
  std::vector<std::unique_ptr<const NttTables>> tables_;
  std::vector<uint32_t> inverses_;
  std::vector<uint32_t> special_products_;
  Digest id_;
};

using ParamsPtr = std::shared_ptr<const Params>;

/// The largest log2(Q P) at 128 bits of classical security for a uniform ternary secret and sigma 3.2:
/// Bossuat et al., "Security Guidelines for Implementing Homomorphic Encryption", eprint 2024/463, Table 5.2
/// (read 2026). 0 where the table has no row.
int guideline_log_qp(size_t log_n);

/// Throws parameter_mismatch, naming both digests, where the two differ.
void require_same_params(const Params& a, const Params& b);

}  // namespace cryptotl

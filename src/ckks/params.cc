#include "cryptotl/ckks/params.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <string>

#include "cryptotl/base/random.h"

namespace cryptotl {
namespace {

constexpr size_t kMaxSpecialPrimes = 4;

std::vector<uint32_t> all_primes(const ParamsSpec& spec) {
  std::vector<uint32_t> all = spec.primes;
  all.insert(all.end(), spec.special_primes.begin(), spec.special_primes.end());
  return all;
}

/// Number of bits of the product of all primes, exactly.
size_t product_bits(const ParamsSpec& spec) {
  std::vector<uint32_t> product = {1};
  for (const uint32_t factor : all_primes(spec)) {
    uint64_t carry = 0;
    for (uint32_t& word : product) {
      carry += static_cast<uint64_t>(word) * factor;
      word = static_cast<uint32_t>(carry);
      carry >>= 32;
    }
    if (carry != 0) product.push_back(static_cast<uint32_t>(carry));
  }
  return 32 * (product.size() - 1) + static_cast<size_t>(std::bit_width(product.back()));
}

Digest spec_digest(const ParamsSpec& spec) {
  Label label("params");
  label.add(spec.log_n).add(spec.base_limbs).add(spec.special_primes.size()).add(spec.primes.size());
  for (const uint32_t prime : all_primes(spec)) label.add(prime);
  if (spec.ring == Ring::conjugate_invariant) label.add(as_bytes("conjugate-invariant"));
  return digest(label.view());
}

}  // namespace

int guideline_log_qp(size_t log_n) {
  switch (log_n) {
    case 10:
      return 26;
    case 11:
      return 53;
    case 12:
      return 106;
    case 13:
      return 214;
    case 14:
      return 430;
    case 15:
      return 868;
    case 16:
      return 1747;
    default:
      return 0;
  }
}

Status Params::check_shape(const ParamsSpec& spec) {
  const auto refuse = [](const std::string& why) {
    return Error(ErrorCode::invalid_argument, "parameters: " + why);
  };
  if (spec.log_n < 4 || spec.log_n > 16)
    return refuse("log2 N is " + std::to_string(spec.log_n) + "; 10 to 16 are known");
  if (spec.primes.empty() || spec.primes.size() > 64) return refuse("1 to 64 ciphertext primes are needed");
  if (spec.base_limbs == 0 || spec.base_limbs > spec.primes.size()) {
    return refuse("the base takes " + std::to_string(spec.base_limbs) + " of " +
                  std::to_string(spec.primes.size()) + " primes");
  }
  if (spec.special_primes.empty() || spec.special_primes.size() > kMaxSpecialPrimes) {
    return refuse(std::to_string(spec.special_primes.size()) + " special primes; 1 to " +
                  std::to_string(kMaxSpecialPrimes) + " are known");
  }
  std::vector<uint32_t> all = all_primes(spec);
  for (const uint32_t prime : all) {
    if (prime < (1u << 25) || prime >= (1u << 30) || !is_prime(prime))
      return refuse(std::to_string(prime) + " is not a prime between 2^25 and 2^30");
    if (std::bit_width(prime) != std::bit_width(all.front()))
      return refuse("primes of different numbers of bits");
    const bool cyclotomic = spec.ring == Ring::cyclotomic;
    if ((prime - 1) % ((cyclotomic ? uint32_t{2} : uint32_t{4}) << spec.log_n) != 0)
      return refuse(std::to_string(prime) + " is not 1 modulo " + (cyclotomic ? "2N" : "4N"));
  }
  std::ranges::sort(all);
  if (std::ranges::adjacent_find(all) != all.end()) return refuse("a prime stands twice");
  return {};
}

Status Params::check_security(const ParamsSpec& spec) {
  const int bound = guideline_log_qp(spec.log_n);
  const size_t bits = product_bits(spec);  // Q P < 2^bits, and Q P is no power of two
  if (bound == 0 || bits > static_cast<size_t>(bound)) {
    return Error(ErrorCode::insecure_parameters,
                 "parameters: log2(QP) is " + std::to_string(bits) +
                     " bits at N = " + std::to_string(size_t{1} << spec.log_n) +
                     "; 128-bit security allows " + std::to_string(bound));
  }
  return {};
}

Result<std::shared_ptr<const Params>> Params::create(const ParamsSpec& spec) {
  CRYPTOTL_TRY(check_shape(spec));
  CRYPTOTL_TRY(check_security(spec));
  return std::shared_ptr<const Params>(new Params(spec));
}

Params::Params(const ParamsSpec& spec) : spec_(spec), id_(spec_digest(spec)) {
  for (const uint32_t prime : all_primes(spec)) {
    tables_.push_back(std::make_unique<const NttTables>(Modulus(prime), spec.log_n, spec.ring));
  }
  const size_t count = tables_.size();
  inverses_.assign(count * count, 0);
  for (size_t j = 0; j < count; ++j) {
    for (size_t i = 0; i < count; ++i) {
      const Modulus& q = tables_[i]->modulus;
      if (i != j) inverses_[j * count + i] = q.inverse(tables_[j]->modulus.value() % q.value());
    }
  }
  for (const auto& tables : tables_) {
    const Modulus& q = tables->modulus;
    uint32_t& product = special_products_.emplace_back(1);
    for (const uint32_t special : spec.special_primes) product = q.multiply(product, special % q.value());
  }
}

double Params::log_qp() const {
  double sum = 0;
  for (const auto& table : tables_) sum += std::log2(table->modulus.value());
  return sum;
}

int Params::log_qp_bound() const { return guideline_log_qp(spec_.log_n); }

void require_same_params(const Params& a, const Params& b) {
  if (a.id() == b.id()) return;
  throw Error(ErrorCode::parameter_mismatch,
              "made under parameters " + hex(a.id()).substr(0, 16) + ", not " + hex(b.id()).substr(0, 16));
}

}  // namespace cryptotl

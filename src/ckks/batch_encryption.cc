#include "cryptotl/ckks/batch_encryption.h"

#include <algorithm>
#include <cmath>

#include "ckks/small_polynomial.h"
#include "cryptotl/ckks/sampling.h"
#include "cryptotl/rns/kernels.h"

namespace cryptotl {
namespace {

const ParamsPtr& require_real(const ParamsPtr& params) {
  if (params->ring() == Ring::conjugate_invariant) return params;
  throw Error(ErrorCode::invalid_argument, "a key for batches outside the conjugate-invariant ring");
}

SecretKey bounded_secret(const ParamsPtr& params) {
  const RealEncoder encoder(params->log_n());
  const double bound = kSecretSlotBound * std::sqrt(4.0 / 3 * static_cast<double>(params->n()));
  while (true) {
    SecretKey secret = SecretKey::generate(params);
    if (encoder.largest_slot(secret.coefficients()) <= bound) return secret;
  }
}

}  // namespace

BatchKey::BatchKey(const ParamsPtr& params, const Digest& seed)
    : secret_(bounded_secret(require_real(params))), seed_(seed) {}

EncryptedBatch BatchKey::encrypt(Matrix samples, double scale, size_t limbs, size_t block) {
  const RealEncoder encoder(secret_.params()->log_n());
  if (samples.cols == 0 || samples.cols > encoder.slots()) {
    throw Error(ErrorCode::invalid_argument, "a batch of " + std::to_string(samples.cols / block) +
                                                 " samples; 1 to " + std::to_string(encoder.slots() / block) +
                                                 " are right");
  }
  CRYPTOTL_ASSERT(samples.cols % block == 0 && encoder.slots() % block == 0);
  return {*this, encoder, next_++, std::move(samples), scale, limbs, block};
}

EncryptedBatch::EncryptedBatch(const BatchKey& key, const RealEncoder& encoder, uint64_t number,
                               Matrix samples, double scale, size_t limbs, size_t block)
    : key_(&key),
      encoder_(encoder),
      number_(number),
      samples_(std::move(samples)),
      scale_(scale),
      limbs_(limbs),
      error_(1) {
  random_bytes(error_[0]);
  std::vector<size_t> drawn((encoder_.slots() - samples_.cols) / block);
  random_bytes({reinterpret_cast<uint8_t*>(drawn.data()), drawn.size() * sizeof(size_t)});
  for (const size_t random : drawn) {
    const size_t first = random % (samples_.cols / block) * block;
    for (size_t slot = 0; slot < block; ++slot) repeated_.push_back(first + slot);
  }
}

RnsPolynomial EncryptedBatch::row(size_t row) const {
  const Params& params = *key_->secret().params();
  const size_t n = params.n();
  Xof stream(error_[0], Label("batch errors").add(row).view());
  SecretBuffer<double> slots(n);
  std::ranges::copy(samples_.row(row), slots.data());
  for (size_t i = 0; i < repeated_.size(); ++i) slots[samples_.cols + i] = samples_(row, repeated_[i]);
  const std::vector<int64_t> message = encoder_.encode(slots.span(), scale_);
  SecretBuffer<int8_t> error(n);
  sample_error_from(stream, error.span());
  RnsPolynomial out(n, limbs_);
  for (size_t limb = 0; limb < limbs_; ++limb) {
    const NttTables& tables = params.tables(limb);
    const Modulus& q = tables.modulus;
    uint32_t* const c0 = out.limb(limb);
    expand_batch_row(params, place(row), limb, {c0, n});
    kernels().ntt_forward(c0, tables);
    kernels().multiply(c0, c0, key_->secret().ntt(limb).data(), n, q);
    kernels().ntt_inverse(c0, tables);
    for (size_t j = 0; j < n; ++j) c0[j] = q.subtract(q.reduce(message[j] + error[j]), c0[j]);
  }
  return out;
}

}  // namespace cryptotl

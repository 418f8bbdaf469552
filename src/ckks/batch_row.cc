// The public half of batches, apart from the secret one: a server's program links this and no key.
#include "cryptotl/ckks/batch_encryption.h"
#include "cryptotl/ckks/sampling.h"

namespace cryptotl {

Digest batch_seed(const Digest& model, uint64_t epoch) {
  return digest(Label("batch seed").add(model).add(epoch).view());
}

void expand_batch_row(const Params& params, const BatchRow& row, size_t limb, std::span<uint32_t> out) {
  Label label("batch row");
  label.add(params.id()).add(row.number).add(row.row).add(limb);
  Xof stream(row.seed, label.view());
  sample_uniform(stream, params.modulus(limb), out);
}

}  // namespace cryptotl

#include "cryptotl/network/npz.h"

#include "network/npz_file.h"

namespace {

using namespace cryptotl;

/// What an input stands for: after a first byte of 0 an archive as it is; else the bytes of the array w1 in a
/// sound archive, so that what unpacks to nonsense is reached in spite of the checksums.
Bytes archive_of(ByteView input) {
  const ByteView rest = input.subspan(1);
  if (input[0] == 0) return {rest.begin(), rest.end()};
  return samples::zip_of({{"w1.npy", {rest.begin(), rest.end()}},
                          {"b1.npy", samples::npy_of({1, 2})},
                          {"w2.npy", samples::npy_of("(1, 2)", {3, 4})},
                          {"b2.npy", samples::npy_of({5})}},
                         false);
}

}  // namespace

// Reads or refuses in one line; what was read is a sound network whose parts fit together.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const auto weights = read_npz(archive_of({data, size}), "w.npz");
  if (!weights.ok()) {
    CRYPTOTL_ASSERT(std::string_view(weights.error().what()).find('\n') == std::string_view::npos);
    CRYPTOTL_ASSERT(weights.error().code() != ErrorCode::internal);
    return 0;
  }
  const size_t features = output_width(weights->lower).value();
  CRYPTOTL_ASSERT(!weights->output_layer || weights->output_layer->weight.cols == features);
  CRYPTOTL_ASSERT(!weights->scaler || weights->scaler->width() == weights->lower.input_width);
  return 0;
}

// Runs a fuzz target on every file of a corpus, and on truncations and mutations of each that are the same
// every time.

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <random>
#include <vector>

#include "cryptotl/base/file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

using cryptotl::Bytes;

constexpr size_t kMutations = 500;

void mutate(Bytes& bytes, std::mt19937_64& generator) {
  for (size_t changes = 1 + generator() % 4; changes > 0 && !bytes.empty(); --changes) {
    // Fields stand at the front: half of the changes go there.
    const size_t range = generator() % 2 == 0 ? std::min<size_t>(bytes.size(), 64) : bytes.size();
    const size_t place = generator() % range;
    switch (generator() % 4) {
      case 0:
        bytes[place] = static_cast<uint8_t>(generator());
        break;
      case 1:
        bytes[place] = static_cast<uint8_t>(bytes[place] ^ 1u << generator() % 8);
        break;
      case 2:
        bytes.resize(place);
        break;
      default:
        bytes.insert(bytes.begin() + static_cast<std::ptrdiff_t>(place), static_cast<uint8_t>(generator()));
    }
  }
}

size_t replay(const Bytes& good, std::mt19937_64& generator) {
  size_t runs = 0;
  const auto run = [&](const Bytes& bytes) {
    LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
    ++runs;
  };
  run(good);
  for (size_t size = 0; size < good.size(); size += size < 128 ? 1 : 61) {
    const Bytes truncated(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size));
    run(truncated);
  }
  for (size_t i = 0; i < kMutations; ++i) {
    Bytes bytes = good;
    mutate(bytes, generator);
    run(bytes);
  }
  return runs;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: FUZZ_TARGET CORPUS_FOLDER\n", stderr);
    return 2;
  }
  std::mt19937_64 generator(1);
  size_t runs = 0;
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(argv[1])) files.push_back(entry.path());
  std::ranges::sort(files);
  for (const auto& file : files) runs += replay(cryptotl::read_file(file).value(), generator);
  std::printf("%zu inputs\n", runs);
  return runs == 0 ? 1 : 0;
}

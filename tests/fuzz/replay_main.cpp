// Runs a fuzz target without libFuzzer: every seed of a folder, and mutations of each that are the
// same on every machine.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <vector>

#include "base/file.h"
#include "base/rng.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

using lode::Bytes;

constexpr int kMutationsPerSeed = 400;
constexpr std::size_t kMaxSeedBytes = 64U << 10;

void flip_bit(Bytes& bytes, lode::Rng& rng) {
  bytes[rng.below(bytes.size())] ^= static_cast<std::uint8_t>(1U << rng.below(8));
}

/// Bytes that decoders tend to get wrong: ends of integer ranges.
void set_extreme(Bytes& bytes, lode::Rng& rng) {
  constexpr std::uint8_t kExtremes[] = {0x00, 0x01, 0x7f, 0x80, 0xff};
  const std::size_t at = rng.below(bytes.size());
  const std::size_t count = std::min<std::size_t>(1 + rng.below(4), bytes.size() - at);
  std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(at), count, kExtremes[rng.below(5)]);
}

void cut(Bytes& bytes, lode::Rng& rng) { bytes.resize(rng.below(bytes.size() + 1)); }

/// Copies a run of bytes over or between others.
void splice(Bytes& bytes, lode::Rng& rng) {
  const std::size_t from = rng.below(bytes.size());
  const std::size_t count = std::min<std::size_t>(1 + rng.below(32), bytes.size() - from);
  const Bytes run(bytes.begin() + static_cast<std::ptrdiff_t>(from),
                  bytes.begin() + static_cast<std::ptrdiff_t>(from + count));
  const auto at = static_cast<std::ptrdiff_t>(rng.below(bytes.size()));
  bytes.insert(bytes.begin() + at, run.begin(), run.end());
}

Bytes mutate(Bytes bytes, lode::Rng& rng) {
  void (*const kSteps[])(Bytes&, lode::Rng&) = {flip_bit, flip_bit, set_extreme, splice, cut};
  const std::uint64_t steps = 1 + rng.below(4);
  for (std::uint64_t i = 0; i < steps && !bytes.empty(); ++i) {
    kSteps[rng.below(std::size(kSteps))](bytes, rng);
  }
  return bytes;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s CORPUS_FOLDER\n", argv[0]);
    return 2;
  }
  std::vector<std::filesystem::path> seeds;
  for (const auto& entry : std::filesystem::directory_iterator(argv[1])) {
    seeds.push_back(entry.path());
  }
  std::sort(seeds.begin(), seeds.end());
  if (seeds.empty()) {
    std::fprintf(stderr, "%s holds no seeds\n", argv[1]);
    return 1;
  }
  LLVMFuzzerTestOneInput(nullptr, 0);
  for (const auto& path : seeds) {
    const auto seed = lode::read_file(path, kMaxSeedBytes);
    if (!seed) {
      std::fprintf(stderr, "%s\n", seed.error().message().c_str());
      return 1;
    }
    LLVMFuzzerTestOneInput(seed->data(), seed->size());
    lode::Rng rng = lode::Rng(1).fork(path.filename().string());
    for (int i = 0; i < kMutationsPerSeed; ++i) {
      const Bytes mutated = mutate(*seed, rng);
      LLVMFuzzerTestOneInput(mutated.data(), mutated.size());
    }
  }
  std::printf("%zu seeds, %d mutations of each\n", seeds.size(), kMutationsPerSeed);
  return 0;
}

// Any bytes as an SPZ, as a body inside a good container of each kind, and what is decoded packed
// again in every form; or a patch on a large file.
#include <algorithm>

#include "base/assert.h"
#include "splat/checks.h"
#include "splat/spz.h"
#include "splat/spz_internal.h"
#include "tests/support/clouds.h"

namespace {

void decode_and_repack(lode::ByteView file) {
  const auto cloud = lode::splat::decode_spz(file);
  if (!cloud) {
    LODE_ASSERT(!cloud.error().context.empty(), "an error says what is wrong");
    return;
  }
  (void)lode::splat::check(lode::splat::activate(*cloud));
  using lode::splat::SpzContainer;
  for (const auto container : {SpzContainer::zstd, SpzContainer::gzip_v3, SpzContainer::v4}) {
    const auto packed = lode::splat::encode_spz(*cloud, {.container = container, .level = 1});
    LODE_ASSERT(packed, "what was decoded can be packed");
    const auto again = lode::splat::decode_spz(*packed);
    LODE_ASSERT(again && again->size() == cloud->size() && again->f_dc == cloud->f_dc,
                "packing is exact on what was decoded");
  }
}

/// A version 4 file of good streams: `data` is its header and their contents one after the other,
/// each as long as the header asks for while there are bytes left.
lode::Bytes in_streams(lode::ByteView data) {
  constexpr std::size_t kHeaderBytes = 32, kStreams = 6;
  constexpr std::size_t kWidths[kStreams] = {9, 1, 3, 3, 4, 45};
  std::uint32_t count = 0;
  std::memcpy(&count, &data[8], sizeof(count));
  lode::ByteWriter table, streams;
  lode::ByteView left = data.subspan(kHeaderBytes);
  for (std::size_t i = 0; i < std::min<std::size_t>(data[15], kStreams); ++i) {
    const auto content = left.first(std::min(left.size(), count * kWidths[i]));
    const auto stream = lode::splat::compress_spz(content, lode::splat::SpzContainer::zstd, 1);
    table.write<std::uint64_t>(stream->size());
    table.write<std::uint64_t>(content.size());
    streams.write_bytes(*stream);
    left = left.subspan(content.size());
  }
  lode::ByteWriter file;
  file.write_bytes(data.first(kHeaderBytes));
  file.write_bytes(table.bytes());
  file.write_bytes(streams.bytes());
  return file.take();
}

/// A file large enough for its decoder to take a second thread.
const lode::Bytes& large_file() {
  static const lode::Bytes file = [] {
    lode::Rng rng(1);
    return *lode::splat::encode_spz(lode::test::random_cloud(rng, 15'000));
  }();
  return file;
}

/// Decodes a large file with `patch` laid over it at `at`.
void decode_damaged(std::uint32_t at, lode::ByteView patch) {
  lode::Bytes file = large_file();
  for (std::size_t i = 0; i < patch.size(); ++i) {
    file[(at + i) % file.size()] = patch[i];
  }
  const auto cloud = lode::splat::decode_spz(file);
  LODE_ASSERT(cloud ? cloud->rotations.size() == cloud->size() : !cloud.error().context.empty(),
              "a whole cloud or an error that says what is wrong");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::uint8_t kPatch = 0xff;  // then where, then with what
  if (size > 5 && data[0] == kPatch) {
    std::uint32_t at = 0;
    std::memcpy(&at, data + 1, sizeof(at));
    decode_damaged(at, {data + 5, size - 5});
    return 0;
  }
  decode_and_repack({data, size});
  const auto contained =
      lode::splat::compress_spz({data, size}, lode::splat::SpzContainer::zstd, 1);
  LODE_ASSERT(contained, "any body can be compressed");
  decode_and_repack(*contained);
  if (size > 32 && data[4] == 4) {
    decode_and_repack(in_streams({data, size}));
  } else if (size > 16 && data[4] == 3) {
    decode_and_repack(*lode::splat::compress_spz({data, size}, lode::splat::SpzContainer::gzip, 1));
  }
  return 0;
}

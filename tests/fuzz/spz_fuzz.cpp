// Any bytes as an SPZ, as a body inside a good container, and what is decoded packed again.
#include "base/assert.h"
#include "splat/checks.h"
#include "splat/spz.h"
#include "splat/spz_internal.h"

namespace {

void decode_and_repack(lode::ByteView file) {
  const auto cloud = lode::splat::decode_spz(file);
  if (!cloud) {
    LODE_ASSERT(!cloud.error().context.empty(), "an error says what is wrong");
    return;
  }
  (void)lode::splat::check(lode::splat::activate(*cloud));
  const auto packed = lode::splat::encode_spz(*cloud);
  LODE_ASSERT(packed, "what was decoded can be packed");
  const auto again = lode::splat::decode_spz(*packed);
  LODE_ASSERT(again && again->size() == cloud->size() && again->f_dc == cloud->f_dc,
              "packing is exact on what was decoded");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  decode_and_repack({data, size});
  const auto contained =
      lode::splat::compress_spz({data, size}, lode::splat::SpzContainer::zstd, 1);
  LODE_ASSERT(contained, "any body can be compressed");
  decode_and_repack(*contained);
  return 0;
}

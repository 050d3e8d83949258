// Any bytes as a PLY: refused, or a cloud that is written and read back as it is.
#include "base/assert.h"
#include "splat/ply.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto cloud = lode::splat::decode_ply({data, size});
  if (!cloud) {
    LODE_ASSERT(!cloud.error().context.empty(), "an error says what is wrong");
    return 0;
  }
  const auto again = lode::splat::decode_ply(lode::splat::encode_ply(*cloud));
  LODE_ASSERT(again && again->positions == cloud->positions && again->sh_rest == cloud->sh_rest &&
                  again->rotations == cloud->rotations,
              "a cloud survives a round trip");
  return 0;
}

// Any bytes as a hotkey file: a key with a proper address, or a refusal.
#include <cstdint>

#include "base/assert.h"
#include "chain/keyfile.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace lode;
  const auto keypair = chain::parse_hotkey(as_text({data, size}));
  if (keypair) {
    const auto key = chain::ss58_decode(keypair->ss58());
    LODE_ASSERT(key && *key == keypair->public_key(), "an address decodes to its key");
  }
  return 0;
}

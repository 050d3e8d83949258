// Any bytes as an encrypted hotkey file, the password known and the work at its least.
#include <cstdint>

#include "base/assert.h"
#include "chain/keyfile.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace lode;
  const ByteView content(data, size);
  const auto plain = chain::decrypt_key_file(content, "password", {3, 8192});
  if (plain) {
    LODE_ASSERT(chain::is_encrypted(content), "what opens was seen to be encrypted");
    if (const auto keypair = chain::parse_hotkey(plain->text())) {
      LODE_ASSERT(chain::ss58_decode(keypair->ss58()), "an address decodes");
    }
  }
  return 0;
}

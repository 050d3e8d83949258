// Any bytes as a phrase or seed with a path and a password: a key that its file keeps, or a
// refusal.
#include <cstdint>

#include "base/assert.h"
#include "chain/derivation.h"
#include "chain/mnemonic.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace lode;
  const std::string_view text = as_text({data, size});
  if (const auto entropy = chain::phrase_to_entropy(text)) {
    const auto again = chain::phrase_to_entropy(chain::entropy_to_phrase(entropy->view()).text());
    LODE_ASSERT(again && again->text() == entropy->text(), "entropy has one phrase");
  }
  if (const auto key = chain::key_from_secret_uri(text); key && !key->mini_secret.empty()) {
    const auto again = chain::Keypair::from_mini_secret(key->mini_secret.view());
    LODE_ASSERT(again && again->ss58() == key->keypair.ss58(), "the kept seed is the key's");
  }
  return 0;
}

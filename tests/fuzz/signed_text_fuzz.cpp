// Any bytes before a signer: what passes ends as a text of its own hotkey does.
#include <cstdint>

#include "base/assert.h"
#include "base/bytes.h"
#include "subnet/signed_text.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace lode;
  constexpr std::string_view kAlice = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";
  const std::string_view text = as_text({data, size});
  const Time now{Duration(1757400000123456789)};
  if (subnet::check_signed_text(text, kAlice, now)) {
    LODE_ASSERT(text.find(kAlice) != std::string_view::npos, "a signed text names its hotkey");
    LODE_ASSERT(text.find("17573") != std::string_view::npos ||
                    text.find("17574") != std::string_view::npos,
                "a signed text has a time near now");
  }
  return 0;
}

// The JSON of wallet files, read without a copy of any secret outside guarded memory.
#pragma once

#include <array>
#include <optional>
#include <string_view>

#include "chain/secret_bytes.h"

namespace lode::chain {

/// The fields that btwallet writes; absent and null are alike. The texts lie in the SecretBytes
/// that parse_key_fields() was given.
struct KeyFields {
  std::optional<std::string_view> account_id, public_key, private_key, secret_phrase, secret_seed,
      ss58_address;
};

/// Reads one flat JSON object whose values are strings or null, as btwallet reads its files, by
/// rewriting `text` in place: escapes only ever shrink. Unknown fields are passed over. Errors give
/// a position or the name of a known field, never content.
Result<KeyFields> parse_key_fields(SecretBytes& text);

}  // namespace lode::chain

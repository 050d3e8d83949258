// The end of every encoding: cut, closed and padded.
#pragma once

#include <cstdint>

#include "tokenize/tokens.h"

namespace lode::tokenize {

/// Cuts `tokens.ids` to leave room for the end token, appends it, and pads to `max_length` (at
/// least 1). `is_cut`: whether text was left unread before.
void finish(Tokens& tokens, std::size_t max_length, std::int64_t end_id, std::int64_t pad_id,
            bool is_cut);

}  // namespace lode::tokenize

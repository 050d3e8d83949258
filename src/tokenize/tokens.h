// What a tokenizer makes of a prompt.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace lode::tokenize {

/// Longest prompt that is read, in bytes: hundreds of times what the networks' 77 to 512 tokens
/// hold. Text after it is ignored, and the result says `truncated`.
inline constexpr std::size_t kMaxPromptBytes = 64U << 10;

/// A prompt as ids, padded to the length that was asked for.
struct Tokens {
  std::vector<std::int64_t> ids;  ///< [max_length], specials and padding included
  std::size_t content = 0;        ///< ids before the padding, specials included
  bool truncated = false;         ///< some of the prompt did not fit
  std::size_t dropped = 0;        ///< tokens that did not fit
};

}  // namespace lode::tokenize

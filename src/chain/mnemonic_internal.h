// The word list of BIP39.
#pragma once

#include <string_view>

namespace lode::chain {

/// All 2048 words in order, each followed by one space.
extern const std::string_view kEnglishWords;

}  // namespace lode::chain

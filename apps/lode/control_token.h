// The secret by which a running miner knows its operator.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.h"

namespace lode::commands {

/// `<journal>.token`
std::filesystem::path control_token_path(const std::filesystem::path& journal);

/// A new random token, written there with mode 0600 in place of an older one.
Result<std::string> make_control_token(const std::filesystem::path& journal);

/// The token of the miner that uses this journal.
Result<std::string> read_control_token(const std::filesystem::path& journal);

/// Takes the same time for every guess of the right length.
bool is_same_token(std::string_view given, std::string_view expected);

}  // namespace lode::commands

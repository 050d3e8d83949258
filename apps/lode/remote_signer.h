// A hotkey that another process holds: the client of lode signer.
#pragma once

#include <filesystem>
#include <memory>

#include "chain/signer.h"

namespace lode::commands {

/// Connects to a lode signer that runs as this user or root. Errc::peer_failure where there is
/// none. Its sign_message() blocks for microseconds, five seconds at most, connects once more when
/// the signer was started anew, checks what it gets, and throws std::runtime_error on refusal or
/// failure.
Result<std::unique_ptr<chain::Signer>> connect_signer(const std::filesystem::path& socket);

}  // namespace lode::commands

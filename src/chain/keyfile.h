// Plain hotkey files as btwallet writes them.
#pragma once

#include <filesystem>

#include "chain/keypair.h"

namespace lode::chain {

/// Reads a plain JSON hotkey file: secretSeed, or else privateKey; a publicKey or ss58Address
/// beside it must agree. Files readable by group or others are refused with the fix named, as are
/// encrypted files, files over 64 KiB, and files that hold a public key only. Errors name the file
/// and the field, never a value.
Result<Keypair> read_hotkey_file(const std::filesystem::path& path);

/// Writes a fresh hotkey file, mode 0600: accountId, publicKey, secretSeed, ss58Address. Returns
/// its address. `seed` is for the sandbox's reproducible throw-away keys.
Result<std::string> write_hotkey_file(const std::filesystem::path& path, ByteView mini_secret);

}  // namespace lode::chain

// Plain hotkey files as btwallet writes them.
#pragma once

#include <filesystem>

#include "chain/keypair.h"

namespace lode::chain {

/// btwallet writes about 500 bytes; a phrase and comments fit many times over.
inline constexpr std::size_t kMaxHotkeyFileBytes = 64 * 1024;

/// Reads a plain JSON hotkey file: secretSeed, or else privateKey; a publicKey or ss58Address
/// beside it must agree. Errors name the file and the field, never a value:
/// - invalid_input for a file readable by group or others (with the fix), a broken field, or a
///   secret that belongs to another public key;
/// - unsupported for encrypted files, a secretPhrase alone, and a public key alone;
/// - not_found, io_failure and, above kMaxHotkeyFileBytes, limit_exceeded from the file system.
Result<Keypair> read_hotkey_file(const std::filesystem::path& path);

/// What read_hotkey_file() does after its look at the file's permissions: `text` is the content.
/// Errors leave the file's name to the caller.
Result<Keypair> parse_hotkey(std::string_view text);

/// Writes a fresh hotkey file, mode 0600, with accountId, publicKey, secretSeed and ss58Address.
/// Returns its address. The 32 bytes come from system_entropy(), or from a seeded stream for the
/// sandbox's reproducible throw-away keys.
Result<std::string> write_hotkey_file(const std::filesystem::path& path, ByteView mini_secret);

}  // namespace lode::chain

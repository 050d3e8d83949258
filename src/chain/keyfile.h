// Wallet files as btwallet writes them: hotkeys, plain and encrypted, and public keys.
#pragma once

#include <filesystem>
#include <optional>

#include "chain/derivation.h"
#include "chain/keyfile_crypt.h"

namespace lode::chain {

/// btwallet writes about 600 bytes; a phrase and comments fit many times over.
inline constexpr std::size_t kMaxHotkeyFileBytes = 64 * 1024;

/// Where a wallet's files lie. `path` is the folder of wallets, "~/.bittensor/wallets" by default.
struct WalletPaths {
  std::filesystem::path hotkey;       ///< <path>/<name>/hotkeys/<hotkey>
  std::filesystem::path hotkey_pub;   ///< beside it: <hotkey>pub.txt
  std::filesystem::path coldkey_pub;  ///< <path>/<name>/coldkeypub.txt
};

/// `~` at the beginning of `path` stands for `home`. Errc::invalid_input for a name that is empty
/// or would leave its folder.
Result<WalletPaths> wallet_paths(const std::filesystem::path& path, std::string_view name,
                                 std::string_view hotkey, const std::filesystem::path& home);

/// Asked once, and only for an encrypted file.
using AskPassword = std::function<Result<SecretBytes>()>;

/// Reads a hotkey file: the first of secretPhrase, secretSeed and privateKey, as btwallet chooses;
/// a publicKey or ss58Address beside it must agree. Errors name the file and the field, never a
/// value:
/// - invalid_input for a file that group or others may use or that another user owns (with the
///   fix), a broken field, a secret that belongs to another public key, a wrong password, and a
///   coldkey: a file of that name, or whose public key a coldkeypub.txt nearby states;
/// - unsupported for older encrypted forms, encryption without `ask`, and a public key alone;
/// - not_found, io_failure and, above kMaxHotkeyFileBytes, limit_exceeded from the file system.
/// Links are followed: what they lead to is what is judged.
Result<Keypair> read_hotkey_file(const std::filesystem::path& path, const AskPassword& ask = {},
                                 const KdfCost& cost = {});

/// What read_hotkey_file() makes of plain content. Errors leave the file's name to the caller.
Result<Keypair> parse_hotkey(std::string_view text);

/// The key that a file states in publicKey or ss58Address: coldkeypub.txt and its like, which
/// anybody may read. Errc::unsupported for an encrypted file.
Result<PublicKey> read_public_key_file(const std::filesystem::path& path);

struct WriteKeyOptions {
  std::string_view password;  ///< empty: plain
  bool is_overwriting = false;
  KdfCost cost;
};

/// Writes a hotkey file, mode 0600, with every field that btwallet writes and that is known, once
/// its text has been seen to lead back to the key.
Result<void> write_key_file(const std::filesystem::path& path, const KeyMaterial& key,
                            const WriteKeyOptions& options = {});

/// Writes `<hotkey>pub.txt` or `coldkeypub.txt`, mode 0644.
Result<void> write_public_key_file(const std::filesystem::path& path, const PublicKey& key,
                                   bool is_overwriting);

/// Writes a fresh plain hotkey file over whatever is there. Returns its address. The 32 bytes come
/// from system_entropy(), or from a seeded stream for the sandbox's reproducible throw-away keys.
Result<std::string> write_hotkey_file(const std::filesystem::path& path, ByteView mini_secret);

}  // namespace lode::chain

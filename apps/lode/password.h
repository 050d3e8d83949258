// Passwords and phrases from prompt, environment, file descriptor or stdin; never from argv.
#pragma once

#include <filesystem>

#include "lode/wallet_options.h"

namespace lode::commands {

/// Longest password that is taken.
inline constexpr std::size_t kMaxPasswordBytes = 1024;

enum class PasswordUse { open, set };  ///< a password to be set is asked for twice

/// The password of the hotkey file `path`, from the first of: the file descriptor and the variable
/// that the options name, LODE_WALLET_PASSWORD, the variable in which btwallet saves it
/// (BT_PW_<PATH>), a prompt on the terminal without echo. What was in the environment is wiped and
/// unset. Errc::not_found where there is none of these.
Result<chain::SecretBytes> ask_password(const std::filesystem::path& path,
                                        const WalletOptions& options, PasswordUse use);

/// btwallet's variable for a file: BT_PW_ and the path in capitals, `/` and `.` as `_`.
std::string btwallet_password_name(const std::filesystem::path& path);

/// A secret text: prompted for without echo where stdin is a terminal, else all of stdin. One line
/// end is cut off.
Result<chain::SecretBytes> read_secret_text(const char* prompt, std::size_t max_bytes);

}  // namespace lode::commands

// lode wallet: makes and imports hotkeys, shows them, signs with them, verifies signatures.
#include <sys/stat.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "base/encoding.h"
#include "lode/commands.h"
#include "lode/confine.h"
#include "lode/password.h"

namespace lode::commands {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

struct WalletFlags {
  WalletOptions wallet;
  std::string message_hex;
  std::string address;
  std::string signature_hex;
  std::string derivation_path;
  int words = 12;
  bool is_encrypting = false;
  bool is_overwriting = false;
  bool is_showing_phrase = false;
  bool json = false;
};

Result<Json> as_result(Json object) {
  // In place, because a JSON value claims to convert to anything, Error included.
  return Result<Json>(boost::system::in_place_value, std::move(object));
}

/// Prints `object` as JSON, or as one "key: value" line each.
void print(const Json& object, bool as_json) {
  if (as_json) {
    cli::print_json(object);
    return;
  }
  for (const auto& [key, value] : object.items()) {
    std::printf("%s: %s\n", key.c_str(),
                value.is_string() ? value.get<std::string>().c_str() : value.dump().c_str());
  }
}

Json public_view(const chain::PublicKey& key) {
  return {{"ss58", chain::ss58_encode(key)}, {"public_key", "0x" + hex_encode(key)}};
}

/// The file's address: of its secret, or of a file with a public key alone.
Result<Json> show(const WalletFlags& flags) {
  const auto keypair = read_hotkey(flags.wallet);
  if (keypair) {
    return as_result(public_view(keypair->public_key()));
  }
  LODE_TRY(const chain::WalletPaths paths, paths_of(flags.wallet));
  if (paths.hotkey.extension() != ".txt") {
    return keypair.error();
  }
  LODE_TRY(const chain::PublicKey key, chain::read_public_key_file(paths.hotkey));
  return as_result(public_view(key));
}

Result<Bytes> decode_flag(std::string_view name, std::string_view hex) {
  auto bytes = hex_decode(hex);
  if (!bytes) {
    return annotate(bytes.error(), name);
  }
  return bytes;
}

Result<Json> sign(const WalletFlags& flags) {
  LODE_TRY(const Bytes message, decode_flag("--hex", flags.message_hex));
  LODE_TRY(const chain::Keypair keypair, read_hotkey(flags.wallet));
  return as_result({{"signature", "0x" + hex_encode(keypair.sign(message))}});
}

Result<bool> verify(const WalletFlags& flags) {
  LODE_TRY(const chain::PublicKey key, chain::ss58_decode(flags.address));
  LODE_TRY(const Bytes message, decode_flag("--hex", flags.message_hex));
  LODE_TRY(const Bytes bytes, decode_flag("--signature", flags.signature_hex));
  chain::Signature signature;
  if (bytes.size() != signature.size()) {
    return fail(Errc::invalid_input,
                "--signature: " + std::to_string(bytes.size()) + " bytes, 64 were expected");
  }
  std::copy(bytes.begin(), bytes.end(), signature.begin());
  return chain::verify(key, message, signature);
}

/// Makes the absent folders on the way to `folder`, for this user alone.
Result<void> make_private_folders(const fs::path& folder) {
  if (folder.empty() || fs::is_directory(folder)) {
    return {};
  }
  LODE_CHECK(make_private_folders(folder.parent_path()));
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) {
    return fail(Errc::io_failure, folder.string() + ": cannot be made");
  }
  return {};
}

/// Writes the key, and beside a wallet's hotkey its public half as btwallet does.
Result<Json> store(const WalletFlags& flags, const chain::KeyMaterial& key) {
  LODE_TRY(const chain::WalletPaths paths, paths_of(flags.wallet));
  LODE_CHECK(make_private_folders(paths.hotkey.parent_path()));
  chain::SecretBytes password;
  if (flags.is_encrypting) {
    LODE_TRY(password, ask_password(paths.hotkey, flags.wallet, PasswordUse::set));
    if (password.empty()) {
      return fail(Errc::invalid_input, "--encrypt: the password is empty");
    }
  }
  LODE_CHECK(chain::write_key_file(
      paths.hotkey, key,
      {.password = password.text(), .is_overwriting = flags.is_overwriting, .cost = {}}));
  if (!paths.hotkey_pub.empty()) {
    LODE_CHECK(chain::write_public_key_file(paths.hotkey_pub, key.keypair.public_key(), true));
  }
  Json object = public_view(key.keypair.public_key());
  object["file"] = paths.hotkey.string();
  if (flags.is_showing_phrase && !key.phrase.empty()) {
    object["phrase"] = std::string(key.phrase.text());
  }
  return as_result(std::move(object));
}

/// Says early and without asking anything that the file is there already.
Result<void> check_free(const WalletFlags& flags) {
  LODE_TRY(const chain::WalletPaths paths, paths_of(flags.wallet));
  if (!flags.is_overwriting && fs::exists(fs::symlink_status(paths.hotkey))) {
    return fail(Errc::invalid_input,
                paths.hotkey.string() + ": exists already; --force would overwrite it");
  }
  return {};
}

Result<Json> make_new(const WalletFlags& flags) {
  LODE_CHECK(check_free(flags));
  LODE_TRY(const chain::KeyMaterial key, chain::generate_key(flags.words));
  return store(flags, key);
}

Result<Json> import(const WalletFlags& flags) {
  LODE_CHECK(check_free(flags));
  LODE_TRY(const chain::SecretBytes given,
           read_secret_text("Phrase or 0x seed, with its path: ", chain::kMaxSecretUriBytes));
  if (!flags.derivation_path.empty() && given.text().find('/') != std::string_view::npos) {
    return fail(Errc::invalid_input, "--derive: the secret on stdin has a path of its own");
  }
  if (flags.derivation_path.find("///") != std::string::npos) {
    return fail(Errc::invalid_input,
                "--derive: a password belongs to the secret on stdin, not on the command line");
  }
  chain::SecretBytes uri(given.size() + flags.derivation_path.size());
  std::copy(given.text().begin(), given.text().end(), uri.data());
  std::copy(flags.derivation_path.begin(), flags.derivation_path.end(), uri.data() + given.size());
  LODE_TRY(const chain::KeyMaterial key, chain::key_from_secret_uri(uri.text()));
  return store(flags, key);
}

using Command = Result<Json> (*)(const WalletFlags&);

int run_and_print(Command command, const WalletFlags& flags) {
  forbid_dumps();
  const auto object = command(flags);
  if (!object) {
    return cli::report(object.error());
  }
  print(*object, flags.json);
  return cli::kDone;
}

int run_verify(const WalletFlags& flags) {
  const auto is_valid = verify(flags);
  if (!is_valid) {
    return cli::report(is_valid.error());
  }
  print({{"valid", *is_valid}}, flags.json);
  return *is_valid ? cli::kDone : cli::kInvalidInput;
}

/// A subcommand that works on one hotkey: its `--wallet.*` are settings, `--file` is short for
/// `--wallet.file`, and nothing else of it is one.
CLI::App* add_hotkey_command(CLI::App& wallet, const char* name, const char* what,
                             WalletFlags& flags) {
  CLI::App* command = wallet.add_subcommand(name, what);
  command->configurable();
  command->option_defaults()->configurable(false);
  command->add_option("--file", flags.wallet.file, "The hotkey file, instead of a wallet");
  add_wallet_options(*command, flags.wallet);
  return command;
}

void add_writing_flags(CLI::App& command, WalletFlags& flags) {
  command.add_flag("--encrypt", flags.is_encrypting, "Encrypt the file with a password");
  command.add_flag("--force", flags.is_overwriting, "Overwrite what is there");
  command.add_flag("--show-phrase", flags.is_showing_phrase, "Print the secret phrase on stdout");
}

}  // namespace

void add_wallet(CLI::App& app, cli::Action& chosen) {
  auto flags = std::make_shared<WalletFlags>();
  CLI::App* wallet =
      app.add_subcommand("wallet", "Makes, imports and shows hotkeys, signs and verifies");
  wallet->require_subcommand(1);
  wallet->fallthrough();  // inherited: --json and the global flags may come last
  wallet->add_flag("--json", flags->json, "One JSON object on stdout");

  const auto choose = [&chosen, flags](Command run) {
    return [&chosen, flags, run] { chosen = [flags, run] { return run_and_print(run, *flags); }; };
  };
  add_hotkey_command(*wallet, "show", "The address of a hotkey", *flags)->callback(choose(show));
  CLI::App* sign_command =
      add_hotkey_command(*wallet, "sign", "A signature over some bytes", *flags);
  sign_command->callback(choose(sign));
  CLI::App* new_command = add_hotkey_command(*wallet, "new", "A fresh hotkey", *flags);
  new_command->add_option("--words", flags->words, "Words of its secret phrase: 12 to 24")
      ->capture_default_str();
  add_writing_flags(*new_command, *flags);
  new_command->callback(choose(make_new));
  CLI::App* import_command = add_hotkey_command(
      *wallet, "import", "A hotkey from a phrase or 0x seed on stdin or at a prompt", *flags);
  import_command->add_option("--derive", flags->derivation_path,
                             "Path of //hard and /soft junctions");
  add_writing_flags(*import_command, *flags);
  import_command->callback(choose(import));

  CLI::App* verify_command =
      wallet->add_subcommand("verify", "Exits 0 for a valid signature, 3 for another");
  verify_command->add_option("--ss58", flags->address, "The signer's address")->required();
  for (CLI::App* command : {sign_command, verify_command}) {
    command->add_option("--hex", flags->message_hex, "The message in hexadecimal")->required();
  }
  verify_command->add_option("--signature", flags->signature_hex, "The signature in hexadecimal")
      ->required();
  verify_command->callback([flags, &chosen] { chosen = [flags] { return run_verify(*flags); }; });
}

}  // namespace lode::commands

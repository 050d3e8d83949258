// lode wallet: shows a hotkey, signs with it, verifies signatures.
#include <algorithm>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "base/encoding.h"
#include "chain/keyfile.h"
#include "lode/commands.h"

namespace lode::commands {
namespace {

struct WalletFlags {
  std::string file;
  std::string message_hex;
  std::string address;
  std::string signature_hex;
  bool json = false;
};

/// Prints `object` as JSON, or as one "key: value" line each.
void print(const nlohmann::json& object, bool as_json) {
  if (as_json) {
    cli::print_json(object);
    return;
  }
  for (const auto& [key, value] : object.items()) {
    std::printf("%s: %s\n", key.c_str(),
                value.is_string() ? value.get<std::string>().c_str() : value.dump().c_str());
  }
}

Result<nlohmann::json> show(const WalletFlags& flags) {
  LODE_TRY(const chain::Keypair keypair, chain::read_hotkey_file(flags.file));
  return Result<nlohmann::json>(
      boost::system::in_place_value,
      nlohmann::json{{"ss58", keypair.ss58()},
                     {"public_key", "0x" + hex_encode(keypair.public_key())}});
}

Result<Bytes> decode_flag(std::string_view name, std::string_view hex) {
  auto bytes = hex_decode(hex);
  if (!bytes) {
    return annotate(bytes.error(), name);
  }
  return bytes;
}

Result<nlohmann::json> sign(const WalletFlags& flags) {
  LODE_TRY(const Bytes message, decode_flag("--hex", flags.message_hex));
  LODE_TRY(const chain::Keypair keypair, chain::read_hotkey_file(flags.file));
  return Result<nlohmann::json>(
      boost::system::in_place_value,
      nlohmann::json{{"signature", "0x" + hex_encode(keypair.sign(message))}});
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

int run_and_print(Result<nlohmann::json> (*command)(const WalletFlags&), const WalletFlags& flags) {
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

}  // namespace

void add_wallet(CLI::App& app, cli::Action& chosen) {
  auto flags = std::make_shared<WalletFlags>();
  CLI::App* wallet = app.add_subcommand("wallet", "Shows a hotkey, signs and verifies with it");
  wallet->require_subcommand(1);
  wallet->fallthrough();  // inherited: --json and the global flags may come last
  wallet->add_flag("--json", flags->json, "One JSON object on stdout");

  CLI::App* show_command = wallet->add_subcommand("show", "The address of a hotkey file");
  CLI::App* sign_command = wallet->add_subcommand("sign", "A signature over some bytes");
  CLI::App* verify_command =
      wallet->add_subcommand("verify", "Exits 0 for a valid signature, 3 for another");
  for (CLI::App* command : {show_command, sign_command}) {
    command->add_option("--file", flags->file, "The hotkey file")->required();
  }
  verify_command->add_option("--ss58", flags->address, "The signer's address")->required();
  for (CLI::App* command : {sign_command, verify_command}) {
    command->add_option("--hex", flags->message_hex, "The message in hexadecimal")->required();
  }
  verify_command->add_option("--signature", flags->signature_hex, "The signature in hexadecimal")
      ->required();

  show_command->callback([=, &chosen] { chosen = [=] { return run_and_print(show, *flags); }; });
  sign_command->callback([=, &chosen] { chosen = [=] { return run_and_print(sign, *flags); }; });
  verify_command->callback([=, &chosen] { chosen = [=] { return run_verify(*flags); }; });
}

}  // namespace lode::commands

#include "chain/keyfile.h"

#include <sodium.h>
#include <sys/stat.h>

#include <nlohmann/json.hpp>
#include <optional>

#include "base/encoding.h"
#include "base/file.h"
#include "base/json.h"

namespace lode::chain {
namespace {

using Json = nlohmann::ordered_json;

/// Wipes a buffer when the scope ends. The parser's own buffers stay out of reach; this covers
/// every copy that we make.
class WipeOnExit {
 public:
  WipeOnExit(void* data, std::size_t size) : data_(data), size_(size) {}
  ~WipeOnExit() { sodium_memzero(data_, size_); }
  WipeOnExit(const WipeOnExit&) = delete;
  WipeOnExit& operator=(const WipeOnExit&) = delete;

 private:
  void* data_;
  std::size_t size_;
};

void wipe_texts(Json& object) {
  for (auto& value : object) {
    if (auto* text = value.get_ptr<std::string*>()) {
      sodium_memzero(text->data(), text->size());
    }
  }
}

Result<void> check_permissions(const std::filesystem::path& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) == 0 && (status.st_mode & 077) != 0) {
    return fail(Errc::invalid_input,
                path.string() + ": a hotkey file that group or others may use; fix it with: " +
                    "chmod 600 " + path.string());
  }
  return {};  // an absent file is reported by whoever opens it
}

/// btwallet's encrypted forms, told by how the file begins.
Result<void> refuse_encrypted(std::string_view text) {
  for (const std::string_view prefix : {"$NACL", "$ANSIBLE_VAULT", "gAAAAA"}) {
    if (text.starts_with(prefix)) {
      return fail(Errc::unsupported, "an encrypted hotkey (" + std::string(prefix) +
                                         "); this form is not supported yet, a plain one is");
    }
  }
  return {};
}

/// The text under `key`, or nullptr when it is absent or null.
Result<const std::string*> find_text(const Json& object, std::string_view key) {
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) {
    return nullptr;
  }
  if (!found->is_string()) {
    return fail(Errc::invalid_input, std::string(key) + ": a string was expected");
  }
  return found->get_ptr<const std::string*>();
}

/// The public key that the file itself states, if any.
Result<std::optional<PublicKey>> stated_public_key(const Json& object) {
  std::optional<PublicKey> stated;
  LODE_TRY(const std::string* hex, find_text(object, "publicKey"));
  if (hex != nullptr) {
    const auto bytes = hex_decode(*hex);
    if (!bytes || bytes->size() != stated.emplace().size()) {
      return fail(Errc::invalid_input, "publicKey: 32 bytes of hexadecimal were expected");
    }
    std::copy(bytes->begin(), bytes->end(), stated->begin());
  }
  LODE_TRY(const std::string* address, find_text(object, "ss58Address"));
  if (address != nullptr) {
    const auto key = ss58_decode(*address);
    if (!key) {
      return annotate(key.error(), "ss58Address");
    }
    if (stated && *stated != *key) {
      return fail(Errc::invalid_input, "ss58Address: not the address of publicKey");
    }
    stated = *key;
  }
  return stated;
}

/// A 64-byte secret: schnorrkel's canonical form, or the Ed25519 form of polkadot-js, whose scalar
/// is eight times as large. The clamped bit 254 puts every Ed25519 scalar above the group's order
/// of about 2^252, so no secret reads as both.
Result<Keypair> from_either_secret(ByteView secret) {
  auto canonical = Keypair::from_secret(secret);
  if (canonical || (secret[0] & 7) != 0) {
    return canonical;
  }
  std::array<std::uint8_t, 64> divided;
  const WipeOnExit wipe(divided.data(), divided.size());
  std::copy(secret.begin(), secret.end(), divided.begin());
  for (std::size_t i = 0; i < 32; ++i) {
    const unsigned above = i + 1 < 32 ? secret[i + 1] : 0;
    divided[i] = static_cast<std::uint8_t>((secret[i] >> 3) | (above << 5));
  }
  return Keypair::from_secret(divided);
}

/// A secret field's 32 bytes of mini secret or 64 bytes of expanded secret.
Result<Keypair> keypair_of(const std::string& field) {
  // btwallet writes a seed raw instead of as hexadecimal when its bytes happen to be UTF-8.
  if (field.size() == 32) {
    return Keypair::from_mini_secret(as_bytes(field));
  }
  auto bytes = hex_decode(field);
  if (!bytes) {
    return bytes.error();
  }
  const WipeOnExit wipe(bytes->data(), bytes->size());
  if (bytes->size() == 64) {
    return from_either_secret(*bytes);
  }
  return Keypair::from_mini_secret(*bytes);
}

Error no_secret(const Json& object) {
  if (object.contains("secretPhrase")) {
    return fail(Errc::unsupported,
                "secretPhrase without secretSeed: this form is not supported yet");
  }
  return fail(Errc::unsupported, "no secretSeed and no privateKey: the file cannot sign");
}

Result<Keypair> keypair_from(const Json& object) {
  LODE_TRY(const std::optional<PublicKey> stated, stated_public_key(object));
  for (const std::string_view key : {"secretSeed", "privateKey"}) {
    LODE_TRY(const std::string* field, find_text(object, key));
    if (field == nullptr) {
      continue;
    }
    Result<Keypair> keypair = keypair_of(*field);
    if (!keypair) {
      return annotate(keypair.error(), key);
    }
    if (stated && *stated != keypair->public_key()) {
      return fail(Errc::invalid_input,
                  std::string(key) + ": belongs to another key than publicKey or ss58Address");
    }
    return keypair;
  }
  return no_secret(object);
}

}  // namespace

Result<Keypair> read_hotkey_file(const std::filesystem::path& path) {
  LODE_CHECK(check_permissions(path));
  LODE_TRY(Bytes bytes, read_file(path, kMaxHotkeyFileBytes));
  const WipeOnExit wipe(bytes.data(), bytes.size());
  Result<Keypair> keypair = parse_hotkey(as_text(bytes));
  if (!keypair) {
    return annotate(keypair.error(), path.string());
  }
  return keypair;
}

Result<Keypair> parse_hotkey(std::string_view text) {
  LODE_CHECK(refuse_encrypted(text));
  LODE_TRY(Json object, parse_json(text));
  if (!object.is_object()) {
    return fail(Errc::invalid_input, "a JSON object was expected");
  }
  Result<Keypair> keypair = keypair_from(object);
  wipe_texts(object);
  return keypair;
}

Result<std::string> write_hotkey_file(const std::filesystem::path& path, ByteView mini_secret) {
  LODE_TRY(const Keypair keypair, Keypair::from_mini_secret(mini_secret));
  const std::string public_hex = "0x" + hex_encode(keypair.public_key());
  Json object = {{"accountId", public_hex},
                 {"publicKey", public_hex},
                 {"secretSeed", "0x" + hex_encode(mini_secret)},
                 {"ss58Address", keypair.ss58()}};
  std::string text = object.dump() + "\n";
  const Result<void> written = write_file(path, as_bytes(text), 0600);
  sodium_memzero(text.data(), text.size());
  wipe_texts(object);
  if (!written) {
    return written.error();
  }
  return keypair.ss58();
}

}  // namespace lode::chain

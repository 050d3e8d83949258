#include "chain/keyfile.h"

#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "base/assert.h"
#include "base/encoding.h"
#include "base/file.h"
#include "chain/keyfile_json_internal.h"
#include "chain/mnemonic.h"

namespace lode::chain {
namespace {

namespace fs = std::filesystem;

Result<void> check_permissions(const fs::path& path, const struct stat& status) {
  if ((status.st_mode & 077) != 0) {
    return fail(Errc::invalid_input,
                path.string() + ": a hotkey file that group or others may use; fix it with: " +
                    "chmod 600 " + path.string());
  }
  if (status.st_uid != ::geteuid() && status.st_uid != 0) {
    return fail(Errc::invalid_input, path.string() +
                                         ": a hotkey file of another user; fix it with: chown " +
                                         std::to_string(::geteuid()) + " " + path.string());
  }
  return {};
}

/// The public key that the file itself states, if any.
Result<std::optional<PublicKey>> stated_public_key(const KeyFields& fields) {
  std::optional<PublicKey> stated;
  if (fields.public_key) {
    const auto bytes = hex_decode(*fields.public_key);
    if (!bytes || bytes->size() != stated.emplace().size()) {
      return fail(Errc::invalid_input, "publicKey: 32 bytes of hexadecimal were expected");
    }
    std::copy(bytes->begin(), bytes->end(), stated->begin());
  }
  if (fields.ss58_address) {
    const auto key = ss58_decode(*fields.ss58_address);
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
  SecretBytes divided = SecretBytes::copy_of(secret);
  for (std::size_t i = 0; i < 32; ++i) {
    const unsigned above = i + 1 < 32 ? secret[i + 1] : 0;
    divided.data()[i] = static_cast<std::uint8_t>((secret[i] >> 3) | (above << 5));
  }
  return Keypair::from_secret(divided.view());
}

/// A secret field's 32 bytes of mini secret or 64 bytes of expanded secret.
Result<Keypair> keypair_of_hex(std::string_view field) {
  // btwallet writes a seed raw instead of as hexadecimal when its bytes happen to be UTF-8.
  if (field.size() == 32) {
    return Keypair::from_mini_secret(as_bytes(field));
  }
  if (field.starts_with("0x")) {
    field.remove_prefix(2);
  }
  SecretBytes bytes((field.size() + 1) / 2);
  std::size_t size = 0;
  if (field.size() % 2 != 0 ||
      sodium_hex2bin(bytes.data(), bytes.size(), field.data(), field.size(), nullptr, &size,
                     nullptr) != 0 ||
      size != bytes.size()) {
    return fail(Errc::invalid_input, "hexadecimal digits were expected");
  }
  return size == 64 ? from_either_secret(bytes.view()) : Keypair::from_mini_secret(bytes.view());
}

Result<Keypair> keypair_of_phrase(std::string_view phrase) {
  LODE_TRY(const SecretBytes entropy, phrase_to_entropy(phrase));
  return Keypair::from_mini_secret(entropy_to_mini_secret(entropy.view()).view());
}

struct SecretField {
  std::string_view name;
  std::optional<std::string_view> KeyFields::*member;
  Result<Keypair> (*read)(std::string_view);
};

/// In btwallet's order.
constexpr std::array<SecretField, 3> kSecretFields = {
    {{"secretPhrase", &KeyFields::secret_phrase, keypair_of_phrase},
     {"secretSeed", &KeyFields::secret_seed, keypair_of_hex},
     {"privateKey", &KeyFields::private_key, keypair_of_hex}}};

Result<Keypair> keypair_from(const KeyFields& fields) {
  LODE_TRY(const std::optional<PublicKey> stated, stated_public_key(fields));
  for (const SecretField& field : kSecretFields) {
    const auto& text = fields.*(field.member);
    if (!text) {
      continue;
    }
    Result<Keypair> keypair = field.read(*text);
    if (!keypair) {
      return annotate(keypair.error(), field.name);
    }
    if (stated && *stated != keypair->public_key()) {
      return fail(Errc::invalid_input, std::string(field.name) +
                                           ": belongs to another key than publicKey or "
                                           "ss58Address");
    }
    return keypair;
  }
  return fail(Errc::unsupported, "no secretPhrase, secretSeed or privateKey: the file cannot sign");
}

Result<Keypair> parse_plain(SecretBytes& text) {
  LODE_TRY(const KeyFields fields, parse_key_fields(text));
  return keypair_from(fields);
}

/// The file's content, after a look at who may use it where that matters.
Result<SecretBytes> read_content(const fs::path& path, bool is_secret) {
  SecretBytes content;
  LODE_TRY(const std::size_t size,
           read_file_into(path, kMaxHotkeyFileBytes,
                          [&](const struct stat& status) -> Result<std::span<std::uint8_t>> {
                            if (is_secret) {
                              LODE_CHECK(check_permissions(path, status));
                            }
                            content = SecretBytes(static_cast<std::size_t>(status.st_size));
                            return content.span();
                          }));
  content.truncate(size);
  return content;
}

Error coldkey_refused(const fs::path& path) {
  return fail(Errc::invalid_input,
              path.string() + ": a coldkey, which never signs here: name a hotkey's file");
}

/// Whether a coldkeypub.txt beside the file, or beside its folder, states this key.
bool is_known_coldkey(const fs::path& path, const PublicKey& key) {
  const fs::path folder = path.parent_path();
  for (const fs::path& place : {folder, folder / ".."}) {
    const auto coldkey = read_public_key_file(place / "coldkeypub.txt");
    if (coldkey && *coldkey == key) {
      return true;
    }
  }
  return false;
}

Result<Keypair> keypair_of_content(SecretBytes content, const AskPassword& ask,
                                   const KdfCost& cost) {
  if (is_encrypted(content.view())) {
    LODE_CHECK(check_form(content.view()));  // before anybody types a password in vain
    if (!ask) {
      return fail(Errc::unsupported, "encrypted, and no password was asked for");
    }
    LODE_TRY(const SecretBytes password, ask());
    LODE_TRY(content, decrypt_key_file(content.view(), password.text(), cost));
  }
  return parse_plain(content);
}

/// Appends `"name":"0x<hex>"` or `"name":"<text>"` members to a JSON object in guarded memory.
class ObjectWriter {
 public:
  void add_text(std::string_view name, std::string_view value) {
    put(size_ == 0 ? "{\"" : ",\"");
    put(name);
    put("\":\"");
    put(value);  // words, hexadecimal and base58 need no escapes
    put("\"");
  }
  void add_hex(std::string_view name, ByteView bytes) {
    SecretBytes hex(2 + 2 * bytes.size() + 1);
    hex.data()[0] = '0';
    hex.data()[1] = 'x';
    sodium_bin2hex(reinterpret_cast<char*>(hex.data()) + 2, hex.size() - 2, bytes.data(),
                   bytes.size());
    hex.truncate(hex.size() - 1);
    add_text(name, hex.text());
  }
  SecretBytes finish() {
    put("}");
    text_.truncate(size_);
    return std::move(text_);
  }

 private:
  void put(std::string_view text) {
    LODE_ASSERT(size_ + text.size() <= text_.size(), "a key file fits its buffer");
    size_ += text.copy(reinterpret_cast<char*>(text_.data()) + size_, text.size());
  }

  SecretBytes text_{2048};
  std::size_t size_ = 0;
};

SecretBytes to_json(const KeyMaterial& key) {
  ObjectWriter writer;
  writer.add_hex("accountId", key.keypair.public_key());
  writer.add_hex("publicKey", key.keypair.public_key());
  writer.add_hex("privateKey", key.keypair.expanded_secret().view());
  if (!key.phrase.empty()) {
    writer.add_text("secretPhrase", key.phrase.text());
  }
  if (!key.mini_secret.empty()) {
    writer.add_hex("secretSeed", key.mini_secret.view());
  }
  writer.add_text("ss58Address", key.keypair.ss58());
  return writer.finish();
}

Result<void> write_content(const fs::path& path, ByteView content, unsigned mode,
                           bool is_overwriting) {
  return is_overwriting ? write_file(path, content, mode) : write_new_file(path, content, mode);
}

}  // namespace

Result<WalletPaths> wallet_paths(const fs::path& path, std::string_view name,
                                 std::string_view hotkey, const fs::path& home) {
  for (const auto& [what, text] : {std::pair("wallet.name", name), {"wallet.hotkey", hotkey}}) {
    if (text.empty() || text == "." || text == ".." || text.find('/') != std::string_view::npos) {
      return fail(Errc::invalid_input, std::string(what) + ": a plain file name was expected");
    }
  }
  fs::path base = path;
  if (const std::string text = path.string(); text == "~" || text.starts_with("~/")) {
    base = home / text.substr(std::min<std::size_t>(2, text.size()));
  }
  const fs::path wallet = base / name;
  return WalletPaths{wallet / "hotkeys" / hotkey,
                     wallet / "hotkeys" / (std::string(hotkey) + "pub.txt"),
                     wallet / "coldkeypub.txt"};
}

Result<Keypair> read_hotkey_file(const fs::path& path, const AskPassword& ask,
                                 const KdfCost& cost) {
  std::error_code ignored;  // a name that cannot be resolved is reported by the read below
  if (path.filename() == "coldkey" || fs::weakly_canonical(path, ignored).filename() == "coldkey") {
    return coldkey_refused(path);
  }
  LODE_TRY(SecretBytes content, read_content(path, true));
  Result<Keypair> keypair = keypair_of_content(std::move(content), ask, cost);
  if (!keypair) {
    return annotate(keypair.error(), path.string());
  }
  if (is_known_coldkey(path, keypair->public_key())) {
    return coldkey_refused(path);
  }
  return keypair;
}

Result<Keypair> parse_hotkey(std::string_view text) {
  return keypair_of_content(SecretBytes::copy_of(text), {}, {});
}

Result<PublicKey> read_public_key_file(const fs::path& path) {
  LODE_TRY(SecretBytes content, read_content(path, false));
  if (is_encrypted(content.view())) {
    return fail(Errc::unsupported, path.string() + ": encrypted, so no public key can be seen");
  }
  const auto fields = parse_key_fields(content);
  if (!fields) {
    return annotate(fields.error(), path.string());
  }
  const auto stated = stated_public_key(*fields);
  if (!stated) {
    return annotate(stated.error(), path.string());
  }
  if (!*stated) {
    return fail(Errc::invalid_input, path.string() + ": no publicKey and no ss58Address");
  }
  return **stated;
}

Result<void> write_key_file(const fs::path& path, const KeyMaterial& key,
                            const WriteKeyOptions& options) {
  SecretBytes text = to_json(key);
  SecretBytes copy = text.clone();
  const auto read_back = parse_plain(copy);
  if (!read_back || read_back->public_key() != key.keypair.public_key()) {
    return fail(Errc::internal, path.string() + ": the key does not read back as it was written");
  }
  if (options.password.empty()) {
    return write_content(path, text.view(), 0600, options.is_overwriting);
  }
  const Bytes sealed = encrypt_key_file(text.view(), options.password, options.cost);
  return write_content(path, sealed, 0600, options.is_overwriting);
}

Result<void> write_public_key_file(const fs::path& path, const PublicKey& key,
                                   bool is_overwriting) {
  const std::string hex = "0x" + hex_encode(key);
  const nlohmann::ordered_json object = {
      {"accountId", hex}, {"publicKey", hex}, {"ss58Address", ss58_encode(key)}};
  return write_content(path, as_bytes(object.dump()), 0644, is_overwriting);
}

Result<std::string> write_hotkey_file(const fs::path& path, ByteView mini_secret) {
  LODE_TRY(Keypair keypair, Keypair::from_mini_secret(mini_secret));
  const KeyMaterial key{std::move(keypair), SecretBytes::copy_of(mini_secret), {}};
  LODE_CHECK(write_key_file(path, key, {.password = {}, .is_overwriting = true, .cost = {}}));
  return key.keypair.ss58();
}

}  // namespace lode::chain

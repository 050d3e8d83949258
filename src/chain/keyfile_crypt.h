// Encrypted wallet files as btwallet writes them.
#pragma once

#include <functional>
#include <string_view>

#include "chain/keypair.h"

namespace lode::chain {

/// What a guess of the password costs: libsodium's "sensitive" limits, which btwallet uses.
struct KdfCost {
  std::uint64_t passes = 8;
  std::size_t memory_bytes = 512UL * 1024 * 1024;
};

/// Whether `content` begins as one of btwallet's encrypted forms.
bool is_encrypted(ByteView content);

/// Errc::unsupported for the older "$ANSIBLE_VAULT" and Fernet forms, with the way out.
Result<void> check_form(ByteView content);

/// The plain JSON of an encrypted file:
/// - "$NACL": Argon2i 1.3 over the password with btwallet's fixed salt, then XSalsa20-Poly1305;
/// - what check_form() says of the older forms;
/// - Errc::invalid_input for a wrong password or damaged bytes, which the format cannot tell apart.
/// Throws std::bad_alloc where 512 MiB are not to be had.
Result<SecretBytes> decrypt_key_file(ByteView content, std::string_view password,
                                     const KdfCost& cost = {});

/// The "$NACL" form of `plain`. The entropy gives the nonce.
Bytes encrypt_key_file(ByteView plain, std::string_view password, const KdfCost& cost = {},
                       const Entropy& entropy = system_entropy);

}  // namespace lode::chain

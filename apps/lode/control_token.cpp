#include "lode/control_token.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <array>
#include <stdexcept>

#include "base/encoding.h"
#include "base/file.h"

namespace lode::commands {
namespace {

constexpr std::size_t kTokenBytes = 32;

}  // namespace

std::filesystem::path control_token_path(const std::filesystem::path& journal) {
  return journal.string() + ".token";
}

Result<std::string> make_control_token(const std::filesystem::path& journal) {
  std::array<std::uint8_t, kTokenBytes> random{};
  if (RAND_bytes(random.data(), static_cast<int>(random.size())) != 1) {
    throw std::runtime_error("no random numbers");
  }
  const std::string token = hex_encode(random);
  LODE_CHECK(write_file(control_token_path(journal), as_bytes(token), 0600));
  return token;
}

Result<std::string> read_control_token(const std::filesystem::path& journal) {
  LODE_TRY(const Bytes text, read_file(control_token_path(journal), 2 * kTokenBytes));
  return std::string(as_text(text));
}

bool is_same_token(std::string_view given, std::string_view expected) {
  return given.size() == expected.size() &&
         CRYPTO_memcmp(given.data(), expected.data(), expected.size()) == 0;
}

}  // namespace lode::commands

#include "lode/password.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <sodium.h>
#include <unistd.h>

#include <cctype>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "base/encoding.h"

namespace lode::commands {
namespace {

using chain::SecretBytes;

/// Everything that a descriptor gives, without one line end.
Result<SecretBytes> read_descriptor(int fd, const std::string& what, std::size_t max_bytes) {
  SecretBytes text(max_bytes + 1);
  std::size_t size = 0;
  while (size < text.size()) {
    const ssize_t got = ::read(fd, text.data() + size, text.size() - size);
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got < 0) {
      return fail(Errc::invalid_input, what + ": " + std::strerror(errno));
    }
    if (got == 0) {
      break;
    }
    size += static_cast<std::size_t>(got);
  }
  text.truncate(size);
  if (size > max_bytes) {
    return fail(Errc::limit_exceeded, what + ": more than " + std::to_string(max_bytes) + " bytes");
  }
  for (const char end : {'\n', '\r'}) {
    if (text.text().ends_with(end)) {
      text.truncate(text.size() - 1);
    }
  }
  return text;
}

bool has_terminal() {
  const int fd = ::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
  if (fd >= 0) {
    ::close(fd);
  }
  return fd >= 0;
}

/// OpenSSL's prompt: no echo, and the terminal is put right again on a signal.
Result<SecretBytes> prompt(const char* text, std::size_t max_bytes, bool is_asked_twice) {
  SecretBytes answer(max_bytes + 1);
  if (EVP_read_pw_string(reinterpret_cast<char*>(answer.data()), static_cast<int>(answer.size()),
                         text, is_asked_twice ? 1 : 0) != 0) {
    return fail(Errc::invalid_input, "the prompt was not answered");
  }
  answer.truncate(std::strlen(reinterpret_cast<const char*>(answer.data())));
  return answer;
}

/// Takes a variable out of the environment.
SecretBytes take_variable(const std::string& name, char* value) {
  SecretBytes copy = SecretBytes::copy_of(std::string_view(value));
  sodium_memzero(value, std::strlen(value));
  ::unsetenv(name.c_str());
  return copy;
}

/// btwallet keeps passwords as base64 of an exclusive or with the variable's own name.
Result<SecretBytes> unmask(const std::string& name, const SecretBytes& value) {
  auto bytes = base64_decode(value.text());
  if (!bytes) {
    return fail(Errc::invalid_input, name + ": base64 was expected, as btwallet saves it");
  }
  for (std::size_t i = 0; i < bytes->size(); ++i) {
    (*bytes)[i] ^= static_cast<std::uint8_t>(name[i % name.size()]);
  }
  SecretBytes password = SecretBytes::copy_of(ByteView(*bytes));
  sodium_memzero(bytes->data(), bytes->size());
  return password;
}

}  // namespace

std::string btwallet_password_name(const std::filesystem::path& path) {
  std::string name = "BT_PW_";
  for (const char c : path.string()) {
    const auto upper = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    name += c == '/' || c == '.' ? '_' : upper;
  }
  return name;
}

Result<SecretBytes> ask_password(const std::filesystem::path& path, const WalletOptions& options,
                                 PasswordUse use) {
  if (options.password_fd >= 0) {
    return read_descriptor(options.password_fd, "--wallet.password_fd", kMaxPasswordBytes);
  }
  if (!options.password_env.empty()) {
    char* value = std::getenv(options.password_env.c_str());
    if (value == nullptr) {
      return fail(Errc::not_found, "--wallet.password_env: no variable " + options.password_env);
    }
    return take_variable(options.password_env, value);
  }
  if (char* value = std::getenv("LODE_WALLET_PASSWORD")) {
    return take_variable("LODE_WALLET_PASSWORD", value);
  }
  const std::string saved = btwallet_password_name(path);
  if (char* value = std::getenv(saved.c_str())) {
    return unmask(saved, take_variable(saved, value));
  }
  if (has_terminal()) {
    return prompt(("Password of " + path.string() + ": ").c_str(), kMaxPasswordBytes,
                  use == PasswordUse::set);
  }
  return fail(Errc::not_found,
              "a password is needed and there is no terminal to ask at: set LODE_WALLET_PASSWORD, "
              "--wallet.password_env or --wallet.password_fd");
}

Result<SecretBytes> read_secret_text(const char* prompt_text, std::size_t max_bytes) {
  if (::isatty(STDIN_FILENO) != 0) {
    return prompt(prompt_text, max_bytes, false);
  }
  return read_descriptor(STDIN_FILENO, "stdin", max_bytes);
}

}  // namespace lode::commands

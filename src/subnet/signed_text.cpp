#include "subnet/signed_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string>

#include "chain/ss58.h"
#include "subnet/dendrite.h"
#include "subnet/wire_internal.h"

namespace lode::subnet {
namespace {

/// Nanoseconds since 1970 have 19 digits from 2001 to 2262.
constexpr std::size_t kTimeDigits = 19;

Error refused(std::string_view what) {
  return fail(Errc::unsupported, "not signed: " + std::string(what));
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

Result<void> check_time(std::string_view digits, Time now) {
  std::int64_t nanoseconds = 0;
  const char* end = digits.data() + digits.size();
  const auto [at, error] = std::from_chars(digits.data(), end, nanoseconds);
  if (digits.size() != kTimeDigits || digits[0] == '0' ||
      !std::all_of(digits.begin(), digits.end(), is_digit) || error != std::errc() || at != end) {
    return refused("a time of 19 digits of nanoseconds was expected");
  }
  const Duration offset = Time(Duration(nanoseconds)) - now;
  if (offset > kMaxSignedTimeOffset || offset < -kMaxSignedTimeOffset) {
    return refused("a time more than an hour from now");
  }
  return {};
}

bool is_address(std::string_view text) { return chain::ss58_decode(text).has_value(); }

/// Lower-case "xxxxxxxx-xxxx-1xxx-yxxx-xxxxxxxxxxxx".
bool is_uuid1(std::string_view text) {
  constexpr std::string_view kShape = "xxxxxxxx-xxxx-1xxx-xxxx-xxxxxxxxxxxx";
  if (text.size() != kShape.size()) {
    return false;
  }
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool is_hex = is_digit(text[i]) || (text[i] >= 'a' && text[i] <= 'f');
    if (kShape[i] == 'x' ? !is_hex : text[i] != kShape[i]) {
      return false;
    }
  }
  return true;
}

/// How many bytes the UTF-8 character at the front of `text` has; 0 for none. Overlong forms,
/// surrogates and what lies above U+10FFFF are none (RFC 3629).
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
  };
  const unsigned lead = byte(0);
  if (lead < 0x80) {
    return 1;
  }
  const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  const unsigned lowest = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
  const unsigned highest = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
  if (lead < 0xc2 || lead > 0xf4 || byte(1) < lowest || byte(1) > highest) {
    return 0;
  }
  for (std::size_t i = 2; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) {
      return 0;
    }
  }
  return length;
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    if (length == 0) {
      return false;
    }
    text.remove_prefix(length);
  }
  return true;
}

Result<void> check_request(std::string_view text, std::string_view hotkey, Time now) {
  std::array<std::string_view, 5> parts;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const std::size_t dot = i + 1 < parts.size() ? text.find('.') : text.size();
    if (dot == std::string_view::npos) {
      return refused("neither a request of five parts nor a result");
    }
    parts[i] = text.substr(0, dot);
    text.remove_prefix(std::min(dot + 1, text.size()));
  }
  LODE_CHECK(check_time(parts[0], now));
  if (parts[1] != hotkey) {
    return refused("a request of another hotkey");
  }
  if (!is_address(parts[2])) {
    return refused("a request to no address");
  }
  if (!is_uuid1(parts[3])) {
    return refused("a request without a version-1 UUID");
  }
  if (parts[4] != kEmptyBodyHash) {
    return refused("a request with another body hash than that of no fields");
  }
  return {};
}

Result<void> check_result(std::string_view rest, std::string_view hotkey, Time now) {
  LODE_CHECK(check_time(rest.substr(0, kTimeDigits), now));
  rest.remove_prefix(kTimeDigits);
  if (!rest.ends_with(hotkey)) {
    return refused("a result of another hotkey");
  }
  rest.remove_suffix(hotkey.size());
  for (const std::size_t address : {48, 47}) {
    if (rest.size() >= address && is_address(rest.substr(rest.size() - address))) {
      if (!is_utf8(rest.substr(0, rest.size() - address))) {
        return refused("a result whose prompt is no UTF-8");
      }
      return {};
    }
  }
  return refused("a result for no address");
}

}  // namespace

Result<void> check_signed_text(std::string_view text, std::string_view hotkey, Time now) {
  if (text.size() > kMaxSignedTextBytes) {
    return refused("more than 64 MiB");
  }
  if (text.starts_with(kLicenseDeclaration)) {
    return check_result(text.substr(kLicenseDeclaration.size()), hotkey, now);
  }
  return check_request(text, hotkey, now);
}

}  // namespace lode::subnet

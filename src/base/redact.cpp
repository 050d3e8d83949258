#include "base/redact.h"

#include <algorithm>

namespace lode {
namespace {

constexpr std::string_view kHidden = "***";

/// Whether the text up to the first slash can be "host" or "host:port".
bool is_host(std::string_view authority) {
  const std::size_t colon = authority.rfind(':');
  if (colon == authority.npos || authority.ends_with(']')) {
    return true;
  }
  const std::string_view port = authority.substr(colon + 1);
  return std::all_of(port.begin(), port.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

std::string redact_url(std::string_view text) {
  const std::size_t colon = text.find("://");
  if (colon == text.npos) {
    return std::string(text);
  }
  const std::string_view scheme = text.substr(0, colon);
  std::string out(text.substr(0, colon + 3));
  std::string_view rest = text.substr(colon + 3);
  std::size_t authority_end = std::min(rest.find_first_of("/?#"), rest.size());
  std::size_t at = rest.substr(0, authority_end).rfind('@');
  if (at == rest.npos && !is_host(rest.substr(0, authority_end))) {
    at = rest.rfind('@');  // user information that holds one of these characters
  }
  if (at != rest.npos) {
    out += std::string(kHidden) + "@";
    rest.remove_prefix(at + 1);
    authority_end = std::min(rest.find_first_of("/?#"), rest.size());
  }
  out += rest.substr(0, authority_end);
  rest.remove_prefix(authority_end);
  std::string_view path = rest.substr(0, std::min(rest.find_first_of("?#"), rest.size()));
  rest.remove_prefix(path.size());
  if ((scheme == "ws" || scheme == "wss") && path.size() > 1) {
    out += "/" + std::string(kHidden);
  } else {
    out += path;
  }
  if (!rest.empty()) {
    out += rest[0];
    out += kHidden;
  }
  return out;
}

}  // namespace lode

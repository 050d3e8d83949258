// Where a peer listens.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace lode::net {

struct Endpoint {
  std::string host;  ///< IPv4 or IPv6 literal without brackets, or a name
  std::uint16_t port = 0;

  /// "host:port", with brackets around IPv6.
  std::string to_string() const;
  bool operator==(const Endpoint&) const = default;
};

/// "127.0.0.1:8093", "[::1]:8093", "host:8093"; a bare ":8093" or "8093" means 127.0.0.1.
Result<Endpoint> parse_endpoint(std::string_view text);

/// An "http://host[:port][/path]" address; port 80 and path "/" when absent. Other schemes,
/// user names and fragments are Errc::invalid_input.
struct HttpUrl {
  Endpoint endpoint;
  std::string path = "/";
  bool operator==(const HttpUrl&) const = default;
};
Result<HttpUrl> parse_http_url(std::string_view text);

/// A "ws://host[:port][/path]" or "wss://..." address; ports 80 and 443 when absent. Errors as for
/// parse_http_url. The path may hold an operator's key: log `to_string()`, which leaves it out.
struct WsUrl {
  bool is_tls = false;
  Endpoint endpoint;
  std::string target = "/";  ///< path and query

  /// "wss://host:port"
  std::string to_string() const { return (is_tls ? "wss://" : "ws://") + endpoint.to_string(); }
};
Result<WsUrl> parse_ws_url(std::string_view text);

}  // namespace lode::net

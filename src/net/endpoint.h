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
};
Result<HttpUrl> parse_http_url(std::string_view text);

}  // namespace lode::net

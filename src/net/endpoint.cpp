#include "net/endpoint.h"

#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>
#include <charconv>

#include "base/redact.h"

namespace lode::net {
namespace {

Result<std::uint16_t> parse_port(std::string_view text, std::string_view whole) {
  std::uint16_t port = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (ec != std::errc() || end != text.data() + text.size() || text.empty()) {
    return fail(Errc::invalid_input,
                "endpoint '" + redact_url(whole) + "': a port from 0 to 65535 was expected");
  }
  return port;
}

}  // namespace

std::string Endpoint::to_string() const {
  const bool ipv6 = host.find(':') != std::string::npos;
  return (ipv6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

Result<Endpoint> parse_endpoint(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  std::string_view host = colon == text.npos ? std::string_view() : text.substr(0, colon);
  const std::string_view port_text = colon == text.npos ? text : text.substr(colon + 1);
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != host.npos) {
    return fail(Errc::invalid_input,
                "endpoint '" + std::string(text) + "': IPv6 needs brackets, as in [::1]:8093");
  }
  LODE_TRY(const std::uint16_t port, parse_port(port_text, text));
  return Endpoint{host.empty() ? "127.0.0.1" : std::string(host), port};
}

Result<HttpUrl> parse_http_url(std::string_view text) {
  const auto parsed = boost::urls::parse_uri(boost::core::string_view(text.data(), text.size()));
  if (!parsed || parsed->scheme() != "http" || parsed->has_userinfo() || parsed->has_fragment() ||
      parsed->host().empty()) {
    return fail(Errc::invalid_input,
                "'" + redact_url(text) + "': an address like http://127.0.0.1:8093 was expected");
  }
  std::string host(parsed->host_address());
  std::uint16_t port = 80;
  if (parsed->has_port()) {
    const auto port_text = parsed->port();
    LODE_TRY(port, parse_port({port_text.data(), port_text.size()}, text));
  }
  std::string path(parsed->encoded_target());
  return HttpUrl{{std::move(host), port}, path.empty() ? "/" : std::move(path)};
}

Result<WsUrl> parse_ws_url(std::string_view text) {
  const auto parsed = boost::urls::parse_uri(boost::core::string_view(text.data(), text.size()));
  if (!parsed || (parsed->scheme() != "ws" && parsed->scheme() != "wss") ||
      parsed->has_userinfo() || parsed->has_fragment() || parsed->host().empty()) {
    return fail(Errc::invalid_input,
                "'" + redact_url(text) + "': an address like wss://node.example:443 was expected");
  }
  WsUrl url;
  url.is_tls = parsed->scheme() == "wss";
  url.endpoint = {std::string(parsed->host_address()),
                  static_cast<std::uint16_t>(url.is_tls ? 443 : 80)};
  if (parsed->has_port()) {
    const auto port_text = parsed->port();
    LODE_TRY(url.endpoint.port, parse_port({port_text.data(), port_text.size()}, text));
  }
  if (const std::string target(parsed->encoded_target()); !target.empty()) {
    url.target = target;
  }
  return url;
}

}  // namespace lode::net

#include "lode/fetch_json.h"

#include <nlohmann/json.hpp>

#include "net/http_client.h"
#include "net/run_to_end.h"

namespace lode::commands {

namespace asio = boost::asio;

Result<nlohmann::json> fetch_json(const net::Endpoint& peer, const std::string& target,
                                  Duration timeout) {
  asio::io_context context(1);
  const net::Exchange exchange =
      net::run_to_end(context, net::fetch(peer, {"GET", target, {}, {}, {}, 0},
                                          {.total_timeout = timeout, .body_bytes = 16 << 20}));
  if (!exchange.response) {
    return exchange.response.error();
  }
  auto json = nlohmann::json::parse(exchange.response->body, nullptr, false);
  if (exchange.response->status != 200 || !json.is_object()) {
    return fail(Errc::peer_failure, peer.to_string() + target + ": status " +
                                        std::to_string(exchange.response->status) +
                                        ", a JSON object was expected");
  }
  return json;
}

}  // namespace lode::commands

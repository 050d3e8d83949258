// The steps before any protocol: reaching a peer, and being reachable.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/tcp_stream.hpp>

#include "base/clock.h"
#include "net/endpoint.h"

namespace lode::net {

/// Resolves and connects; `timeout` is for the connection itself and is left armed.
boost::asio::awaitable<boost::system::error_code> connect(boost::beast::tcp_stream& stream,
                                                          const Endpoint& peer, Duration timeout);

/// Binds and listens. Port 0 picks a free one; the bound endpoint is returned.
Result<Endpoint> listen(boost::asio::ip::tcp::acceptor& acceptor, const Endpoint& where);

}  // namespace lode::net

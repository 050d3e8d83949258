// The steps before any protocol: reaching a peer, and being reachable.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <functional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "net/endpoint.h"
#include "net/task_group.h"

namespace lode::net {

/// Resolves and connects; `timeout` is for the connection itself and is left armed.
boost::asio::awaitable<boost::system::error_code> connect(boost::beast::tcp_stream& stream,
                                                          const Endpoint& peer, Duration timeout);

/// Binds and listens. Port 0 picks a free one; the bound endpoint is returned.
Result<Endpoint> listen(boost::asio::ip::tcp::acceptor& acceptor, const Endpoint& where);

/// Spawns `serve`, under `name`, for every connection that is accepted, until the acceptor is
/// closed. Above `max_connections` tasks a connection is dropped at once.
boost::asio::awaitable<void> accept_loop(
    boost::asio::ip::tcp::acceptor& acceptor, TaskGroup& tasks, std::size_t max_connections,
    std::string name,
    std::function<boost::asio::awaitable<void>(boost::asio::ip::tcp::socket)> serve);

/// What went wrong with a peer while doing something: a deadline, a cancellation, or the system's
/// own words.
Error to_error(const boost::system::error_code& code, const std::string& peer,
               std::string_view doing);

/// The same where the protocol knows better words and kind.
Error to_error(Errc kind, std::string_view what, const std::string& peer, std::string_view doing);

}  // namespace lode::net

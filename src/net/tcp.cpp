#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/error.hpp>

#include "net/tcp_internal.h"

namespace lode::net {

namespace asio = boost::asio;
namespace beast = boost::beast;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr auto kToken = asio::as_tuple(asio::use_awaitable);

}  // namespace

asio::awaitable<error_code> connect(beast::tcp_stream& stream, const Endpoint& peer,
                                    Duration timeout) {
  stream.expires_after(timeout);
  error_code not_literal;
  const auto address = asio::ip::make_address(peer.host, not_literal);
  if (!not_literal) {
    auto [ec] = co_await stream.async_connect(tcp::endpoint(address, peer.port), kToken);
    co_return ec;
  }
  tcp::resolver resolver(co_await asio::this_coro::executor);
  auto [resolve_ec, found] =
      co_await resolver.async_resolve(peer.host, std::to_string(peer.port), kToken);
  if (resolve_ec) {
    co_return resolve_ec;
  }
  auto [ec, where] = co_await stream.async_connect(found, kToken);
  co_return ec;
}

Result<Endpoint> listen(tcp::acceptor& acceptor, const Endpoint& where) {
  error_code ec;
  const auto address = asio::ip::make_address(where.host, ec);
  if (ec) {
    return fail(Errc::invalid_input, where.to_string() + ": an IP address to listen on expected");
  }
  const tcp::endpoint endpoint(address, where.port);
  acceptor.open(endpoint.protocol(), ec);
  if (!ec) {
    acceptor.set_option(tcp::acceptor::reuse_address(true), ec);
  }
  if (!ec) {
    acceptor.bind(endpoint, ec);
  }
  if (!ec) {
    acceptor.listen(asio::socket_base::max_listen_connections, ec);
  }
  if (ec) {
    return fail(Errc::io_failure, where.to_string() + ": listen: " + ec.message());
  }
  const auto bound = acceptor.local_endpoint();
  return Endpoint{bound.address().to_string(), bound.port()};
}

asio::awaitable<void> accept_loop(tcp::acceptor& acceptor, TaskGroup& tasks,
                                  std::size_t max_connections, std::string name,
                                  std::function<asio::awaitable<void>(tcp::socket)> serve) {
  while (acceptor.is_open()) {
    auto [ec, socket] = co_await acceptor.async_accept(kToken);
    if (ec == asio::error::operation_aborted || !acceptor.is_open()) {
      co_return;
    }
    if (ec) {  // out of descriptors, say: pause, so that the loop does not spin
      asio::steady_timer pause(acceptor.get_executor(), std::chrono::milliseconds(100));
      co_await pause.async_wait(kToken);
      continue;
    }
    if (tasks.size() <= max_connections) {  // this loop is one of them
      tasks.spawn(name, serve(std::move(socket)));
    }
  }
}

Error to_error(Errc kind, std::string_view what, const std::string& peer, std::string_view doing) {
  return fail(kind, peer + ": " + std::string(doing) + ": " + std::string(what));
}

Error to_error(const error_code& code, const std::string& peer, std::string_view doing) {
  if (code == beast::error::timeout) {
    return to_error(Errc::timed_out, "deadline passed", peer, doing);
  }
  const Errc kind = code == asio::error::operation_aborted ? Errc::cancelled : Errc::peer_failure;
  return to_error(kind, code.message(), peer, doing);
}

}  // namespace lode::net

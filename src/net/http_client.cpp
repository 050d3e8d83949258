#include "net/http_client.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>

#include "net/tcp_internal.h"

namespace lode::net {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using boost::system::error_code;

namespace {

constexpr auto kToken = asio::as_tuple(asio::use_awaitable);

/// With HTTP's own words.
Error http_error(const error_code& code, const Endpoint& peer, std::string_view doing) {
  if (code == http::error::body_limit || code == http::error::header_limit) {
    return to_error(Errc::limit_exceeded, "the reply is longer than allowed", peer.to_string(),
                    doing);
  }
  if (code == http::error::end_of_stream || code == http::error::partial_message) {
    return to_error(Errc::peer_failure, "connection closed before the reply was whole",
                    peer.to_string(), doing);
  }
  return to_error(code, peer.to_string(), doing);
}

http::request<http::string_body> to_beast(const Endpoint& peer, HttpRequest&& request) {
  http::request<http::string_body> message(http::string_to_verb(request.method), request.target,
                                           11);
  message.set(http::field::host, peer.to_string());
  for (const auto& [name, value] : request.headers) {
    message.insert(name, value);
  }
  message.set(http::field::connection, "close");
  message.body() = std::move(request.body);
  message.prepare_payload();
  return message;
}

HttpResponse from_beast(http::response<http::string_body>&& message) {
  HttpResponse response;
  response.status = static_cast<int>(message.result_int());
  for (const auto& field : message) {
    response.headers.add(std::string(field.name_string()), std::string(field.value()));
  }
  response.body = std::move(message.body());
  return response;
}

asio::awaitable<error_code> send(beast::tcp_stream& stream,
                                 const http::request<http::string_body>& message) {
  auto [ec, bytes] = co_await http::async_write(stream, message, kToken);
  co_return ec;
}

asio::awaitable<error_code> receive(beast::tcp_stream& stream, beast::flat_buffer& buffer,
                                    http::response_parser<http::string_body>& parser) {
  auto [ec, bytes] = co_await http::async_read(stream, buffer, parser, kToken);
  co_return ec;
}

}  // namespace

asio::awaitable<Exchange> fetch(Endpoint peer, HttpRequest request, FetchLimits limits) {
  using asio::experimental::awaitable_operators::operator&&;
  beast::tcp_stream stream(co_await asio::this_coro::executor);
  const auto began = std::chrono::steady_clock::now();
  if (const error_code ec = co_await connect(stream, peer, limits.connect_timeout)) {
    co_return Exchange{http_error(ec, peer, "connect"), false};
  }
  const Duration connecting = std::chrono::steady_clock::now() - began;
  stream.expires_after(limits.total_timeout);
  const auto message = to_beast(peer, std::move(request));
  beast::flat_buffer buffer;
  http::response_parser<http::string_body> parser;
  parser.header_limit(static_cast<std::uint32_t>(limits.header_bytes));
  parser.body_limit(limits.body_bytes);
  // Reading while writing: a server may refuse from the head alone and close.
  const auto [write_ec, read_ec] =
      co_await (send(stream, message) && receive(stream, buffer, parser));
  if (!read_ec) {
    co_return Exchange{from_beast(parser.release()), true, connecting};
  }
  co_return Exchange{http_error(read_ec, peer, "reply"), true, connecting};
}

}  // namespace lode::net

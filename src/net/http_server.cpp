#include "net/http_server.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>

#include "base/http_date.h"
#include "net/tcp_internal.h"

namespace lode::net {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr auto kToken = asio::as_tuple(asio::use_awaitable);
using Parser = http::request_parser<http::string_body>;

HttpRequest head_of(const Parser& parser, const tcp::endpoint& peer) {
  const auto& message = parser.get();
  HttpRequest request;
  request.method = std::string(message.method_string());
  request.target = std::string(message.target());
  for (const auto& field : message) {
    request.headers.add(std::string(field.name_string()), std::string(field.value()));
  }
  request.peer_ip = peer.address().to_string();
  request.peer_port = peer.port();
  return request;
}

http::response<http::string_body> to_beast(HttpResponse&& response, bool keep_alive) {
  http::response<http::string_body> message;
  message.version(11);
  message.result(static_cast<unsigned>(response.status));
  for (const auto& [name, value] : response.headers) {
    message.insert(name, value);
  }
  if (response.headers.find("date") ==
      nullptr) {  // as uvicorn: peers tell their clock's skew by it
    message.set(http::field::date, http_date(SystemClock().now()));
  }
  message.keep_alive(keep_alive);
  message.body() = std::move(response.body);
  message.prepare_payload();
  return message;
}

HttpResponse plain(int status, const char* text) {
  return make_response(status, "text/plain; charset=utf-8", std::string(text) + "\n");
}

}  // namespace

struct HttpServer::State {
  State(asio::any_io_executor executor, HttpHandler& handler_in, ServerLimits limits_in,
        TaskGroup::OnFailure on_failure_in)
      : handler(handler_in),
        limits(limits_in),
        on_failure(on_failure_in),
        acceptor(executor),
        tasks(executor, std::move(on_failure_in)) {}

  asio::awaitable<void> serve(tcp::socket socket);
  /// Reads and answers one request; false when the connection is to be closed.
  asio::awaitable<bool> serve_one(beast::tcp_stream& stream, beast::flat_buffer& buffer,
                                  const tcp::endpoint& peer);
  /// The handler's answer, or nothing when the connection is to be dropped.
  asio::awaitable<std::optional<HttpResponse>> answer(HttpRequest request);
  asio::awaitable<bool> write(beast::tcp_stream& stream, HttpResponse response, bool keep_alive);

  HttpHandler& handler;
  ServerLimits limits;
  TaskGroup::OnFailure on_failure;
  tcp::acceptor acceptor;
  TaskGroup tasks;
};

asio::awaitable<void> HttpServer::State::serve(tcp::socket socket) {
  error_code ec;
  const tcp::endpoint peer = socket.remote_endpoint(ec);
  if (ec) {
    co_return;
  }
  socket.set_option(tcp::no_delay(true), ec);
  beast::tcp_stream stream(std::move(socket));
  beast::flat_buffer buffer;
  while (!tasks.is_cancelled() && co_await serve_one(stream, buffer, peer)) {
  }
  stream.socket().shutdown(tcp::socket::shutdown_send, ec);
}

asio::awaitable<bool> HttpServer::State::serve_one(beast::tcp_stream& stream,
                                                   beast::flat_buffer& buffer,
                                                   const tcp::endpoint& peer) {
  Parser parser;
  parser.header_limit(static_cast<std::uint32_t>(limits.header_bytes));
  parser.body_limit(limits.body_bytes);
  stream.expires_after(buffer.size() == 0 ? limits.header_timeout : limits.idle_timeout);
  auto [head_ec, head_bytes] = co_await http::async_read_header(stream, buffer, parser, kToken);
  if (head_ec == http::error::header_limit) {
    co_await write(stream, plain(431, "request header too long"), false);
    co_return false;
  }
  if (head_ec == http::error::body_limit) {
    co_await write(stream, plain(413, "request body too long"), false);
    co_return false;
  }
  if (head_ec) {
    co_return false;  // closed, timed out or not HTTP: nobody to answer
  }
  HttpRequest request = head_of(parser, peer);
  if (auto early = handler.on_head(request)) {
    co_await write(stream, std::move(*early), false);
    co_return false;
  }
  if (beast::iequals(parser.get()[http::field::expect], "100-continue")) {
    http::response<http::empty_body> go_on(http::status::continue_, 11);
    auto [ec, n] = co_await http::async_write(stream, go_on, kToken);
    if (ec) {
      co_return false;
    }
  }
  stream.expires_after(limits.body_timeout);
  auto [body_ec, body_bytes] = co_await http::async_read(stream, buffer, parser, kToken);
  if (body_ec == http::error::body_limit) {
    co_await write(stream, plain(413, "request body too long"), false);
    co_return false;
  }
  if (body_ec) {
    co_return false;
  }
  const bool keep_alive = parser.get().keep_alive();
  request.body = std::move(parser.get().body());
  stream.expires_never();
  std::optional<HttpResponse> response = co_await answer(std::move(request));
  if (!response) {
    co_return false;
  }
  co_return co_await write(stream, *std::move(response), keep_alive) && keep_alive;
}

asio::awaitable<std::optional<HttpResponse>> HttpServer::State::answer(HttpRequest request) {
  const std::string target = request.method + " " + request.target;
  try {
    co_return co_await handler.on_request(std::move(request));
  } catch (const CloseConnection&) {
    co_return std::nullopt;
  } catch (const boost::system::system_error& error) {
    if (error.code() == asio::error::operation_aborted) {
      throw;  // the server is closing
    }
    on_failure(target, error.what());
  } catch (const std::exception& error) {
    on_failure(target, error.what());
  }
  co_return plain(500, "internal error");
}

asio::awaitable<bool> HttpServer::State::write(beast::tcp_stream& stream, HttpResponse response,
                                               bool keep_alive) {
  const auto message = to_beast(std::move(response), keep_alive);
  stream.expires_after(limits.write_timeout);
  auto [ec, bytes] = co_await http::async_write(stream, message, kToken);
  co_return !ec;
}

HttpServer::HttpServer(asio::any_io_executor executor, HttpHandler& handler, ServerLimits limits,
                       TaskGroup::OnFailure on_failure)
    : state_(std::make_unique<State>(executor, handler, limits, std::move(on_failure))) {}

HttpServer::~HttpServer() = default;

Result<Endpoint> HttpServer::listen(const Endpoint& where) {
  LODE_TRY(Endpoint bound, net::listen(state_->acceptor, where));
  state_->tasks.spawn("accept",
                      accept_loop(state_->acceptor, state_->tasks, state_->limits.max_connections,
                                  "connection", [state = state_.get()](tcp::socket socket) {
                                    return state->serve(std::move(socket));
                                  }));
  return bound;
}

void HttpServer::close() {
  error_code ignored;
  state_->acceptor.close(ignored);
  state_->tasks.cancel();
}

asio::awaitable<void> HttpServer::join() { co_await state_->tasks.join(); }

}  // namespace lode::net

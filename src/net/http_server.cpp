#include "net/http_server.h"

#include <poll.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
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

/// Whether the other side has closed, half-closed or reset the connection. Unlike reading, this
/// sees past a pipelined request that nobody reads yet.
bool has_left(tcp::socket& socket) {
  pollfd state{socket.native_handle(), POLLRDHUP, 0};
  return ::poll(&state, 1, 0) > 0 && (state.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

/// Ends when the client has left, or with operation_aborted.
asio::awaitable<void> watch_for_leaving(tcp::socket& socket) {
  // While unread bytes wait, readiness says nothing new, so that the state is looked at this often.
  constexpr auto kInterval = std::chrono::milliseconds(100);
  asio::steady_timer pause(co_await asio::this_coro::executor);
  while (!has_left(socket)) {
    error_code ec;
    if (socket.available(ec) == 0 && !ec) {
      co_await socket.async_wait(tcp::socket::wait_read, asio::use_awaitable);
    } else {
      pause.expires_after(kInterval);
      co_await pause.async_wait(asio::use_awaitable);
    }
  }
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
  /// As answer(), and nothing as soon as the client has left: the handler is cancelled.
  asio::awaitable<std::optional<HttpResponse>> answer_unless_left(HttpRequest request,
                                                                  tcp::socket& client);
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
  auto answering = handler.stops_when_client_leaves()
                       ? answer_unless_left(std::move(request), stream.socket())
                       : answer(std::move(request));
  std::optional<HttpResponse> response = co_await std::move(answering);
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

asio::awaitable<std::optional<HttpResponse>> HttpServer::State::answer_unless_left(
    HttpRequest request, tcp::socket& client) {
  using asio::experimental::awaitable_operators::operator||;
  auto answering = answer(std::move(request));
  auto watching = watch_for_leaving(client);
  auto first = co_await (std::move(answering) || std::move(watching));
  if (first.index() == 1) {
    co_return std::nullopt;
  }
  co_return std::get<0>(std::move(first));
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

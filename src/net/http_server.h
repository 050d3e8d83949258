// An HTTP/1.1 server on Asio coroutines.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <memory>
#include <optional>

#include "base/clock.h"
#include "base/http_message.h"
#include "net/endpoint.h"
#include "net/task_group.h"

namespace lode::net {

/// Thrown by HttpHandler::on_request to end the connection without any answer.
struct CloseConnection {};

/// What a server does with its requests. Called on the server's thread; one call per connection at
/// a time, many connections interleaved.
class HttpHandler {
 public:
  virtual ~HttpHandler() = default;

  /// Sees the head before any of the body is read (`request.body` is empty). A response given here
  /// is sent and the connection closed; nothing means: read the body and call on_request.
  virtual std::optional<HttpResponse> on_head(const HttpRequest& request) {
    (void)request;
    return std::nullopt;
  }

  /// Answers a whole request. CloseConnection drops it; any other exception becomes a 500 and is
  /// handed to the server's on_failure.
  virtual boost::asio::awaitable<HttpResponse> on_request(HttpRequest request) = 0;

  /// Whether on_request is cancelled (operation_aborted at what it awaits) when the client closes,
  /// half-closes or resets the connection before it has its answer. What such a client pipelined
  /// behind the request is not read.
  virtual bool stops_when_client_leaves() const { return false; }
};

struct ServerLimits {
  std::size_t header_bytes = 16 << 10;  ///< as uvicorn's h11 parser
  std::size_t body_bytes = 1 << 20;     ///< longer requests get 413
  Duration header_timeout = std::chrono::seconds(10);
  Duration idle_timeout = std::chrono::seconds(5);  ///< between requests; as uvicorn
  Duration body_timeout = std::chrono::seconds(60);
  Duration write_timeout = std::chrono::seconds(60);
  std::size_t max_connections = 512;  ///< above this new connections are closed at once
};

class HttpServer {
 public:
  /// `handler` must outlive the server.
  HttpServer(boost::asio::any_io_executor executor, HttpHandler& handler, ServerLimits limits,
             TaskGroup::OnFailure on_failure);
  ~HttpServer();

  /// Binds and starts accepting. Port 0 picks a free one; the bound endpoint is returned.
  Result<Endpoint> listen(const Endpoint& where);

  /// Stops accepting and asks every connection to end.
  void close();

  /// Ends when, after close(), no connection is left.
  boost::asio::awaitable<void> join();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace lode::net

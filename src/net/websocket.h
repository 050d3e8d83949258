// WebSocket connections, with TLS or without, as streams of text messages.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "net/endpoint.h"
#include "net/task_group.h"

namespace lode::net {

struct WebSocketLimits {
  Duration connect_timeout = std::chrono::seconds(10);  ///< each of TCP, TLS and the upgrade
  Duration idle_timeout = std::chrono::seconds(60);     ///< without any frame, pings included
  std::size_t message_bytes = 1 << 20;                  ///< longer ones end the connection
  std::size_t max_connections = 64;                     ///< server only
};

/// Whom a client trusts besides the system's certificate authorities.
struct TlsTrust {
  std::filesystem::path extra_authorities;  ///< PEM file, or empty
};

/// One open connection. One send() and one receive() may be under way at a time.
class WebSocket {
 public:
  virtual ~WebSocket() = default;

  virtual boost::asio::awaitable<Result<void>> send(std::string text) = 0;
  /// The next message. Errc::peer_failure when the peer has closed, limit_exceeded, timed_out,
  /// cancelled after close(); each names the peer.
  virtual boost::asio::awaitable<Result<std::string>> receive() = 0;
  /// Drops the connection; what is under way ends.
  virtual void close() = 0;
};

/// Connects to a server. With TLS the certificate must be valid now, for this name, and signed by
/// someone trusted; errors say which of these it is not. They name the peer without its path.
boost::asio::awaitable<Result<std::unique_ptr<WebSocket>>> connect_websocket(WsUrl url,
                                                                             WebSocketLimits limits,
                                                                             TlsTrust trust);

/// A server without TLS.
class WebSocketServer {
 public:
  /// What to do with a connection; it is closed when this ends.
  using Session = std::function<boost::asio::awaitable<void>(std::shared_ptr<WebSocket>)>;

  WebSocketServer(boost::asio::any_io_executor executor, Session session, WebSocketLimits limits,
                  TaskGroup::OnFailure on_failure);
  ~WebSocketServer();

  /// Binds and starts accepting. Port 0 picks a free one; the bound endpoint is returned.
  Result<Endpoint> listen(const Endpoint& where);
  /// Stops accepting and drops every connection.
  void close();
  /// Ends when, after close(), no connection is left.
  boost::asio::awaitable<void> join();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace lode::net

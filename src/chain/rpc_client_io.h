// Calls to subtensor nodes over WebSocket: the loop that obeys an RpcSession.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <functional>
#include <map>
#include <memory>

#include "base/bytes.h"
#include "chain/rpc_session.h"
#include "net/task_group.h"
#include "net/websocket.h"

namespace lode::chain {

struct RpcClientConfig {
  std::vector<std::string> urls;  ///< "ws://..." or "wss://...", in order of preference
  RpcConfig session;              ///< its endpoints are filled in from `urls`
  net::TlsTrust trust;
  std::uint64_t seed = 1;  ///< of the pauses' jitter
  /// A metagraph of 256 neurons takes 60 KB of hex, the older calls 2 MB; a node that sends much
  /// more is broken.
  std::size_t message_bytes = 16 << 20;
};

/// One connection at a time, kept up by itself. One thread.
class RpcClient {
 public:
  using Json = RpcSession::Json;

  /// Errc::invalid_input when an address is none.
  static Result<std::unique_ptr<RpcClient>> make(boost::asio::any_io_executor executor,
                                                 RpcClientConfig config);

  void start();
  /// Ends everything; calls under way end with Errc::cancelled.
  void close();
  boost::asio::awaitable<void> join();

  /// Waits for a connection if there is none, at most the session's call timeout. Errors name the
  /// node or the method.
  boost::asio::awaitable<Result<Json>> call(std::string method, Json params);
  /// `state_call`: the SCALE bytes that a runtime API method answers.
  boost::asio::awaitable<Result<Bytes>> call_runtime(std::string method, Bytes arguments,
                                                     std::string at_block = {});

  /// `on_head` is given the number of every new best block.
  void watch_heads(std::function<void(std::uint64_t)> on_head);

  const boost::asio::any_io_executor& executor() const { return executor_; }
  bool is_connected() const { return session_.is_connected(); }
  const std::string& endpoint() const { return session_.endpoint(); }
  /// The last trouble with a connection, or empty.
  const std::string& last_trouble() const { return last_trouble_; }
  /// Bytes of messages received.
  std::uint64_t received_bytes() const { return received_bytes_; }

 private:
  struct Waiter {
    explicit Waiter(const boost::asio::any_io_executor& executor)
        : ready(executor, boost::asio::steady_timer::time_point::max()) {}
    boost::asio::steady_timer ready;
    std::optional<Result<Json>> result;
  };
  struct Connection {
    std::shared_ptr<net::WebSocket> socket;
    std::deque<std::string> outbox;
    bool is_writing = false;
  };

  RpcClient(boost::asio::any_io_executor executor, RpcClientConfig config,
            std::vector<net::WsUrl> urls);
  void obey();
  void carry_out(RpcSession::Action action);
  void drop_connection();
  boost::asio::awaitable<void> keep_time();
  boost::asio::awaitable<void> connect(std::size_t endpoint, std::uint64_t attempt);
  boost::asio::awaitable<void> write(std::shared_ptr<Connection> connection);
  Time now() const { return clock_.now(); }

  boost::asio::any_io_executor executor_;
  RpcClientConfig config_;
  std::vector<net::WsUrl> urls_;
  SystemClock clock_;
  RpcSession session_;
  net::TaskGroup tasks_;
  boost::asio::steady_timer due_;
  std::shared_ptr<Connection> connection_;
  std::uint64_t attempt_ = 0;  ///< of connecting; what older ones bring is dropped
  std::map<RpcSession::CallId, std::shared_ptr<Waiter>> waiters_;
  std::map<std::size_t, std::function<void(std::uint64_t)>> head_watchers_;
  std::string last_trouble_;
  std::uint64_t received_bytes_ = 0;
  bool is_closed_ = false;
};

/// "0x1a2b" as a number, for block numbers.
Result<std::uint64_t> parse_hex_number(const RpcSession::Json& value);

}  // namespace lode::chain

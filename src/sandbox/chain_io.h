// The sandbox's subtensor node on a WebSocket port, with faults on command.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <deque>
#include <memory>
#include <nlohmann/json_fwd.hpp>

#include "net/task_group.h"
#include "net/websocket.h"
#include "sandbox/chain_node.h"

namespace lode::sandbox {

/// What goes wrong with a request.
enum class ChainFault {
  none,
  drop,      ///< the connection is closed instead of an answer
  silence,   ///< no answer
  delay,     ///< the answer comes late
  garbage,   ///< the answer is no JSON
  truncate,  ///< the answer's bytes are cut in half
  reorder    ///< the answer comes after the next one
};

struct ChainIoConfig {
  Duration block_time = std::chrono::seconds(12);
};

class ChainIo {
 public:
  /// `node` must outlive this.
  ChainIo(boost::asio::any_io_executor executor, ChainNode& node, ChainIoConfig config);

  Result<net::Endpoint> listen(const net::Endpoint& where);
  void close();
  boost::asio::awaitable<void> join();

  /// A command of the control port: `{"do": "register"|"deregister", "hotkey"}`,
  /// `{"do": "neuron", "hotkey", "ip"?, "port"?, "stake"?, "validator_permit"?}`,
  /// `{"do": "runtime", "name"}`, `{"do": "stop_blocks"|"start_blocks"}`, or
  /// `{"do": "fault", "kind", "count"?, "seconds"?}` for the next `count` requests. The reply, or
  /// Errc::invalid_input naming the key.
  Result<nlohmann::ordered_json> command(const nlohmann::ordered_json& order);
  /// {block, neurons, requests, connections, faults}
  nlohmann::ordered_json status() const;

 private:
  struct Client;
  boost::asio::awaitable<void> serve(std::shared_ptr<net::WebSocket> socket);
  boost::asio::awaitable<void> make_blocks();
  boost::asio::awaitable<void> write(std::shared_ptr<Client> client);
  boost::asio::awaitable<void> reply_late(std::shared_ptr<Client> client, std::string text,
                                          Duration delay);
  void reply(const std::shared_ptr<Client>& client, std::string text);
  void push(const std::shared_ptr<Client>& client, std::string text);
  ChainFault draw_fault();
  Result<nlohmann::ordered_json> change_neuron(const nlohmann::ordered_json& order);
  Result<nlohmann::ordered_json> order_faults(const nlohmann::ordered_json& order);

  boost::asio::any_io_executor executor_;
  ChainNode& node_;
  ChainIoConfig config_;
  net::TaskGroup tasks_;
  net::WebSocketServer server_;
  std::vector<std::weak_ptr<Client>> clients_;
  ChainFault fault_ = ChainFault::none;
  std::int64_t faults_left_ = 0;
  Duration fault_delay_{};
  bool makes_blocks_ = true;
  std::int64_t requests_ = 0, connections_ = 0, faults_ = 0;
};

}  // namespace lode::sandbox

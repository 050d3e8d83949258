// The conversation with subtensor nodes in JSON-RPC 2.0: events in, actions out, no sockets.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/rng.h"

namespace lode::chain {

struct RpcConfig {
  std::vector<std::string> endpoints;  ///< names for messages, in order of preference; at least one
  Duration call_timeout = std::chrono::seconds(20);
  Duration connect_timeout = std::chrono::seconds(15);
  /// Pause after every endpoint has failed once, doubled each round; half of it is random, so that
  /// miners do not come back to a restarted node all at once.
  Duration first_pause = std::chrono::milliseconds(500);
  Duration longest_pause = std::chrono::seconds(60);
  /// With a subscription to new heads a sound node is never silent for five blocks.
  Duration longest_silence = std::chrono::seconds(60);
  /// Calls that time out one after the other before the node is given up.
  int max_timeouts = 2;
};

/// Calls and subscriptions over one connection at a time. A lost connection is made again, at the
/// next endpoint first; calls under way are asked again there until their time is up (all are
/// reads), and subscriptions are renewed.
class RpcSession {
 public:
  using Json = nlohmann::ordered_json;
  using CallId = std::uint64_t;

  /// Open a connection to `endpoint` (index) and report on_connected or on_disconnected.
  struct Connect {
    std::size_t endpoint = 0;
  };
  struct Send {
    std::string text;
  };
  /// Drop the connection, or the attempt, without a report.
  struct Close {};
  /// A call has ended. Errc::unsupported when the node does not know the method, peer_failure for
  /// its other errors, timed_out.
  struct Done {
    CallId id = 0;
    Result<Json> result;
  };
  struct Notification {
    std::size_t subscription = 0;  ///< as subscribe() numbered it
    Json value;
  };
  /// Something for the log.
  struct Note {
    bool is_trouble = false;
    std::string text;
  };
  using Action = std::variant<Connect, Send, Close, Done, Notification, Note>;

  RpcSession(RpcConfig config, std::uint64_t seed);

  // ---- wishes ----
  void start(Time now);
  CallId call(std::string method, Json params, Time now);
  /// Kept over reconnections. Numbered from 0.
  std::size_t subscribe(std::string method, Time now);

  // ---- events ----
  void on_connected(Time now);
  void on_disconnected(const Error& error, Time now);  ///< also for an attempt that failed
  void on_text(std::string_view text, Time now);
  void on_time(Time now);

  // ---- what to do ----
  std::vector<Action> take_actions();
  std::optional<Time> next_due() const;

  bool is_connected() const { return state_ == State::connected; }
  /// The endpoint in use or tried.
  const std::string& endpoint() const { return config_.endpoints[endpoint_]; }

 private:
  enum class State { idle, connecting, connected, pausing };
  struct Call {
    std::string method;
    Json params;
    Time deadline{};
    bool is_sent = false;
    std::optional<std::size_t> subscription;  ///< a call that renews it
  };
  struct Subscription {
    std::string method;
    std::string id;  ///< the node's, as JSON text; empty: none yet
  };

  void connect(Time now);
  void lose(const Error& error, Time now);
  void send_waiting();
  void renew(std::size_t subscription, Time now);
  void on_reply(const Json& message);
  void on_notification(const Json& message, Time now);
  void note(bool is_trouble, std::string text) { actions_.push_back(Note{is_trouble, text}); }
  void end_overdue_calls(Time now);

  RpcConfig config_;
  Rng rng_;
  State state_ = State::idle;
  Time until_{};        ///< connecting: gives up; pausing: tries again
  Time notified_at_{};  ///< connected: last news of a subscription
  std::size_t endpoint_ = 0;
  int failures_ = 0;  ///< connections lost since the last answer
  int timeouts_ = 0;  ///< calls since the last answer
  CallId next_id_ = 1;
  std::map<CallId, Call> calls_;
  std::vector<Subscription> subscriptions_;
  std::vector<Action> actions_;
};

}  // namespace lode::chain

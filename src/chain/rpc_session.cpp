#include "chain/rpc_session.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/assert.h"
#include "base/json.h"

namespace lode::chain {
namespace {

using Json = RpcSession::Json;

constexpr int kMethodNotFound = -32601;
/// A node's own words are quoted up to here.
constexpr std::size_t kMaxQuoted = 300;

std::string quote(const Json& error, const char* key) {
  const auto found = error.find(key);
  if (found == error.end() || !found->is_string()) {
    return "";
  }
  std::string text = found->get<std::string>().substr(0, kMaxQuoted);
  std::replace_if(
      text.begin(), text.end(), [](unsigned char c) { return c < 32; }, ' ');
  return text;
}

/// `{"code":-32601,"message":"Method not found"}` as an Error.
Error error_of(const std::string& method, const Json& error) {
  std::int64_t code = 0;
  std::string text = "an error without a message";
  if (error.is_object()) {
    const auto found = error.find("code");
    code = found != error.end() && found->is_number_integer() ? found->get<std::int64_t>() : 0;
    const std::string message = quote(error, "message"), data = quote(error, "data");
    text = data.empty() ? message : message + ": " + data;
  }
  // Nodes tell of an absent runtime method in words, with a general code.
  const bool is_unknown = code == kMethodNotFound || text.find("is not found") != text.npos;
  return fail(is_unknown ? Errc::unsupported : Errc::peer_failure,
              fmt::format("{}: the node answered error {}: {}", method, code, text));
}

}  // namespace

RpcSession::RpcSession(RpcConfig config, std::uint64_t seed)
    : config_(std::move(config)), rng_(seed) {
  LODE_ASSERT(!config_.endpoints.empty(), "a session has somewhere to go");
}

// ---- wishes ------------------------------------------------------------------------------------

void RpcSession::start(Time now) {
  LODE_ASSERT(state_ == State::idle, "a session is started once");
  connect(now);
}

RpcSession::CallId RpcSession::call(std::string method, Json params, Time now) {
  const CallId id = next_id_++;
  calls_[id] = Call{std::move(method), std::move(params), now + config_.call_timeout, false, {}};
  send_waiting();
  return id;
}

std::size_t RpcSession::subscribe(std::string method, Time now) {
  subscriptions_.push_back({std::move(method), ""});
  if (is_connected()) {
    renew(subscriptions_.size() - 1, now);
  }
  return subscriptions_.size() - 1;
}

void RpcSession::renew(std::size_t subscription, Time now) {
  const CallId id = call(subscriptions_[subscription].method, Json::array(), now);
  calls_[id].subscription = subscription;
}

// ---- events ------------------------------------------------------------------------------------

void RpcSession::connect(Time now) {
  state_ = State::connecting;
  until_ = now + config_.connect_timeout;
  actions_.push_back(Connect{endpoint_});
}

void RpcSession::on_connected(Time now) {
  state_ = State::connected;
  notified_at_ = now;
  timeouts_ = 0;
  note(false, endpoint() + ": connected");
  for (std::size_t i = 0; i < subscriptions_.size(); ++i) {
    renew(i, now);
  }
  send_waiting();
}

void RpcSession::on_disconnected(const Error& error, Time now) { lose(error, now); }

/// Ends this connection or attempt: the next endpoint at once, or all again after a pause.
void RpcSession::lose(const Error& error, Time now) {
  std::erase_if(calls_, [](const auto& entry) { return entry.second.subscription.has_value(); });
  for (auto& [id, call] : calls_) {
    call.is_sent = false;
  }
  for (Subscription& subscription : subscriptions_) {
    subscription.id.clear();
  }
  const int count = static_cast<int>(config_.endpoints.size());
  const std::string failed = error.context.find(endpoint()) == std::string::npos
                                 ? endpoint() + ": " + error.context
                                 : error.context;
  ++failures_;
  endpoint_ = (endpoint_ + 1) % config_.endpoints.size();
  if (failures_ % count != 0) {
    note(true, fmt::format("{}; trying {}", failed, endpoint()));
    connect(now);
    return;
  }
  constexpr int kMostDoublings = 16;
  const int round = std::min(failures_ / count - 1, kMostDoublings);
  const Duration pause =
      std::min<Duration>(config_.first_pause * (1 << round), config_.longest_pause);
  state_ = State::pausing;
  until_ = now + from_seconds(to_seconds(pause) * rng_.uniform(0.5, 1));
  note(true,
       fmt::format("{}; trying {} in {:.1f} s", failed, endpoint(), to_seconds(until_ - now)));
}

void RpcSession::on_text(std::string_view text, Time now) {
  if (!is_connected()) {
    return;
  }
  const auto message = parse_json(text);
  if (!message || !message->is_object()) {
    actions_.push_back(Close{});
    lose(fail(Errc::peer_failure, "the node sent what is no JSON-RPC" +
                                      (message ? std::string() : ": " + message.error().context)),
         now);
    return;
  }
  if (message->contains("method")) {
    on_notification(*message, now);
  } else {
    on_reply(*message);
  }
}

void RpcSession::on_reply(const Json& message) {
  const auto id = message.find("id");
  if (id == message.end() || !id->is_number_unsigned()) {
    note(true, endpoint() + ": a message without id or method is ignored");
    return;
  }
  const auto found = calls_.find(id->get<CallId>());
  if (found == calls_.end() || !found->second.is_sent) {
    return;  // the answer to a call that has timed out
  }
  timeouts_ = 0;
  failures_ = 0;
  const Call call = std::move(found->second);
  const CallId call_id = found->first;
  calls_.erase(found);
  Result<Json> result = fail(Errc::peer_failure, call.method + ": neither result nor error came");
  if (const auto error = message.find("error"); error != message.end()) {
    result = error_of(call.method, *error);
  } else if (const auto value = message.find("result"); value != message.end()) {
    result = Result<Json>(boost::system::in_place_value, *value);
  }
  if (!call.subscription) {
    actions_.push_back(Done{call_id, std::move(result)});
  } else if (result) {
    subscriptions_[*call.subscription].id = result->dump();
  } else {
    note(true, endpoint() + ": " + result.error().context);
  }
}

void RpcSession::on_notification(const Json& message, Time now) {
  const auto params = message.find("params");
  if (params == message.end() || !params->is_object() || !params->contains("subscription") ||
      !params->contains("result")) {
    return;
  }
  const std::string id = params->at("subscription").dump();
  for (std::size_t i = 0; i < subscriptions_.size(); ++i) {
    if (subscriptions_[i].id == id) {
      notified_at_ = now;
      actions_.push_back(Notification{i, params->at("result")});
    }
  }
}

void RpcSession::on_time(Time now) {
  end_overdue_calls(now);
  if (state_ == State::pausing && now >= until_) {
    connect(now);
  } else if (state_ == State::connecting && now >= until_) {
    actions_.push_back(Close{});
    lose(fail(Errc::timed_out,
              fmt::format("no connection within {:g} s", to_seconds(config_.connect_timeout))),
         now);
  } else if (is_connected() && timeouts_ >= config_.max_timeouts) {
    actions_.push_back(Close{});
    lose(fail(Errc::timed_out, fmt::format("{} calls in a row were not answered", timeouts_)), now);
  } else if (is_connected() && !subscriptions_.empty() &&
             now >= notified_at_ + config_.longest_silence) {
    actions_.push_back(Close{});
    lose(fail(Errc::timed_out,
              fmt::format("no new block within {:g} s", to_seconds(config_.longest_silence))),
         now);
  }
}

void RpcSession::end_overdue_calls(Time now) {
  for (auto entry = calls_.begin(); entry != calls_.end();) {
    const Call& call = entry->second;
    if (now < call.deadline) {
      ++entry;
      continue;
    }
    timeouts_ += call.is_sent ? 1 : 0;
    if (!call.subscription) {
      const char* what = call.is_sent ? "no answer" : "no node to ask";
      actions_.push_back(Done{
          entry->first,
          fail(Errc::timed_out, fmt::format("{}: {}: {} within {:g} s", endpoint(), call.method,
                                            what, to_seconds(config_.call_timeout)))});
    }
    entry = calls_.erase(entry);
  }
}

// ---- what to do --------------------------------------------------------------------------------

void RpcSession::send_waiting() {
  if (!is_connected()) {
    return;
  }
  for (auto& [id, call] : calls_) {
    if (!call.is_sent) {
      call.is_sent = true;
      const Json message = {
          {"jsonrpc", "2.0"}, {"id", id}, {"method", call.method}, {"params", call.params}};
      actions_.push_back(Send{message.dump()});
    }
  }
}

std::vector<RpcSession::Action> RpcSession::take_actions() { return std::exchange(actions_, {}); }

std::optional<Time> RpcSession::next_due() const {
  std::optional<Time> next;
  const auto consider = [&next](Time at) { next = next ? std::min(*next, at) : at; };
  if (state_ == State::connecting || state_ == State::pausing) {
    consider(until_);
  }
  if (is_connected() && !subscriptions_.empty()) {
    consider(notified_at_ + config_.longest_silence);
  }
  for (const auto& [id, call] : calls_) {
    consider(call.deadline);
  }
  return next;
}

}  // namespace lode::chain

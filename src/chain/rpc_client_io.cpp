#include "chain/rpc_client_io.h"

#include <spdlog/spdlog.h>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <charconv>

#include "base/encoding.h"

namespace lode::chain {

namespace asio = boost::asio;

namespace {

RpcConfig with_endpoints(RpcConfig config, const std::vector<net::WsUrl>& urls) {
  config.endpoints.clear();
  for (const net::WsUrl& url : urls) {
    config.endpoints.push_back(url.to_string());
  }
  return config;
}

/// The SCALE bytes of a result like "0x0144".
Result<Bytes> bytes_of(const RpcSession::Json& value, const std::string& method) {
  if (!value.is_string()) {
    return fail(Errc::invalid_input, method + ": hexadecimal text was expected");
  }
  auto bytes = hex_decode(value.get_ref<const std::string&>());
  if (!bytes) {
    return annotate(bytes.error(), method);
  }
  return bytes;
}

}  // namespace

Result<std::uint64_t> parse_hex_number(const RpcSession::Json& value) {
  if (value.is_string()) {
    std::string_view text = value.get_ref<const std::string&>();
    text.remove_prefix(text.starts_with("0x") ? 2 : 0);
    std::uint64_t number = 0;
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), number, 16);
    if (ec == std::errc() && end == text.data() + text.size()) {
      return number;
    }
  }
  return fail(Errc::invalid_input, "a hexadecimal number was expected");
}

Result<std::unique_ptr<RpcClient>> RpcClient::make(asio::any_io_executor executor,
                                                   RpcClientConfig config) {
  std::vector<net::WsUrl> urls;
  for (const std::string& text : config.urls) {
    LODE_TRY(urls.emplace_back(), net::parse_ws_url(text));
  }
  if (urls.empty()) {
    return fail(Errc::invalid_input, "no address of a node is given");
  }
  return std::unique_ptr<RpcClient>(
      new RpcClient(std::move(executor), std::move(config), std::move(urls)));
}

RpcClient::RpcClient(asio::any_io_executor executor, RpcClientConfig config,
                     std::vector<net::WsUrl> urls)
    : executor_(executor),
      config_(std::move(config)),
      urls_(std::move(urls)),
      session_(with_endpoints(config_.session, urls_), config_.seed),
      tasks_(executor, [](const std::string& name,
                          const std::string& why) { spdlog::error("chain {}: {}", name, why); }),
      due_(executor) {}

void RpcClient::start() {
  session_.start(now());
  tasks_.spawn("timer", keep_time());
  obey();
}

void RpcClient::close() {
  is_closed_ = true;
  tasks_.cancel();
  drop_connection();
  due_.cancel();
  for (auto& [id, waiter] : waiters_) {
    waiter->ready.cancel();
  }
}

asio::awaitable<void> RpcClient::join() { co_await tasks_.join(); }

asio::awaitable<Result<RpcClient::Json>> RpcClient::call(std::string method, Json params) {
  if (is_closed_) {
    co_return fail(Errc::cancelled, method + ": the connection is being closed");
  }
  const auto id = session_.call(method, std::move(params), now());
  const auto waiter = std::make_shared<Waiter>(executor_);
  waiters_[id] = waiter;
  obey();
  boost::system::error_code woken;
  co_await waiter->ready.async_wait(asio::redirect_error(asio::use_awaitable, woken));
  waiters_.erase(id);
  if (!waiter->result) {
    co_return fail(Errc::cancelled, method + ": cancelled");
  }
  co_return *std::move(waiter->result);
}

asio::awaitable<Result<Bytes>> RpcClient::call_runtime(std::string method, Bytes arguments,
                                                       std::string at_block) {
  Json params = Json::array({method, "0x" + hex_encode(arguments)});
  if (!at_block.empty()) {
    params.push_back(at_block);
  }
  std::string rpc = "state_call";
  const auto reply = co_await call(std::move(rpc), std::move(params));
  if (!reply) {
    co_return annotate(reply.error(), method);
  }
  co_return bytes_of(*reply, method);
}

void RpcClient::watch_heads(std::function<void(std::uint64_t)> on_head) {
  const std::size_t number = session_.subscribe("chain_subscribeNewHeads", now());
  head_watchers_[number] = std::move(on_head);
  obey();
}

/// Carries out what the session has decided, and looks when it next has to decide.
void RpcClient::obey() {
  for (auto actions = session_.take_actions(); !actions.empty();
       actions = session_.take_actions()) {
    for (auto& action : actions) {
      carry_out(std::move(action));
    }
  }
  const auto next = session_.next_due();
  const Duration wait = next ? *next - now() : Duration(std::chrono::hours(1));
  due_.expires_after(std::max(wait, Duration::zero()));  // wakes keep_time, which waits anew
}

void RpcClient::carry_out(RpcSession::Action action) {
  if (const auto* connect_action = std::get_if<RpcSession::Connect>(&action)) {
    drop_connection();
    tasks_.spawn("connection", connect(connect_action->endpoint, attempt_));
  } else if (auto* send = std::get_if<RpcSession::Send>(&action)) {
    connection_->outbox.push_back(std::move(send->text));
    if (!connection_->is_writing) {
      connection_->is_writing = true;
      tasks_.spawn("write", write(connection_));
    }
  } else if (std::holds_alternative<RpcSession::Close>(action)) {
    drop_connection();
  } else if (auto* done = std::get_if<RpcSession::Done>(&action)) {
    if (const auto waiter = waiters_.find(done->id); waiter != waiters_.end()) {
      waiter->second->result = std::move(done->result);
      waiter->second->ready.cancel();
    }
  } else if (const auto* news = std::get_if<RpcSession::Notification>(&action)) {
    const auto number = news->value.is_object() && news->value.contains("number")
                            ? parse_hex_number(news->value.at("number"))
                            : fail(Errc::invalid_input, "a head without a number");
    if (number) {
      head_watchers_.at(news->subscription)(*number);
    }
  } else if (const auto* note = std::get_if<RpcSession::Note>(&action)) {
    last_trouble_ = note->is_trouble ? note->text : "";
    spdlog::log(note->is_trouble ? spdlog::level::warn : spdlog::level::info, "chain: {}",
                note->text);
  }
}

void RpcClient::drop_connection() {
  ++attempt_;
  if (connection_) {
    connection_->socket->close();
    connection_.reset();
  }
}

asio::awaitable<void> RpcClient::keep_time() {
  while (!is_closed_) {
    boost::system::error_code ec;
    co_await due_.async_wait(asio::redirect_error(asio::use_awaitable, ec));
    if (!ec) {
      session_.on_time(now());
      obey();
    }
  }
}

/// Connects, then reads until the connection ends or another one has taken its place.
asio::awaitable<void> RpcClient::connect(std::size_t endpoint, std::uint64_t attempt) {
  net::WsUrl url = urls_[endpoint];
  net::WebSocketLimits limits;
  limits.message_bytes = config_.message_bytes;
  net::TlsTrust trust = config_.trust;
  auto opened =
      co_await net::connect_websocket(std::move(url), std::move(limits), std::move(trust));
  if (attempt != attempt_ || is_closed_) {
    co_return;
  }
  if (!opened) {
    session_.on_disconnected(opened.error(), now());
    obey();
    co_return;
  }
  const auto connection = std::make_shared<Connection>();
  connection->socket = *std::move(opened);
  connection_ = connection;
  session_.on_connected(now());
  obey();
  while (attempt == attempt_ && !is_closed_) {
    const auto text = co_await connection->socket->receive();
    if (attempt != attempt_ || is_closed_) {
      co_return;
    }
    if (text) {
      received_bytes_ += text->size();
      session_.on_text(*text, now());
    } else {
      drop_connection();
      session_.on_disconnected(text.error(), now());
    }
    obey();
  }
}

asio::awaitable<void> RpcClient::write(std::shared_ptr<Connection> connection) {
  while (!connection->outbox.empty()) {
    std::string text = std::move(connection->outbox.front());
    connection->outbox.pop_front();
    const auto sent = co_await connection->socket->send(std::move(text));
    if (!sent) {
      connection->socket->close();  // the reader notices and reports
      break;
    }
  }
  connection->is_writing = false;
}

}  // namespace lode::chain

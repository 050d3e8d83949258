#include "sandbox/chain_io.h"

#include <spdlog/spdlog.h>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <nlohmann/json.hpp>

#include "chain/address.h"

namespace lode::sandbox {
namespace asio = boost::asio;

using Json = nlohmann::ordered_json;

namespace {

constexpr std::pair<std::string_view, ChainFault> kFaults[] = {
    {"none", ChainFault::none},       {"drop", ChainFault::drop},
    {"silence", ChainFault::silence}, {"delay", ChainFault::delay},
    {"garbage", ChainFault::garbage}, {"truncate", ChainFault::truncate},
    {"reorder", ChainFault::reorder}};

void log_failure(const std::string& name, const std::string& what) {
  spdlog::error("sandbox chain {}: {}", name, what);
}

bool is_whole(const Json& value, std::int64_t max) {
  return value.is_number_integer() && value.get<std::int64_t>() >= 0 &&
         value.get<std::int64_t>() <= max;
}

/// The text under `key`, or empty.
std::string text_at(const Json& order, const char* key) {
  const auto found = order.find(key);
  return found != order.end() && found->is_string() ? found->get<std::string>() : std::string();
}

/// A reply whose hexadecimal result lost its second half.
std::string cut_result(const std::string& text) {
  Json reply = Json::parse(text);
  if (reply.contains("result") && reply["result"].is_string()) {
    const std::string hex = reply["result"].get<std::string>();
    reply["result"] = hex.substr(0, hex.size() / 4 * 2);
  }
  return reply.dump();
}

}  // namespace

struct ChainIo::Client {
  std::shared_ptr<net::WebSocket> socket;
  HeadSubscriptions subscriptions;
  std::deque<std::string> outbox;
  bool is_writing = false;
  std::optional<std::string> held_back;  ///< to be sent after the next answer
};

ChainIo::ChainIo(asio::any_io_executor executor, ChainNode& node, ChainIoConfig config)
    : executor_(executor),
      node_(node),
      config_(config),
      tasks_(executor, log_failure),
      server_(
          executor,
          [this](std::shared_ptr<net::WebSocket> socket) { return serve(std::move(socket)); }, {},
          log_failure) {}

Result<net::Endpoint> ChainIo::listen(const net::Endpoint& where) {
  LODE_TRY(net::Endpoint bound, server_.listen(where));
  tasks_.spawn("blocks", make_blocks());
  return bound;
}

void ChainIo::close() {
  tasks_.cancel();
  server_.close();
}

asio::awaitable<void> ChainIo::join() {
  co_await server_.join();
  co_await tasks_.join();
}

asio::awaitable<void> ChainIo::make_blocks() {
  asio::steady_timer timer(executor_);
  for (;;) {
    timer.expires_after(config_.block_time);
    co_await timer.async_wait(asio::use_awaitable);
    if (!makes_blocks_) {
      continue;
    }
    node_.advance_block();
    std::erase_if(clients_, [](const auto& client) { return client.expired(); });
    for (const auto& weak : clients_) {
      if (const auto client = weak.lock()) {
        for (std::string& text : node_.head_messages(client->subscriptions)) {
          push(client, std::move(text));
        }
      }
    }
  }
}

asio::awaitable<void> ChainIo::serve(std::shared_ptr<net::WebSocket> socket) {
  const auto client = std::make_shared<Client>();
  client->socket = socket;
  clients_.push_back(client);
  ++connections_;
  for (;;) {
    const auto text = co_await socket->receive();
    if (!text) {
      co_return;
    }
    ++requests_;
    const ChainFault fault = draw_fault();
    if (fault == ChainFault::drop) {
      co_return;
    }
    std::string answer = node_.answer(*text, client->subscriptions);
    if (fault == ChainFault::silence) {
      continue;
    }
    if (fault == ChainFault::delay) {
      std::shared_ptr<Client> late = client;
      tasks_.spawn("late", reply_late(std::move(late), std::move(answer), fault_delay_));
    } else if (fault == ChainFault::garbage) {
      push(client, "\x01 garbage {");
    } else if (fault == ChainFault::reorder && !client->held_back) {
      client->held_back = std::move(answer);
    } else {
      reply(client, fault == ChainFault::truncate ? cut_result(answer) : std::move(answer));
    }
  }
}

ChainFault ChainIo::draw_fault() {
  if (fault_ == ChainFault::none || faults_left_ == 0) {
    return ChainFault::none;
  }
  --faults_left_;
  ++faults_;
  return fault_;
}

asio::awaitable<void> ChainIo::reply_late(std::shared_ptr<Client> client, std::string text,
                                          Duration delay) {
  asio::steady_timer timer(executor_, delay);
  co_await timer.async_wait(asio::use_awaitable);
  reply(client, std::move(text));
}

void ChainIo::reply(const std::shared_ptr<Client>& client, std::string text) {
  push(client, std::move(text));
  if (client->held_back) {
    push(client, *std::exchange(client->held_back, std::nullopt));
  }
}

void ChainIo::push(const std::shared_ptr<Client>& client, std::string text) {
  client->outbox.push_back(std::move(text));
  if (!client->is_writing) {
    client->is_writing = true;
    tasks_.spawn("write", write(client));
  }
}

asio::awaitable<void> ChainIo::write(std::shared_ptr<Client> client) {
  while (!client->outbox.empty()) {
    std::string text = std::move(client->outbox.front());
    client->outbox.pop_front();
    const auto sent = co_await client->socket->send(std::move(text));
    if (!sent) {
      break;
    }
  }
  client->is_writing = false;
}

Result<Json> ChainIo::command(const Json& order) {
  if (!order.is_object()) {
    return fail(Errc::invalid_input, "a JSON object was expected");
  }
  const std::string what = text_at(order, "do"), hotkey = text_at(order, "hotkey");
  if (what == "register" || what == "deregister") {
    LODE_TRY(const int uid,
             what == "register" ? node_.register_hotkey(hotkey) : node_.deregister_hotkey(hotkey));
    return Json{{"uid", uid}};
  }
  if (what == "neuron") {
    return change_neuron(order);
  }
  if (what == "runtime") {
    LODE_TRY(const Runtime runtime, runtime_from(text_at(order, "name")));
    node_.set_runtime(runtime);
    return status();
  }
  if (what == "stop_blocks" || what == "start_blocks") {
    makes_blocks_ = what == "start_blocks";
    return status();
  }
  if (what == "fault") {
    return order_faults(order);
  }
  return fail(Errc::invalid_input,
              "do: register, deregister, neuron, runtime, stop_blocks, start_blocks or fault was "
              "expected");
}

Result<Json> ChainIo::change_neuron(const Json& order) {
  chain::Neuron* neuron = node_.find(text_at(order, "hotkey"));
  if (neuron == nullptr) {
    return fail(Errc::not_found, "hotkey: not registered");
  }
  const auto ip = order.find("ip"), port = order.find("port"), stake = order.find("stake");
  const auto permit = order.find("validator_permit");
  if ((ip != order.end() && !ip->is_string()) ||
      (port != order.end() && !is_whole(*port, 0xffff)) ||
      (stake != order.end() && (!stake->is_number() || stake->get<double>() < 0)) ||
      (permit != order.end() && !permit->is_boolean())) {
    return fail(Errc::invalid_input, "ip, port, stake or validator_permit is of another type");
  }
  if (ip != order.end()) {
    neuron->ip = chain::ip_text(chain::ip_number(ip->get<std::string>()));
  }
  neuron->port = port != order.end() ? port->get<std::uint16_t>() : neuron->port;
  neuron->stake = stake != order.end() ? stake->get<double>() : neuron->stake;
  neuron->validator_permit = permit != order.end() ? permit->get<bool>() : neuron->validator_permit;
  return Json{{"uid", neuron->uid}};
}

Result<Json> ChainIo::order_faults(const Json& order) {
  const std::string kind = text_at(order, "kind");
  const auto found = std::find_if(std::begin(kFaults), std::end(kFaults),
                                  [&](const auto& known) { return known.first == kind; });
  const auto count = order.value("count", Json(1)), seconds = order.value("seconds", Json(1.0));
  if (found == std::end(kFaults) || !is_whole(count, 1'000'000) || !seconds.is_number()) {
    return fail(Errc::invalid_input,
                "kind: none, drop, silence, delay, garbage, truncate or reorder was expected, with "
                "a whole count and a number of seconds");
  }
  fault_ = found->second;
  faults_left_ = count.get<std::int64_t>();
  fault_delay_ = from_seconds(seconds.get<double>());
  return status();
}

Json ChainIo::status() const {
  return {{"block", node_.metagraph().block},
          {"neurons", node_.metagraph().neurons.size()},
          {"requests", requests_},
          {"connections", connections_},
          {"faults", faults_}};
}

}  // namespace lode::sandbox

#include "sandbox/subnet_io.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <nlohmann/json.hpp>

#include "base/json.h"
#include "chain/keyfile.h"
#include "chain/metagraph.h"

namespace lode::sandbox {
namespace asio = boost::asio;

namespace {

constexpr const char* kLoopback = "127.0.0.1";
constexpr const char* kHotkeyFile = "miner_hotkey.json";
constexpr const char* kMetagraphFile = "metagraph.json";
constexpr const char* kStatusPath = "/sandbox/status";
constexpr const char* kChainPath = "/sandbox/chain";

/// Blocks come no faster than this, whatever the time scale.
constexpr Duration kShortestBlock = std::chrono::milliseconds(100);

// A submission of the largest result that the scoring service takes would be 500 MiB; the sketch's
// objects pack to under 1 MiB, other generators' to a few.
constexpr std::size_t kMaxBodyBytes = 64 << 20;

net::ServerLimits axon_limits() {
  net::ServerLimits limits;
  limits.body_bytes = kMaxBodyBytes;
  return limits;
}

void log_failure(const std::string& name, const std::string& what) {
  spdlog::error("{}: {}", name, what);
}

}  // namespace

/// An axon that hands out no tasks and counts who asks.
class Subnet::Bystander final : public net::HttpHandler {
 public:
  Bystander(int uid, Role role) : status_{uid, role, 0} {}

  std::optional<HttpResponse> on_head(const HttpRequest& request) override {
    ++status_.requests;
    spdlog::warn("uid {} ({}) was asked for {}", status_.uid, to_string(status_.role),
                 request.target);
    const nlohmann::json body = {{"message", "Synapse name '" + request.target.substr(1) +
                                                 "' not found. Available synapses ['Synapse']"}};
    return make_response(404, "application/json",
                         body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  }
  asio::awaitable<HttpResponse> on_request(HttpRequest) override {
    co_return make_response(404, "text/plain", "");  // not reached: on_head answers all
  }

  const BystanderStatus& status() const { return status_; }

 private:
  BystanderStatus status_;
};

class Subnet::Control final : public net::HttpHandler {
 public:
  explicit Control(Subnet& subnet) : subnet_(subnet) {}

  asio::awaitable<HttpResponse> on_request(HttpRequest request) override {
    if (request.method == "GET" && request.target == kStatusPath) {
      nlohmann::json status = to_json(subnet_.status());
      status["chain"] = subnet_.chain_->status();
      co_return make_response(200, "application/json", status.dump());
    }
    if (request.method == "POST" && request.target == kChainPath) {
      co_return command_chain(request.body);
    }
    co_return make_response(
        404, "text/plain",
        std::string("GET ") + kStatusPath + " or POST " + kChainPath + " was expected\n");
  }

 private:
  HttpResponse command_chain(const std::string& body) {
    const auto order = parse_json(body);
    const auto done =
        order ? subnet_.chain_->command(*order) : Result<nlohmann::ordered_json>(order.error());
    const nlohmann::ordered_json reply =
        done ? *done : nlohmann::ordered_json{{"detail", done.error().context}};
    return make_response(done ? 200 : 422, "application/json", reply.dump());
  }

  Subnet& subnet_;
};

Subnet::Subnet(asio::any_io_executor executor, SubnetConfig config)
    : executor_(executor),
      config_(std::move(config)),
      started_(clock_.now()),
      roster_(make_roster(config_.validators, config_.seed)),
      workers_(config_.worker_threads),
      tasks_(executor_, log_failure) {}

Subnet::~Subnet() { workers_.join(); }

Result<std::unique_ptr<Subnet>> Subnet::start(asio::any_io_executor executor, SubnetConfig config) {
  std::unique_ptr<Subnet> subnet(new Subnet(executor, std::move(config)));
  LODE_CHECK(subnet->open());
  return subnet;
}

Result<void> Subnet::open() {
  int index = 0;
  for (Resident& resident : roster_) LODE_CHECK(open_resident(resident, index++));
  control_ = std::make_unique<Control>(*this);
  LODE_TRY(control_endpoint_, serve(*control_, {}));
  LODE_CHECK(open_chain());
  LODE_CHECK(write_files());
  for (auto& validator : validators_) validator->prefetch();
  return {};
}

Result<void> Subnet::open_resident(Resident& resident, int index) {
  net::HttpHandler* handler = nullptr;
  if (resident.role == Role::validator) {
    ValidatorIoConfig config;
    config.rules = scaled(config_.rules, config_.time_scale);
    config.rules.version = resident.version;
    config.shares = config_.shares;
    if (resident.version <= kLastVersionWithoutTypes)
      config.shares.image = 0;
    config.fault_rate = config_.fault_rate;
    config.scoring = config_.scoring;
    config.seed = Rng(config_.seed).fork("validator/" + std::to_string(index)).next();
    validators_.push_back(
        std::make_unique<ValidatorIo>(executor_, workers_, clock_, config, resident.neuron.hotkey));
    handler = validators_.back().get();
  } else if (resident.is_asked_in_error()) {
    bystanders_.push_back(std::make_unique<Bystander>(resident.neuron.uid, resident.role));
    handler = bystanders_.back().get();
  } else {
    return {};
  }
  LODE_TRY(const net::Endpoint endpoint, serve(*handler, axon_limits()));
  resident.neuron.ip = endpoint.host;
  resident.neuron.port = endpoint.port;
  return {};
}

Result<net::Endpoint> Subnet::serve(net::HttpHandler& handler, const net::ServerLimits& limits) {
  const auto next = static_cast<std::uint16_t>(config_.port_base + servers_.size());
  servers_.push_back(std::make_unique<net::HttpServer>(executor_, handler, limits, log_failure));
  return servers_.back()->listen({kLoopback, config_.port_base == 0 ? std::uint16_t{0} : next});
}

/// After the axons, whose addresses it tells.
Result<void> Subnet::open_chain() {
  node_ = std::make_unique<ChainNode>(roster_, config_.seed);
  ChainIoConfig config;
  config.block_time =
      std::max(kShortestBlock, from_seconds(to_seconds(config_.block_time) / config_.time_scale));
  chain_ = std::make_unique<ChainIo>(executor_, *node_, config);
  const auto next = static_cast<std::uint16_t>(config_.port_base + servers_.size());
  LODE_TRY(chain_endpoint_,
           chain_->listen({kLoopback, config_.port_base == 0 ? std::uint16_t{0} : next}));
  const Duration period = scaled(config_.rules, config_.time_scale).metagraph_sync;
  const auto count = static_cast<std::int64_t>(validators_.size());
  for (std::int64_t i = 0; i < count; ++i) {
    ValidatorIo& validator = *validators_[static_cast<std::size_t>(i)];
    validator.set_miners(registered());
    tasks_.spawn("metagraph", follow_chain(validator, period * (i + 1) / count));
  }
  return {};
}

std::map<std::string, int> Subnet::registered() const {
  std::map<std::string, int> uids;
  for (const chain::Neuron& neuron : node_->metagraph().neurons) uids[neuron.hotkey] = neuron.uid;
  return uids;
}

/// A validator learns of registrations when it next looks at the chain, each at its own time.
asio::awaitable<void> Subnet::follow_chain(ValidatorIo& validator, Duration first_wait) {
  asio::steady_timer timer(executor_, first_wait);
  for (;;) {
    co_await timer.async_wait(asio::use_awaitable);
    validator.set_miners(registered());
    timer.expires_after(scaled(config_.rules, config_.time_scale).metagraph_sync);
  }
}

Result<void> Subnet::write_files() const {
  chain::Metagraph metagraph;
  metagraph.netuid = kNetuid;
  for (const Resident& resident : roster_) {
    metagraph.neurons.push_back(resident.neuron);
    if (resident.role != Role::miner)
      continue;
    LODE_CHECK(chain::write_hotkey_file(config_.dir / kHotkeyFile, resident.mini_secret));
  }
  std::sort(metagraph.neurons.begin(), metagraph.neurons.end(),
            [](const chain::Neuron& a, const chain::Neuron& b) { return a.uid < b.uid; });
  return chain::write_metagraph_file(config_.dir / kMetagraphFile, metagraph);
}

nlohmann::ordered_json Subnet::ready_json() const {
  nlohmann::ordered_json ready = {{"chain", "ws://" + chain_endpoint_.to_string()},
                                  {"validators", nlohmann::ordered_json::array()}};
  for (const Resident& resident : roster_) {
    if (resident.role != Role::validator)
      continue;
    ready["validators"].push_back({{"uid", resident.neuron.uid},
                                   {"ip", resident.neuron.ip},
                                   {"port", resident.neuron.port},
                                   {"hotkey", resident.neuron.hotkey}});
  }
  ready["miner_hotkey_file"] = (config_.dir / kHotkeyFile).string();
  ready["metagraph_file"] = (config_.dir / kMetagraphFile).string();
  ready["control"] = control_endpoint_.to_string();
  return ready;
}

Status Subnet::status() const {
  Status status;
  status.seconds = to_seconds(clock_.now() - started_);
  status.time_scale = config_.time_scale;
  std::string miner;
  for (const Resident& resident : roster_) {
    if (resident.role == Role::miner)
      miner = resident.neuron.hotkey;
  }
  for (std::size_t i = 0; i < validators_.size(); ++i) {  // the roster begins with them
    const Validator& validator = validators_[i]->validator();
    status.validators.push_back({roster_[i].neuron.uid, roster_[i].neuron.hotkey,
                                 validator.rules().version, validator.rating_of(miner),
                                 validator.counters(), validators_[i]->faults()});
  }
  for (const auto& bystander : bystanders_) status.bystanders.push_back(bystander->status());
  return status;
}

asio::awaitable<void> Subnet::stop() {
  tasks_.cancel();
  for (auto& server : servers_) server->close();
  chain_->close();
  for (auto& server : servers_) co_await server->join();
  co_await chain_->join();
  co_await tasks_.join();
  for (auto& validator : validators_) co_await validator->finish();
}

}  // namespace lode::sandbox

#include "lode/metagraph_source.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <random>

#include "chain/address.h"
#include "chain/metagraph_cache.h"
#include "chain/network.h"
#include "net/endpoint.h"
#include "net/task_group.h"

namespace lode::commands {
namespace {

namespace asio = boost::asio;

/// A node that works answers sooner; after this an old metagraph is better than none.
constexpr Duration kPatience = std::chrono::seconds(5);
/// A file on disk no oftener than this, however often the chain is read.
constexpr Duration kKeepEvery = std::chrono::seconds(60);

/// "12 s", "40 min", "5 h" or "3 days".
std::string age_text(Duration age) {
  const double seconds = std::max(to_seconds(age), 0.0);  // clocks are set back, too
  constexpr double kMinute = 60, kHour = 3600, kDay = 86'400;
  if (seconds < 2 * kMinute) {
    return fmt::format("{:.0f} s", seconds);
  }
  if (seconds < 2 * kHour) {
    return fmt::format("{:.0f} min", seconds / kMinute);
  }
  return seconds < 2 * kDay ? fmt::format("{:.0f} h", seconds / kHour)
                            : fmt::format("{:.0f} days", seconds / kDay);
}

class FileSource final : public MetagraphSource {
 public:
  FileSource(asio::any_io_executor executor, MetagraphSourceConfig config)
      : executor_(executor), config_(std::move(config)) {
    view_.source = config_.file;
  }

  Result<chain::Metagraph> first() override {
    LODE_TRY(chain::Metagraph metagraph, chain::read_metagraph_file(config_.file));
    if (metagraph.netuid != config_.netuid) {
      return fail(Errc::invalid_input, config_.file + ": netuid " +
                                           std::to_string(metagraph.netuid) + ", but " +
                                           std::to_string(config_.netuid) + " was asked for");
    }
    const chain::Neuron* self = metagraph.find(config_.hotkey);
    view_.uid = self == nullptr ? std::optional<int>() : self->uid;
    view_.block = metagraph.block;
    view_.read_at = SystemClock().now();
    view_.error.clear();
    return metagraph;
  }

  asio::awaitable<Result<void>> run(miner::Miner& miner) override {
    asio::steady_timer timer(executor_);
    for (;;) {
      timer.expires_after(config_.period);
      co_await timer.async_wait(asio::use_awaitable);
      reload(miner);
    }
  }

  void reload(miner::Miner& miner) override {
    if (const auto metagraph = first()) {
      miner.set_metagraph(*metagraph);
    } else {
      view_.error = metagraph.error().message();
      spdlog::error("metagraph kept as it was: {}", view_.error);
    }
  }

  asio::awaitable<void> stop() override { co_return; }
  miner::ChainView view() const override { return view_; }
  bool allows_private_axons() const override { return config_.private_axons != PrivateAxons::no; }

 private:
  asio::any_io_executor executor_;
  MetagraphSourceConfig config_;
  miner::ChainView view_;
};

bool is_on_this_machine(const std::string& text) {
  const auto url = net::parse_ws_url(text);
  return url && (url->endpoint.host == "localhost" ||
                 chain::reach_of(url->endpoint.host) == chain::Reach::loopback);
}

class ChainSource final : public MetagraphSource {
 public:
  /// `nodes` are the client's, as "wss://host:port".
  ChainSource(MetagraphSourceConfig config, std::vector<std::string> nodes,
              std::unique_ptr<chain::RpcClient> client)
      : config_(std::move(config)),
        nodes_(std::move(nodes)),
        client_(std::move(client)),
        cache_(chain::metagraph_cache_path(config_.cache_folder, config_.network, config_.netuid)),
        tasks_(client_->executor(), [](const std::string& name, const std::string& why) {
          spdlog::error("{}: {}", name, why);
        }) {
    chain::MetagraphSyncConfig sync;
    sync.netuid = config_.netuid;
    sync.network = config_.network;
    sync.hotkey = config_.hotkey;
    sync.period = config_.period;
    sync.min_stake = config_.min_stake;
    sync_ = std::make_unique<chain::MetagraphSync>(
        *client_, sync,
        [this](const chain::Metagraph& metagraph, const std::vector<chain::WeightHint>& hints) {
          miner_->set_metagraph(metagraph);
          miner_->set_hints(hints);
          keep(metagraph);
        });
  }

  Result<chain::Metagraph> first() override { return chain::Metagraph{config_.netuid, {}, 0}; }

  asio::awaitable<Result<void>> run(miner::Miner& miner) override {
    miner_ = &miner;
    client_->start();
    tasks_.spawn("kept metagraph", fall_back());
    const auto read = co_await sync_->read_once();
    if (!read && read.error().code == Errc::not_found) {
      co_return read.error();
    }
    co_await sync_->run();
    co_return Result<void>();
  }

  void reload(miner::Miner&) override { sync_->read_soon(); }

  asio::awaitable<void> stop() override {
    tasks_.cancel();
    client_->close();
    co_await tasks_.join();
    co_await client_->join();
  }

  miner::ChainView view() const override {
    const chain::SyncStatus status = sync_->status();
    miner::ChainView view;
    view.source = config_.network == status.endpoint
                      ? status.endpoint
                      : config_.network + " (" + status.endpoint + ")";
    view.is_connected = status.is_connected;
    view.runtime = status.runtime;
    view.head = status.head;
    view.block = status.block;
    view.read_at = status.read_at;
    view.is_from_earlier_run = status.is_from_earlier_run;
    view.read_seconds = to_seconds(status.took);
    view.read_bytes = status.bytes;
    view.uid = status.uid;
    view.advice = status.advice;
    view.error = status.error;
    return view;
  }

  bool allows_private_axons() const override {
    if (config_.private_axons != PrivateAxons::automatic) {
      return config_.private_axons == PrivateAxons::yes;
    }
    return !chain::is_public_network(config_.network) &&
           std::all_of(nodes_.begin(), nodes_.end(), is_on_this_machine);
  }

 private:
  /// Writes what a node has answered for the next start.
  void keep(const chain::Metagraph& metagraph) {
    const chain::SyncStatus status = sync_->status();
    if (status.is_from_earlier_run || !status.read_at ||
        (kept_at_ && *status.read_at < *kept_at_ + kKeepEvery)) {
      return;
    }
    kept_at_ = status.read_at;
    const auto kept = chain::write_metagraph_cache(
        cache_, {metagraph, config_.network, status.endpoint, *status.read_at});
    if (!kept) {
      spdlog::warn("the metagraph is not kept for the next start: {}", kept.error().message());
    }
  }

  /// Begins with what an earlier run kept when no node has answered soon after the start.
  asio::awaitable<void> fall_back() {
    asio::steady_timer timer(client_->executor(), kPatience);
    co_await timer.async_wait(asio::use_awaitable);
    if (sync_->status().read_at) {
      co_return;
    }
    auto cached = chain::read_metagraph_cache(cache_, config_.network, config_.netuid, nodes_);
    if (!cached) {
      spdlog::warn(
          "the chain has not answered within {:g} s, and no metagraph of an earlier run "
          "can stand in: {}",
          to_seconds(kPatience), cached.error().message());
      co_return;
    }
    spdlog::warn(
        "the chain has not answered within {:g} s: mining from the metagraph of block {}, "
        "read from {} {} ago and kept in {}",
        to_seconds(kPatience), cached->metagraph.block, cached->endpoint,
        age_text(SystemClock().now() - cached->read_at), cache_.string());
    sync_->begin_with(std::move(cached->metagraph), cached->read_at);
  }

  MetagraphSourceConfig config_;
  std::vector<std::string> nodes_;
  std::unique_ptr<chain::RpcClient> client_;
  std::filesystem::path cache_;
  std::optional<Time> kept_at_;
  net::TaskGroup tasks_;
  std::unique_ptr<chain::MetagraphSync> sync_;
  miner::Miner* miner_ = nullptr;
};

}  // namespace

Result<std::unique_ptr<MetagraphSource>> MetagraphSource::make(asio::any_io_executor executor,
                                                               MetagraphSourceConfig config) {
  if (!config.file.empty()) {
    return std::unique_ptr<MetagraphSource>(
        std::make_unique<FileSource>(executor, std::move(config)));
  }
  chain::RpcClientConfig client_config;
  config.network = chain::network_name(config.network, config.endpoints);
  client_config.urls = chain::endpoint_urls(config.network, config.endpoints);
  client_config.seed = std::random_device()();
  std::vector<std::string> nodes;
  for (const std::string& text : client_config.urls) {
    LODE_TRY(const net::WsUrl url, net::parse_ws_url(text));
    nodes.push_back(url.to_string());
  }
  LODE_TRY(auto client, chain::RpcClient::make(executor, std::move(client_config)));
  if (const auto url = net::parse_ws_url(config.network)) {
    config.network = url->to_string();  // its path may hold the operator's key
  }
  return std::unique_ptr<MetagraphSource>(
      std::make_unique<ChainSource>(std::move(config), std::move(nodes), std::move(client)));
}

}  // namespace lode::commands

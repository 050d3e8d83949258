#include "lode/metagraph_source.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <random>

#include "chain/address.h"
#include "chain/network.h"
#include "net/endpoint.h"

namespace lode::commands {
namespace {

namespace asio = boost::asio;

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
  bool allows_private_axons() const override { return true; }

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
  ChainSource(MetagraphSourceConfig config, std::vector<std::string> urls,
              std::unique_ptr<chain::RpcClient> client)
      : config_(std::move(config)), urls_(std::move(urls)), client_(std::move(client)) {
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
        });
  }

  Result<chain::Metagraph> first() override { return chain::Metagraph{config_.netuid, {}, 0}; }

  asio::awaitable<Result<void>> run(miner::Miner& miner) override {
    miner_ = &miner;
    client_->start();
    const auto read = co_await sync_->read_once();
    if (!read && read.error().code == Errc::not_found) {
      co_return read.error();
    }
    co_await sync_->run();
    co_return Result<void>();
  }

  void reload(miner::Miner&) override { sync_->read_soon(); }

  asio::awaitable<void> stop() override {
    client_->close();
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
    view.read_seconds = to_seconds(status.took);
    view.read_bytes = status.bytes;
    view.uid = status.uid;
    view.advice = status.advice;
    view.error = status.error;
    return view;
  }

  bool allows_private_axons() const override {
    return std::all_of(urls_.begin(), urls_.end(), is_on_this_machine);
  }

 private:
  MetagraphSourceConfig config_;
  std::vector<std::string> urls_;
  std::unique_ptr<chain::RpcClient> client_;
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
  client_config.urls = chain::endpoint_urls(config.network, config.endpoints);
  client_config.seed = std::random_device()();
  auto urls = client_config.urls;
  LODE_TRY(auto client, chain::RpcClient::make(executor, std::move(client_config)));
  if (const auto url = net::parse_ws_url(config.network)) {
    config.network = url->to_string();  // its path may hold the operator's key
  }
  return std::unique_ptr<MetagraphSource>(
      std::make_unique<ChainSource>(std::move(config), std::move(urls), std::move(client)));
}

}  // namespace lode::commands

// The HTTP routes of a running miner.
#pragma once

#include <filesystem>
#include <string>

#include "lode/metagraph_source.h"
#include "lode/mine_settings.h"
#include "miner/miner_io.h"
#include "net/http_server.h"

namespace lode::commands {

/// GET /api/ledger, /api/events, /metrics, /health and /api/validators/<uid or hotkey>/trail are
/// open. What changes the miner, POST /api/reload and POST /api/drain, needs `Authorization: Bearer
/// TOKEN`.
class MineHttp final : public net::HttpHandler {
 public:
  /// All must outlive this.
  MineHttp(miner::Miner& miner, const MetagraphSource& source, LiveSettings& settings,
           std::string token, std::filesystem::path journal)
      : miner_(miner),
        source_(source),
        settings_(settings),
        token_(std::move(token)),
        journal_(std::move(journal)) {}

  boost::asio::awaitable<HttpResponse> on_request(HttpRequest request) override;

 private:
  HttpResponse answer(const HttpRequest& request);
  HttpResponse control(const HttpRequest& request);
  HttpResponse trail(const std::string& who) const;
  miner::Snapshot snapshot() const;

  miner::Miner& miner_;
  const MetagraphSource& source_;
  LiveSettings& settings_;
  std::string token_;
  std::filesystem::path journal_;
};

}  // namespace lode::commands

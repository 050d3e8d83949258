// lode reload: has a running miner read its settings again.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <nlohmann/json.hpp>

#include "lode/commands.h"
#include "lode/control_token.h"
#include "net/http_client.h"
#include "net/run_to_end.h"

namespace lode::commands {
namespace {

namespace asio = boost::asio;
using Json = nlohmann::json;

struct ReloadOptions {
  std::string http = "127.0.0.1:8090";
  std::string journal_path = "lode-journal.db";
  bool json = false;
};

Result<Json> ask_to_reload(const ReloadOptions& options) {
  LODE_TRY(net::Endpoint peer, net::parse_endpoint(options.http));
  LODE_TRY(const std::string token, read_control_token(options.journal_path));
  const std::string name = peer.to_string();
  asio::io_context context(1);
  const net::Exchange exchange = net::run_to_end(
      context,
      net::fetch(std::move(peer),
                 {"POST", "/api/reload", {{"authorization", "Bearer " + token}}, {}, {}, 0},
                 {.total_timeout = std::chrono::seconds(10)}));
  if (!exchange.response) {
    return exchange.response.error();
  }
  Json reply = Json::parse(exchange.response->body, nullptr, false);
  const bool has_detail = reply.is_object() && reply.contains("detail");
  const std::string detail = has_detail && reply["detail"].is_string()
                                 ? reply["detail"].get<std::string>()
                                 : "no detail given";
  if (exchange.response->status == 422) {
    return fail(Errc::invalid_input, "the miner keeps its settings: " + detail);
  }
  if (exchange.response->status != 200 || !reply.is_object()) {
    return fail(Errc::peer_failure, fmt::format("{}/api/reload: status {}: {}", name,
                                                exchange.response->status, detail));
  }
  return reply;
}

std::string names(const Json& reply, const char* key) {
  const auto list = reply.value(key, std::vector<std::string>());
  return list.empty() ? "nothing" : fmt::format("{}", fmt::join(list, ", "));
}

int reload(const ReloadOptions& options) {
  const auto reply = ask_to_reload(options);
  if (!reply) {
    return cli::report(reply.error());
  }
  if (options.json) {
    cli::print_json(*reply);
  } else {
    std::cout << "changed: " << names(*reply, "changed") << "\n"
              << "needs a restart: " << names(*reply, "needs_restart") << "\n";
  }
  return cli::kDone;
}

}  // namespace

void add_reload(CLI::App& app, cli::Action& chosen) {
  auto options = std::make_shared<ReloadOptions>();
  CLI::App* command =
      app.add_subcommand("reload", "Have a running miner read settings and blacklist again");
  command->add_option("--http", options->http, "HOST:PORT of the miner")->capture_default_str();
  command
      ->add_option("--journal.path", options->journal_path,
                   "The miner's journal: its token lies beside it")
      ->capture_default_str();
  command->add_flag("--json", options->json, "Print one JSON object");
  command->callback([options, &chosen] { chosen = [options] { return reload(*options); }; });
}

}  // namespace lode::commands

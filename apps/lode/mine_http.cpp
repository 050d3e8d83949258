#include "lode/mine_http.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>

#include "lode/control_token.h"

namespace lode::commands {
namespace {

using Json = nlohmann::json;

HttpResponse json(int status, const Json& body) {
  return make_response(status, "application/json",
                       body.dump(-1, ' ', false, Json::error_handler_t::replace));
}

/// X of /api/validators/X/trail; empty for other targets.
std::string validator_in(std::string_view target) {
  constexpr std::string_view kBefore = "/api/validators/", kAfter = "/trail";
  if (!target.starts_with(kBefore) || !target.ends_with(kAfter) ||
      target.size() <= kBefore.size() + kAfter.size()) {
    return {};
  }
  target.remove_prefix(kBefore.size());
  target.remove_suffix(kAfter.size());
  return std::string(target);
}

}  // namespace

boost::asio::awaitable<HttpResponse> MineHttp::on_request(HttpRequest request) {
  co_return answer(request);
}

HttpResponse MineHttp::answer(const HttpRequest& request) {
  if (request.method == "POST") {
    return control(request);
  }
  constexpr std::string_view kEvents = "/api/events";
  const std::string_view target = request.target;
  const std::string_view path = target.substr(0, target.find('?'));
  if (request.method == "GET" && path == kEvents) {
    return miner::answer_events(miner_.events(),
                                target.substr(std::min(path.size() + 1, target.size())));
  }
  const std::string who = validator_in(request.target);
  return request.method == "GET" && !who.empty() ? trail(who) : miner::answer(snapshot(), request);
}

miner::Snapshot MineHttp::snapshot() const {
  miner::Snapshot snapshot = miner_.snapshot();
  snapshot.chain = source_.view();
  std::error_code ec;
  if (const auto bytes = std::filesystem::file_size(journal_, ec); !ec) {
    snapshot.journal_bytes = bytes;
  }
  return snapshot;
}

HttpResponse MineHttp::trail(const std::string& who) const {
  for (const miner::ValidatorView& view : miner_.snapshot().validators) {
    const chain::Neuron& neuron = view.neuron;
    if (neuron.hotkey == who || std::to_string(neuron.uid) == who) {
      return json(200, miner::trail_json(neuron.uid, neuron.hotkey, miner_.trail(neuron.hotkey)));
    }
  }
  return json(404, {{"detail", "no such validator"}});
}

HttpResponse MineHttp::control(const HttpRequest& request) {
  constexpr std::string_view kScheme = "Bearer ";
  const std::string* header = request.headers.find("authorization");
  const std::string_view given = header == nullptr ? std::string_view() : *header;
  if (!given.starts_with(kScheme) || !is_same_token(given.substr(kScheme.size()), token_)) {
    spdlog::warn("{} from {}:{} refused: no token, or a wrong one", request.target, request.peer_ip,
                 request.peer_port);
    return json(401, {{"detail", "Authorization: Bearer and the miner's token were expected"}});
  }
  if (request.target == "/api/reload") {
    const auto report = settings_.reload();
    return report ? json(200, report->to_json())
                  : json(422, {{"detail", report.error().message()}});
  }
  if (request.target == "/api/drain") {
    spdlog::info("draining: asked to over HTTP");
    miner_.drain();
    return json(200, Json{{"draining", true}});
  }
  return json(404, {{"detail", "no such route"}});
}

}  // namespace lode::commands

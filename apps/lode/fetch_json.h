// A JSON document from a local HTTP service, fetched without a loop of one's own.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "base/clock.h"
#include "net/endpoint.h"

namespace lode::commands {

/// GETs `target` and waits up to `timeout`. Errors name the peer.
Result<nlohmann::json> fetch_json(const net::Endpoint& peer, const std::string& target,
                                  Duration timeout = std::chrono::seconds(5));

}  // namespace lode::commands

#include "miner/verdict_reply.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace lode::miner {
namespace {

using Json = nlohmann::json;

}  // namespace

Result<ServiceVerdict> parse_verdict(std::string_view body) {
  constexpr std::size_t kLongestReason = 300;
  const Json json = Json::parse(body, nullptr, false);
  const auto score = json.is_object() ? json.find("score") : json.end();
  if (!json.is_object() || score == json.end() || !score->is_number()) {
    return fail(Errc::peer_failure, "validation service: no number `score` in its reply");
  }
  ServiceVerdict verdict;
  verdict.score = score->get<double>();
  if (!(verdict.score >= kLowestScore && verdict.score <= kHighestScore)) {
    return fail(Errc::peer_failure,
                fmt::format("validation service: score {}: from {} to {} was expected",
                            verdict.score, kLowestScore, kHighestScore));
  }
  const auto discarded = json.find("discarded");
  verdict.is_discarded =
      discarded != json.end() && discarded->is_boolean() && discarded->get<bool>();
  const auto reason = json.find("reason");
  verdict.reason = reason != json.end() && reason->is_string()
                       ? reason->get<std::string>().substr(0, kLongestReason)
                       : "score of the validation service";
  return verdict;
}

std::string describe_refusal(int status, std::string_view body) {
  constexpr std::size_t kLongest = 200;
  const Json json = Json::parse(body, nullptr, false);
  std::string detail = "no detail given";
  if (json.is_object() && json.contains("detail")) {
    const Json& told = json["detail"];
    detail = told.is_string() ? told.get<std::string>() : told.dump();
  }
  return fmt::format("status {}: {}", status, detail.substr(0, kLongest));
}

}  // namespace lode::miner

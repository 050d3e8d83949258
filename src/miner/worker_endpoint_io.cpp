#include "miner/worker_endpoint_io.h"

#include <charconv>
#include <string_view>

namespace lode::miner {
namespace {

constexpr double kLeastWeight = 0.01, kMostWeight = 100;
constexpr int kMostConcurrency = 64;

template <class Number>
Result<Number> parse_number(std::string_view name, std::string_view text, Number least,
                            Number most) {
  Number value{};
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (ec != std::errc() || end != text.data() + text.size() || !(value >= least) ||
      !(value <= most)) {
    const auto plain = [](Number n) {
      std::string number = std::to_string(n);
      if (number.find('.') != std::string::npos) {
        number.erase(number.find_last_not_of('0') + 1);
        number.erase(number.find_last_not_of('.') + 1);
      }
      return number;
    };
    return fail(Errc::invalid_input, std::string(name) + "=" + std::string(text) +
                                         ": a number from " + plain(least) + " to " + plain(most) +
                                         " was expected");
  }
  return value;
}

Result<void> add_option(std::string_view option, WorkerEndpoint& endpoint) {
  const std::size_t equals = option.find('=');
  const std::string_view name = option.substr(0, equals);
  const std::string_view value =
      equals == std::string_view::npos ? std::string_view() : option.substr(equals + 1);
  if (name == "weight") {
    LODE_TRY(endpoint.weight, parse_number(name, value, kLeastWeight, kMostWeight));
  } else if (name == "concurrency") {
    LODE_TRY(endpoint.concurrency, parse_number(name, value, 1, kMostConcurrency));
  } else if (name == "validation") {
    LODE_TRY(endpoint.validation, net::parse_http_url(std::string(value)));
  } else {
    return fail(Errc::invalid_input,
                "'" + std::string(option) +
                    "': an http:// address, weight=, concurrency= or validation= was expected");
  }
  return {};
}

}  // namespace

Result<std::vector<WorkerEndpoint>> parse_worker_endpoints(const std::vector<std::string>& texts) {
  std::vector<WorkerEndpoint> endpoints;
  for (const std::string& text : texts) {
    std::string_view rest = text;
    while (!rest.empty()) {
      const std::size_t comma = std::min(rest.find(','), rest.size());
      const std::string_view part = rest.substr(0, comma);
      rest.remove_prefix(std::min(comma + 1, rest.size()));
      if (part.starts_with("http://") || endpoints.empty()) {
        LODE_TRY(endpoints.emplace_back().generation, net::parse_http_url(std::string(part)));
      } else if (const auto added = add_option(part, endpoints.back()); !added) {
        return annotate(added.error(), "generation endpoint " + text);
      }
    }
  }
  return endpoints;
}

}  // namespace lode::miner

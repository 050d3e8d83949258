#include "miner/ledger_snapshot.h"

#include <nlohmann/json.hpp>

namespace lode::miner {
namespace {

using Json = nlohmann::json;

/// Every field of a row with its key: the one list that a new field has to be added to.
template <class Row, class Visit>
void visit_fields(Row& row, Visit&& visit) {
  visit("pulled", row.pulled);
  visit("accepted", row.accepted);
  visit("empty", row.empty);
  visit("rejected", row.rejected);
  visit("settled", row.settled);
  visit("violations", row.violations);
  visit("validator_faults", row.validator_faults);
  visit("pull_failures", row.pull_failures);
  visit("submit_failures", row.submit_failures);
  visit("generation_failures", row.generation_failures);
  visit("candidates", row.candidates);
  visit("accepted_score_sum", row.accepted_score_sum);
  visit("threshold", row.threshold);
  visit("throttle_period", row.throttle_period);
  visit("cooldown_until", row.cooldown_until);
  visit("cooldown_seconds", row.cooldown_seconds);
  visit("penalty_seconds", row.penalty_seconds);
  visit("window_count", row.window_count);
  visit("rating", row.rating);
  visit("reward", row.reward);
  visit("duel_rating", row.duels.rating);
  visit("duel_deviation", row.duels.deviation);
  visit("duel_volatility", row.duels.volatility);
  visit("rating_moves", row.rating_moves);
  visit("pull_seconds", row.pull_seconds);
  visit("submit_seconds", row.submit_seconds);
  visit("held_task_id", row.held_task_id);
  visit("held_since_ns", row.held_since);
  visit("held_type", row.held_type);
  visit("submit_attempts", row.submit_attempts);
  visit("last_error", row.last_error);
  visit("last_error_at_ns", row.last_error_at);
  visit("last_event_at_ns", row.last_event_at);
}

template <class T>
void write(Json& json, const char* name, const T& value) {
  json[name] = value;
}
void write(Json& json, const char* name, const Time& value) {
  json[name] = value.time_since_epoch().count();
}

template <class T>
void read(const Json& value, T& out) {
  if constexpr (std::is_arithmetic_v<T>) {
    if (value.is_number()) {
      out = value.get<T>();
    }
  } else if (value.is_string()) {
    out = value.get<T>();
  }
}
void read(const Json& value, Time& out) {
  if (value.is_number_integer()) {
    out = Time(Duration(value.get<std::int64_t>()));
  }
}

}  // namespace

Json ledger_row_to_json(const LedgerRow& row) {
  Json json = Json::object();
  visit_fields(row, [&](const char* name, const auto& value) { write(json, name, value); });
  return json;
}

LedgerRow ledger_row_from_json(const Json& json) {
  LedgerRow row;
  visit_fields(row, [&](const char* name, auto& value) {
    const auto found = json.find(name);
    if (found != json.end()) {
      read(*found, value);
    }
  });
  return row;
}

}  // namespace lode::miner

#include "miner/status.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "miner/metrics.h"

namespace lode::miner {
namespace {

using Json = nlohmann::json;

Json validator_json(const ValidatorView& view, Time now) {
  const LedgerRow& row = view.ledger;
  Json json = {{"uid", view.neuron.uid},
               {"hotkey", view.neuron.hotkey},
               {"ip", view.neuron.ip},
               {"port", view.neuron.port},
               {"stake", view.neuron.stake},
               {"state", to_string(view.state)},
               {"reason", view.reason},
               {"pulled", row.pulled},
               {"accepted", row.accepted},
               {"empty", row.empty},
               {"rejected", row.rejected},
               {"settled", row.settled},
               {"violations", row.violations},
               {"validator_faults", row.validator_faults},
               {"pull_failures", row.pull_failures},
               {"submit_failures", row.submit_failures},
               {"generation_failures", row.generation_failures},
               {"mean_score", row.accepted == 0 ? Json() : Json(row.mean_score())},
               {"threshold", row.threshold},
               {"margin", view.margin.margin},
               {"margin_from", to_string(view.margin.source)},
               {"throttle_period", row.throttle_period},
               {"window_count", row.window_count},
               {"rating", row.rating},
               {"reward", row.reward},
               {"held_task_id", row.held_task_id},
               {"last_error", row.last_error},
               {"hint", view.hint},
               {"looks_copied", view.looks_copied}};
  json["wait_seconds"] = view.until ? Json(std::max(0.0, to_seconds(*view.until - now))) : Json();
  return json;
}

/// `[{at_most, count}]`, counts with those below, as Prometheus has them; above the last bound is
/// what `count` of the whole has on top.
Json buckets_json(const Timing& timing) {
  Json json = Json::array();
  std::int64_t count = 0;
  for (std::size_t i = 0; i < Timing::kBounds.size(); ++i) {
    count += timing.buckets[i];
    json.push_back({{"at_most", Timing::kBounds[i]}, {"count", count}});
  }
  return json;
}

Json chain_json(const std::optional<ChainView>& chain, Time now) {
  if (!chain) {
    return nullptr;
  }
  Json json = {{"source", chain->source},         {"connected", chain->is_connected},
               {"runtime", chain->runtime},       {"head", chain->head},
               {"block", chain->block},           {"read_seconds", chain->read_seconds},
               {"read_bytes", chain->read_bytes}, {"from_earlier_run", chain->is_from_earlier_run},
               {"advice", chain->advice},         {"error", chain->error}};
  json["age_seconds"] = chain->read_at ? Json(to_seconds(now - *chain->read_at)) : Json();
  json["uid"] = chain->uid ? Json(*chain->uid) : Json();
  return json;
}

Json clock_json(const Snapshot& snapshot) {
  return {{"skew_seconds", snapshot.clock_skew ? Json(to_seconds(*snapshot.clock_skew)) : Json()},
          {"warning", snapshot.clock_warning}};
}

std::string cell(const Json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) {
    return "-";
  }
  if (found->is_number_float()) {
    return fmt::format("{:.2f}", found->get<double>());
  }
  return found->is_string() ? found->get<std::string>() : found->dump();
}

/// What a person should know before the rows: the metagraph's source and age, and troubles.
std::string chain_lines(const Json& ledger) {
  std::string out;
  if (!ledger.is_object()) {
    return out;
  }
  const Json chain = ledger.value("chain", Json()), clock = ledger.value("clock", Json());
  if (chain.is_object()) {
    out += fmt::format("metagraph: {}, block {}, {} s old; our uid: {}\n", cell(chain, "source"),
                       cell(chain, "block"), cell(chain, "age_seconds"), cell(chain, "uid"));
    if (cell(chain, "from_earlier_run") == "true") {
      out += "metagraph: kept from an earlier run; no node has answered since the start\n";
    }
    for (const char* key : {"error", "advice"}) {
      if (const std::string text = cell(chain, key); text != "-" && !text.empty()) {
        out += "metagraph: " + text + "\n";
      }
    }
  }
  if (clock.is_object() && !cell(clock, "warning").empty() && cell(clock, "warning") != "-") {
    out += "clock: " + cell(clock, "warning") + "\n";
  }
  return out;
}

}  // namespace

void Timing::add(double seconds) {
  ++count;
  total_seconds += seconds;
  max_seconds = std::max(max_seconds, seconds);
  const auto bound = std::lower_bound(kBounds.begin(), kBounds.end(), seconds);
  ++buckets[static_cast<std::size_t>(bound - kBounds.begin())];
}

Json to_json(const Snapshot& snapshot) {
  Json validators = Json::array();
  Json totals = {{"pulled", 0},   {"accepted", 0}, {"empty", 0},
                 {"rejected", 0}, {"settled", 0},  {"violations", 0}};
  for (const ValidatorView& view : snapshot.validators) {
    validators.push_back(validator_json(view, snapshot.at));
    for (auto& [key, sum] : totals.items()) {
      sum = sum.get<int>() + validators.back()[key].get<int>();
    }
  }
  Json workers = Json::array();
  for (const WorkerView& worker : snapshot.workers) {
    workers.push_back(
        {{"name", worker.name},
         {"state", worker.state},
         {"reason", worker.reason},
         {"finished", worker.finished},
         {"failed", worker.failed},
         {"restarts", worker.restarts},
         {"running", worker.running},
         {"concurrency", worker.concurrency},
         {"weight", worker.weight},
         {"seconds", worker.seconds ? Json(*worker.seconds) : Json()},
         {"retry_seconds", worker.retry_seconds ? Json(*worker.retry_seconds) : Json()}});
  }
  Json stages = Json::object();
  for (const auto& [stage, timing] : snapshot.stages) {
    stages[stage] = {
        {"count", timing.count},
        {"total_seconds", timing.total_seconds},
        {"mean_seconds",
         timing.count == 0 ? 0 : timing.total_seconds / static_cast<double>(timing.count)},
        {"max_seconds", timing.max_seconds},
        {"buckets", buckets_json(timing)}};
  }
  return {{"at", to_seconds(snapshot.at.time_since_epoch())},
          {"hotkey", snapshot.hotkey},
          {"validators", validators},
          {"totals", totals},
          {"workers", workers},
          {"queued", snapshot.queued},
          {"generating", snapshot.generating},
          {"chain", chain_json(snapshot.chain, snapshot.at)},
          {"clock", clock_json(snapshot)},
          {"stages", stages}};
}

std::string format_table(const Json& ledger) {
  constexpr std::size_t kMaxReason = 60;
  std::string out = chain_lines(ledger);
  out +=
      fmt::format("{:>4} {:<12} {:>6} {:>8} {:>5} {:>8} {:>6} {:>5}  {}\n", "uid", "state",
                  "pulled", "accepted", "empty", "rejected", "viol.", "score", "why / last error");
  const auto validators = ledger.find("validators");
  if (validators == ledger.end() || !validators->is_array()) {
    return out;
  }
  for (const Json& row : *validators) {
    std::string reason = cell(row, "reason");
    if (const std::string error = cell(row, "last_error"); error != "-" && !error.empty()) {
      reason += " | last error: " + error;
    }
    if (reason.size() > kMaxReason * 2) {
      reason = reason.substr(0, kMaxReason * 2) + "...";
    }
    if (row.is_object() && row.value("looks_copied", Json()) == true) {
      reason += " | " + cell(row, "hint");
    }
    out += fmt::format("{:>4} {:<12} {:>6} {:>8} {:>5} {:>8} {:>6} {:>5}  {}\n", cell(row, "uid"),
                       cell(row, "state"), cell(row, "pulled"), cell(row, "accepted"),
                       cell(row, "empty"), cell(row, "rejected"), cell(row, "violations"),
                       cell(row, "mean_score"), reason);
  }
  return out;
}

HttpResponse answer(const Snapshot& snapshot, const HttpRequest& request) {
  const auto json = [](int status, const Json& body) {
    return make_response(status, "application/json",
                         body.dump(-1, ' ', false, Json::error_handler_t::replace));
  };
  if (request.method != "GET") {
    return json(405, {{"detail", "GET was expected"}});
  }
  if (request.target == "/api/ledger") {
    return json(200, to_json(snapshot));
  }
  if (request.target == "/metrics") {
    return make_response(200, "text/plain; version=0.0.4; charset=utf-8", metrics_text(snapshot));
  }
  if (request.target == "/health") {
    const auto healthy =
        std::count_if(snapshot.workers.begin(), snapshot.workers.end(), [](const auto& w) {
          return w.state != "unhealthy" && w.state != "starting" && w.state != "open";
        });
    return json(200, {{"status", healthy > 0 ? "ok" : "no worker"}, {"workers", healthy}});
  }
  return json(404, {{"detail", "no such route"}});
}

Json trail_json(std::optional<int> uid, const std::string& hotkey,
                const std::vector<TrailEntry>& trail) {
  Json entries = Json::array();
  for (const TrailEntry& entry : trail) {
    entries.push_back({{"at", to_seconds(entry.at.time_since_epoch())},
                       {"state", to_string(entry.state)},
                       {"reason", entry.reason}});
  }
  return {{"uid", uid ? Json(*uid) : Json()}, {"hotkey", hotkey}, {"trail", std::move(entries)}};
}

std::string format_trail(const Json& trail) {
  std::string out = fmt::format("validator {} ({})\n", cell(trail, "uid"), cell(trail, "hotkey"));
  const Json entries = trail.is_object() ? trail.value("trail", Json::array()) : Json::array();
  for (const Json& entry : entries) {
    std::string at = "-";
    if (entry.is_object() && entry.value("at", Json()).is_number()) {
      const double seconds = std::clamp(entry["at"].get<double>(), 0.0, 1e11);
      const auto whole = static_cast<std::time_t>(seconds);
      at = fmt::format("{:%Y-%m-%d %H:%M:%S}.{:03}", fmt::gmtime(whole),
                       static_cast<int>((seconds - static_cast<double>(whole)) * 1000));
    }
    out += fmt::format("{:23}  {:12}  {}\n", at, cell(entry, "state"), cell(entry, "reason"));
  }
  if (entries.empty()) {
    out += "no decisions are known\n";
  }
  return out;
}

namespace {

/// The state that an event leaves its validator in.
State state_after(const Event& event) {
  switch (event.kind) {
    case EventKind::pulling:
      return State::pulling;
    case EventKind::assigned:
    case EventKind::candidate_ready:
    case EventKind::discarded:
    case EventKind::cancelled:
    case EventKind::generation_failed:
    case EventKind::decided:
      return State::queued;
    case EventKind::generating:
      return State::generating;
    case EventKind::submitting:
      return State::submitting;
    case EventKind::pull_failed:
    case EventKind::submit_failed:
      return State::backing_off;
    case EventKind::cooldown:
    case EventKind::accepted:
    case EventKind::emptied:
    case EventKind::rejected:
    case EventKind::validator_failed:
    case EventKind::settled:
      return State::cooling;
  }
  return State::ready;
}

}  // namespace

std::vector<TrailEntry> trail_from_events(const std::vector<Event>& events,
                                          const std::string& hotkey) {
  std::vector<TrailEntry> trail;
  for (const Event& event : events) {
    if (event.hotkey != hotkey) {
      continue;
    }
    std::string reason(to_string(event.kind));
    reason += event.task_id.empty() ? "" : " task " + event.task_id.substr(0, 8);
    if (event.kind == EventKind::candidate_ready || event.kind == EventKind::discarded) {
      reason += fmt::format(", score {:.3f} against {:.3f}", event.score, event.threshold);
    }
    reason += event.detail.empty() ? "" : ": " + event.detail;
    trail.push_back({event.at, state_after(event), std::move(reason)});
  }
  return trail;
}

Json event_json(const Event& event) {
  Json json = {{"at", to_seconds(event.at.time_since_epoch())},
               {"hotkey", event.hotkey},
               {"kind", to_string(event.kind)}};
  const auto text = [&](const char* name, const std::string& value) {
    if (!value.empty()) {
      json[name] = value;
    }
  };
  const auto number = [&](const char* name, auto value) {
    if (value != decltype(value){}) {
      json[name] = value;
    }
  };
  text("task_id", event.task_id);
  text("task_type", event.task_type);
  text("detail", event.detail);
  text("artifact", event.artifact);
  number("score", event.score);
  number("threshold", event.threshold);
  number("throttle_period", event.throttle_period);
  number("cooldown_until", event.cooldown_until);
  number("violations", event.violations);
  number("window_count", event.window_count);
  number("rating", event.rating);
  number("reward", event.reward);
  number("judged", event.judged);
  number("attempt", event.attempt);
  number("seed", event.seed);
  number("seconds", event.seconds);
  return json;
}

std::vector<ValidatorView> view_from_ledger(const Ledger& ledger,
                                            const std::map<std::string, int>& uids) {
  std::vector<ValidatorView> views;
  for (const auto& [hotkey, row] : ledger.rows()) {
    ValidatorView view;
    const auto uid = uids.find(hotkey);
    view.neuron.uid = uid == uids.end() ? -1 : uid->second;
    view.neuron.hotkey = hotkey;
    view.ledger = row;
    view.state = row.held_task_id.empty() ? State::cooling : State::ready;
    view.reason = row.held_task_id.empty()
                      ? "the miner is not running"
                      : "holds task " + row.held_task_id + "; the miner is not running";
    if (row.held_task_id.empty() && row.cooldown_until > 0) {
      view.until = from_unix_seconds(row.cooldown_until);
    }
    views.push_back(std::move(view));
  }
  return views;
}

}  // namespace lode::miner

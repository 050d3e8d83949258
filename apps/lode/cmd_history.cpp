// lode history: what became of each task, from the journal.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <nlohmann/json.hpp>

#include "lode/commands.h"
#include "lode/journal_query.h"
#include "miner/history.h"
#include "miner/status.h"

namespace lode::commands {
namespace {

using Json = nlohmann::json;

struct HistoryOptions {
  JournalQuery query;
  std::string task;
  int limit = 0;
  bool json = false;
};

Json optional_number(const std::optional<double>& value) { return value ? Json(*value) : Json(); }

Json task_json(const JournalView& view, const miner::TaskHistory& line) {
  const miner::StoredTask& task = line.task;
  return {{"at", miner::format_time(task.first_at)},
          {"uid", view.uid_of(task.hotkey)},
          {"hotkey", task.hotkey},
          {"task", task.task_id},
          {"prompt", miner::prompt_start(task, 200)},
          {"attempts", line.attempts},
          {"best_score", optional_number(line.best_score)},
          {"submissions", line.submissions},
          {"outcome", outcome_name(task)},
          {"validator_score",
           task.outcome == miner::EventKind::accepted || task.outcome == miner::EventKind::rejected
               ? Json(task.outcome_score)
               : Json()},
          {"seconds", optional_number(line.seconds)},
          {"last_error", line.last_error}};
}

std::string number_text(const Json& value, int digits) {
  return value.is_null() ? "-" : fmt::format("{:.{}f}", value.get<double>(), digits);
}

std::string table(const Json& tasks) {
  std::string text =
      fmt::format("{:<20}{:<10}{:<38}{:>4}{:>7}  {:<17}{:>7}{:>8}  {}\n", "assigned (UTC)",
                  "validator", "task", "made", "best", "outcome", "theirs", "seconds", "prompt");
  for (const Json& row : tasks) {
    const int uid = row["uid"].get<int>();
    text += fmt::format(
        "{:<20}{:<10}{:<38.36}{:>4}{:>7}  {:<17}{:>7}{:>8}  {}\n", row["at"].get<std::string>(),
        uid < 0 ? row["hotkey"].get<std::string>().substr(0, 8) : fmt::format("uid {}", uid),
        row["task"].get<std::string>(), row["attempts"].get<int>(),
        number_text(row["best_score"], 3), row["outcome"].get<std::string>(),
        number_text(row["validator_score"], 3), number_text(row["seconds"], 1),
        row["prompt"].get<std::string>().substr(0, 200));
  }
  return text;
}

Json event_json(const miner::Event& event, Time began) {
  Json json = miner::event_json(event);
  json.erase("hotkey");  // the task's, and its id
  json.erase("task_id");
  json["at"] = miner::format_time(event.at);
  json["seconds_in"] = to_seconds(event.at - began);
  json["detail"] = event.detail;
  return json;
}

Json candidate_json(const miner::StoredCandidate& candidate) {
  return {{"attempt", candidate.attempt},
          {"seed", candidate.seed},
          {"score", candidate.score},
          {"judged", candidate.judged},
          {"reason", candidate.reason},
          {"seconds", candidate.seconds},
          {"made_at", miner::format_time(candidate.made_at)},
          {"config", Json::parse(candidate.config, nullptr, false).is_discarded()
                         ? Json(candidate.config)
                         : Json::parse(candidate.config)},
          {"artifact", candidate.artifact}};
}

void print_trail(const Json& trail) {
  const Json& task = trail["task"];
  std::cout << fmt::format(
      "task {} of {} ({})\n{}\n{}, {} made, {} sent\n\n", task["task"].get<std::string>(),
      task["hotkey"].get<std::string>(),
      task["uid"].get<int>() < 0 ? "uid unknown" : fmt::format("uid {}", task["uid"].get<int>()),
      task["prompt"].get<std::string>(), task["outcome"].get<std::string>(),
      task["attempts"].get<int>(), task["submissions"].get<int>());
  for (const Json& event : trail["events"]) {
    std::cout << fmt::format("{} {:>+9.3f} s  {:<17} {}", event["at"].get<std::string>(),
                             event["seconds_in"].get<double>(), event["kind"].get<std::string>(),
                             event["detail"].get<std::string>());
    for (const auto& [name, value] : event.items()) {
      if (value.is_number() && name != "seconds_in") {
        std::cout << " " << name << "=" << value;
      }
    }
    std::cout << "\n";
  }
  for (const Json& candidate : trail["candidates"]) {
    std::cout << fmt::format(
        "candidate {}: seed {}, score {:.3f}, {:.1f} s, {} ({})\n", candidate["attempt"].get<int>(),
        candidate["seed"].get<std::uint64_t>(), candidate["score"].get<double>(),
        candidate["seconds"].get<double>(),
        candidate["artifact"].get<std::string>().empty() ? "no artefact"
                                                         : candidate["artifact"].get<std::string>(),
        candidate["reason"].get<std::string>());
  }
}

Result<Json> read_trail(const JournalView& view, const std::string& id) {
  LODE_TRY(const miner::StoredTask task, find_task(view, id));
  miner::EventFilter filter;
  filter.hotkey = task.hotkey;
  filter.task_id = task.task_id;
  LODE_TRY(const auto events, view.journal.events(filter));
  LODE_TRY(const auto candidates, view.journal.candidate_rows(task.hotkey, task.task_id));
  Json trail = {{"task", task_json(view, miner::summarize(task, events))},
                {"events", Json::array()},
                {"candidates", Json::array()}};
  for (const miner::Event& event : events) {
    trail["events"].push_back(event_json(event, task.first_at));
  }
  for (const miner::StoredCandidate& candidate : candidates) {
    trail["candidates"].push_back(candidate_json(candidate));
  }
  return trail;
}

Result<Json> read_lines(const JournalView& view, int limit) {
  miner::TaskFilter filter;
  filter.since = view.since;
  filter.hotkey = view.hotkey;
  filter.limit = limit;
  LODE_TRY(const auto lines, miner::read_history(view.journal, filter));
  Json json = {{"tasks", Json::array()}};
  for (const miner::TaskHistory& line : lines) {
    json["tasks"].push_back(task_json(view, line));
  }
  return json;
}

int history(const HistoryOptions& options) {
  const auto view = open_journal(options.query);
  if (!view) {
    return cli::report(view.error());
  }
  const auto found =
      options.task.empty() ? read_lines(*view, options.limit) : read_trail(*view, options.task);
  if (!found) {
    return cli::report(found.error());
  }
  if (options.json) {
    cli::print_json(*found);
  } else if (options.task.empty()) {
    std::cout << table((*found)["tasks"]);
  } else {
    print_trail(*found);
  }
  return cli::kDone;
}

}  // namespace

void add_history(CLI::App& app, cli::Action& chosen) {
  auto options = std::make_shared<HistoryOptions>();
  CLI::App* command = app.add_subcommand("history", "Show what became of each task");
  add_journal_path(*command, options->query);
  add_window(*command, options->query, "4h");
  add_validator(*command, options->query);
  command->add_option("--task", options->task, "The whole trail of the task whose id begins so");
  command->add_option("--limit", options->limit, "The newest so many; 0: all")
      ->check(CLI::NonNegativeNumber);
  command->add_flag("--json", options->json, "Print one JSON object");
  command->callback([options, &chosen] { chosen = [options] { return history(*options); }; });
}

}  // namespace lode::commands

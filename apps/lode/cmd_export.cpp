// lode export: the journal's tasks or events for other programs.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "lode/commands.h"
#include "lode/journal_query.h"
#include "miner/history.h"

namespace lode::commands {
namespace {

using Json = nlohmann::ordered_json;

struct ExportOptions {
  JournalQuery query;
  std::string format = "csv";
  bool events = false;
  std::string out;
};

/// Seconds since the epoch, exact to the microsecond.
double epoch_seconds(Time time) { return to_seconds(time.time_since_epoch()); }

Json row_of(const JournalView& view, const miner::Event& event) {
  return {{"at", epoch_seconds(event.at)},
          {"uid", view.uid_of(event.hotkey)},
          {"hotkey", event.hotkey},
          {"kind", miner::to_string(event.kind)},
          {"task", event.task_id},
          {"detail", event.detail},
          {"score", event.score},
          {"threshold", event.threshold},
          {"throttle_period", event.throttle_period},
          {"cooldown_until", event.cooldown_until},
          {"violations", event.violations},
          {"window_count", event.window_count},
          {"rating", event.rating},
          {"reward", event.reward},
          {"attempt", event.attempt},
          {"seed", event.seed},
          {"seconds", event.seconds},
          {"artifact", event.artifact}};
}

Json row_of(const JournalView& view, const miner::TaskHistory& line) {
  const miner::StoredTask& task = line.task;
  return {{"assigned_at", epoch_seconds(task.first_at)},
          {"uid", view.uid_of(task.hotkey)},
          {"hotkey", task.hotkey},
          {"task", task.task_id},
          {"type", !task.type                                ? ""
                   : *task.type == subnet::Task::Type::image ? "image"
                                                             : "text"},
          {"prompt", task.prompt},
          {"picture", task.picture},
          {"threshold", task.threshold},
          {"throttle_period", task.throttle_period},
          {"attempts", line.attempts},
          {"best_score", line.best_score ? Json(*line.best_score) : Json()},
          {"submissions", line.submissions},
          {"outcome", outcome_name(task)},
          {"outcome_at", task.outcome ? Json(epoch_seconds(task.outcome_at)) : Json()},
          {"validator_score", task.outcome ? Json(task.outcome_score) : Json()},
          {"seconds", line.seconds ? Json(*line.seconds) : Json()},
          {"sent", task.sent},
          {"last_error", line.last_error}};
}

std::string cell(const Json& value) {
  if (value.is_null()) {
    return {};
  }
  return value.is_string() ? value.get<std::string>() : value.dump();
}

/// Rows of one shape as text; the columns are the first row's keys, or `empty`'s where there is
/// none.
std::string format_rows(const std::vector<Json>& rows, const Json& empty,
                        const std::string& format) {
  std::string text;
  if (format == "jsonl") {
    for (const Json& row : rows) {
      text += row.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
    }
    return text;
  }
  std::vector<std::string> names;
  for (const auto& [name, value] : empty.items()) {
    names.push_back(name);
  }
  text = miner::csv_line(names);
  for (const Json& row : rows) {
    std::vector<std::string> cells;
    for (const auto& [name, value] : row.items()) {
      cells.push_back(cell(value));
    }
    text += miner::csv_line(cells);
  }
  return text;
}

Result<std::string> read(const ExportOptions& options) {
  LODE_TRY(const JournalView view, open_journal(options.query));
  std::vector<Json> rows;
  if (options.events) {
    miner::EventFilter filter;
    filter.since = view.since;
    filter.hotkey = view.hotkey;
    LODE_TRY(const auto events, view.journal.events(filter));
    for (const miner::Event& event : events) {
      rows.push_back(row_of(view, event));
    }
    return format_rows(rows, row_of(view, miner::Event()), options.format);
  }
  miner::TaskFilter filter;
  filter.since = view.since;
  filter.hotkey = view.hotkey;
  LODE_TRY(const auto lines, miner::read_history(view.journal, filter));
  for (const miner::TaskHistory& line : lines) {
    rows.push_back(row_of(view, line));
  }
  return format_rows(rows, row_of(view, miner::TaskHistory()), options.format);
}

int run(const ExportOptions& options) {
  const auto text = read(options);
  if (!text) {
    return cli::report(text.error());
  }
  if (options.out.empty()) {
    std::cout << *text;
    return cli::kDone;
  }
  const auto written = write_file(options.out, as_bytes(*text));
  return written ? cli::kDone : cli::report(written.error());
}

}  // namespace

void add_export(CLI::App& app, cli::Action& chosen) {
  auto options = std::make_shared<ExportOptions>();
  CLI::App* command = app.add_subcommand("export", "Write tasks or events for other programs");
  add_journal_path(*command, options->query);
  add_window(*command, options->query, "");
  add_validator(*command, options->query);
  command->add_option("--format", options->format, "csv or jsonl")
      ->capture_default_str()
      ->check(CLI::IsMember({"csv", "jsonl"}));
  command->add_flag("--events", options->events, "Every event instead of one row a task");
  command->add_option("-o", options->out, "File instead of standard output");
  command->callback([options, &chosen] { chosen = [options] { return run(*options); }; });
}

}  // namespace lode::commands

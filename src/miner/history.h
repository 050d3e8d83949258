// One task's story in a line or in full, from the journal.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "miner/journal.h"

namespace lode::miner {

/// What became of one task.
struct TaskHistory {
  StoredTask task;
  int attempts = 0;                  ///< candidates made
  std::optional<double> best_score;  ///< of our own verdicts
  int submissions = 0;               ///< sent, answered or not
  std::optional<double> seconds;     ///< from the first assignment to the outcome
  std::string last_error;            ///< the last failure on the way
};

/// Folds a task's events into its line.
TaskHistory summarize(StoredTask task, const std::vector<Event>& events);

/// The tasks that the filter chooses, oldest first, each with its line.
Result<std::vector<TaskHistory>> read_history(const Journal& journal, const TaskFilter& filter);

/// "accepted", ..., or "held" while there is no outcome.
std::string_view outcome_name(const StoredTask& task);

/// The start of a prompt on one line of at most `columns` characters, or which picture it is.
std::string prompt_start(const StoredTask& task, std::size_t columns);

/// "2026-11-22 21:40:05", UTC.
std::string format_time(Time time);

/// A field of comma-separated values: quoted where RFC 4180 asks for it.
std::string csv_field(std::string_view text);

/// One line of comma-separated values, ended by CR LF as RFC 4180 has it.
std::string csv_line(const std::vector<std::string>& fields);

}  // namespace lode::miner

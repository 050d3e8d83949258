#include "miner/history.h"

#include <algorithm>
#include <array>
#include <ctime>

namespace lode::miner {
namespace {

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

}  // namespace

TaskHistory summarize(StoredTask task, const std::vector<Event>& events) {
  TaskHistory history;
  for (const Event& event : events) {
    switch (event.kind) {
      case EventKind::candidate_ready:
        ++history.attempts;
        history.best_score = std::max(history.best_score.value_or(event.score), event.score);
        break;
      case EventKind::discarded:
        ++history.attempts;  // its score is no whole one
        break;
      case EventKind::submitting:
        ++history.submissions;
        break;
      case EventKind::pull_failed:
      case EventKind::generation_failed:
      case EventKind::submit_failed:
      case EventKind::rejected:
      case EventKind::validator_failed:
        history.last_error = event.detail;
        break;
      default:
        break;
    }
  }
  if (task.outcome) {
    history.seconds = to_seconds(task.outcome_at - task.first_at);
  }
  history.task = std::move(task);
  return history;
}

Result<std::vector<TaskHistory>> read_history(const Journal& journal, const TaskFilter& filter) {
  LODE_TRY(std::vector<StoredTask> tasks, journal.tasks(filter));
  std::vector<TaskHistory> history;
  history.reserve(tasks.size());
  for (StoredTask& task : tasks) {
    EventFilter of_task;
    of_task.hotkey = task.hotkey;
    of_task.task_id = task.task_id;
    LODE_TRY(const std::vector<Event> events, journal.events(of_task));
    history.push_back(summarize(std::move(task), events));
  }
  return history;
}

std::string_view outcome_name(const StoredTask& task) {
  return task.outcome ? to_string(*task.outcome) : "held";
}

std::string prompt_start(const StoredTask& task, std::size_t columns) {
  if (task.type == subnet::Task::Type::image) {
    return task.picture.empty() ? "(picture)" : "(picture " + task.picture.substr(0, 8) + ")";
  }
  constexpr std::string_view kMore = "...";
  std::string line;
  std::size_t n_characters = 0;
  std::size_t cut = 0;  // where the line would end to leave room for kMore
  for (const char c : task.prompt) {
    if (!is_continuation(c)) {
      if (n_characters == columns) {
        return line.substr(0, cut) + std::string(kMore);
      }
      if (n_characters + kMore.size() == columns) {
        cut = line.size();
      }
      ++n_characters;
    }
    const auto byte = static_cast<unsigned char>(c);
    line += byte < 0x20 || byte == 0x7f ? ' ' : c;  // nothing that a terminal would obey
  }
  return line;
}

std::string format_time(Time time) {
  const std::time_t seconds = static_cast<std::time_t>(unix_seconds(time));
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S", &utc);
  return text.data();
}

std::string csv_field(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) {
    return std::string(text);
  }
  std::string quoted = "\"";
  for (const char c : text) {
    quoted += c;
    if (c == '"') {
      quoted += c;
    }
  }
  return quoted + '"';
}

std::string csv_line(const std::vector<std::string>& fields) {
  std::string line;
  for (const std::string& field : fields) {
    line += (&field == &fields.front() ? "" : ",") + csv_field(field);
  }
  return line + "\r\n";
}

}  // namespace lode::miner

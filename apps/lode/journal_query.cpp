#include "lode/journal_query.h"

#include <CLI/CLI.hpp>

#include "base/duration.h"

namespace lode::commands {

void add_journal_path(CLI::App& command, JournalQuery& query) {
  command.add_option("--journal.path", query.path, "Journal of a miner, running or not")
      ->capture_default_str();
}

void add_window(CLI::App& command, JournalQuery& query, const std::string& initial) {
  query.last = initial;
  command.add_option("--last", query.last, "How far back: 4h, 90m, 7d")->capture_default_str();
}

void add_validator(CLI::App& command, JournalQuery& query) {
  auto* uid = command.add_option("--uid", query.uid, "Of this validator alone")
                  ->check(CLI::NonNegativeNumber);
  command.add_option("--hotkey", query.hotkey, "Of this validator alone")->excludes(uid);
}

std::string JournalView::name_of(const std::string& of) const {
  const int uid = uid_of(of);
  return uid < 0 ? of.substr(0, 8) : "uid " + std::to_string(uid);
}

int JournalView::uid_of(const std::string& of) const {
  const auto found = uids.find(of);
  return found == uids.end() ? -1 : found->second;
}

Result<JournalView> open_journal(const JournalQuery& query) {
  std::optional<Duration> last;
  if (!query.last.empty()) {
    auto parsed = parse_duration(query.last);
    if (!parsed) {
      return annotate(parsed.error(), "--last");
    }
    last = *parsed;
  }
  LODE_TRY(miner::Journal journal, miner::Journal::open_read_only(query.path));
  LODE_TRY(auto uids, journal.uids());
  JournalView view{std::move(journal), std::move(uids), SystemClock().now(), {}, query.hotkey};
  if (last) {
    view.since = view.now - *last;
  }
  if (query.uid >= 0) {
    // A UID may have had several owners; the journal knows what each hotkey had last.
    for (const auto& [hotkey, uid] : view.uids) {
      if (uid == query.uid) {
        view.hotkey = hotkey;
      }
    }
    if (view.hotkey.empty()) {
      return fail(Errc::not_found, query.path + ": no validator with uid " +
                                       std::to_string(query.uid) + " is in the journal");
    }
  }
  return view;
}

Result<miner::StoredTask> find_task(const JournalView& view, const std::string& prefix) {
  miner::TaskFilter filter;
  filter.id_prefix = prefix;
  filter.hotkey = view.hotkey;
  LODE_TRY(const auto found, view.journal.tasks(filter));
  for (const miner::StoredTask& task : found) {
    if (task.task_id == prefix && found.size() == 1) {
      return task;
    }
  }
  if (found.size() == 1) {
    return found.front();
  }
  if (found.empty()) {
    return fail(Errc::not_found, "task '" + prefix + "' is not in the journal");
  }
  return fail(Errc::invalid_input, "task '" + prefix + "': " + std::to_string(found.size()) +
                                       " tasks have an id that begins so");
}

}  // namespace lode::commands

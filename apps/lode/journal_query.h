// What the commands that read a journal share: which one, which validator, since when.
#pragma once

#include <CLI/App.hpp>
#include <map>
#include <optional>
#include <string>

#include "miner/journal.h"

namespace lode::commands {

struct JournalQuery {
  std::string path = "lode-journal.db";
  std::string last;  ///< a duration as text; empty: since the beginning
  int uid = -1;
  std::string hotkey;
};

/// `--journal.path`.
void add_journal_path(CLI::App& command, JournalQuery& query);
/// `--last`; `initial` is its default.
void add_window(CLI::App& command, JournalQuery& query, const std::string& initial);
/// `--uid` and `--hotkey`.
void add_validator(CLI::App& command, JournalQuery& query);

/// An open journal and what the flags say of it.
struct JournalView {
  miner::Journal journal;
  std::map<std::string, int> uids;  ///< by hotkey
  Time now{};
  std::optional<Time> since;
  std::string hotkey;  ///< empty: every validator

  /// "uid 7" or, where the journal does not know it, the start of the hotkey.
  std::string name_of(const std::string& hotkey) const;
  int uid_of(const std::string& hotkey) const;  ///< -1 where unknown
};

/// Opens the journal for reading. Errors name the file or the flag.
Result<JournalView> open_journal(const JournalQuery& query);

/// The one task whose id begins with `prefix`. Errc::not_found or invalid_input (several do) name
/// it.
Result<miner::StoredTask> find_task(const JournalView& view, const std::string& prefix);

}  // namespace lode::commands

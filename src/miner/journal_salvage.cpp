// Reading what can be read of a damaged journal.
#include <string>

#include "miner/journal_internal.h"

namespace lode::miner::journal_internal {
namespace {

/// Above what any miner reaches: a damaged number near the end of the range would leave no room
/// for the events to come.
constexpr std::int64_t kMaxSeq = std::int64_t{1} << 48;

/// A reader that gives up on damage; false when the table ended before that.
template <class Take>
bool read_until_damage(sqlite3* db, const std::string& sql, Take&& take) {
  try {
    Statement select(db, sql.c_str());
    while (select.step()) {
      take(select);
    }
    return false;
  } catch (const SqliteError& error) {
    if (error.is_out_of_resource()) {
      throw;  // of the new journal
    }
    return true;
  }
}

/// Every row that can be reached: from the front up to the damage, then from the back down to it.
/// `take` is given each row once and says its key, which is the row's first column.
template <class Take>
void read_around_damage(sqlite3* db, const std::string& select, const char* key, Take&& take) {
  std::int64_t last = 0;
  bool has_any = false;
  const auto forwards = [&](const Statement& row) {
    last = row.integer(0);
    has_any = true;
    take(row);
  };
  if (!read_until_damage(db, select + " ORDER BY " + key, forwards)) {
    return;
  }
  const std::string rest =
      has_any ? " WHERE " + std::string(key) + " > " + std::to_string(last) : std::string();
  read_until_damage(db, select + rest + " ORDER BY " + key + " DESC", take);
}

/// Copies rows whose columns are the same here and there; a row that breaks a rule of its new
/// table is left out.
std::int64_t copy_table(sqlite3* from, sqlite3* to, const std::string& table, int n_columns) {
  std::string places = "?";
  for (int i = 1; i < n_columns; ++i) {
    places += ", ?";
  }
  Statement insert(to, ("INSERT OR IGNORE INTO " + table + " VALUES(" + places + ")").c_str());
  std::int64_t copied = 0;
  read_around_damage(from, "SELECT rowid, * FROM " + table, "rowid", [&](const Statement& row) {
    for (int i = 0; i < n_columns; ++i) {
      insert.bind_column(row, i + 1);
    }
    insert.run();
    copied += sqlite3_changes(to);
  });
  return copied;
}

std::int64_t copy_events(sqlite3* from, sqlite3* to) {
  Statement insert(to, (std::string("INSERT OR IGNORE INTO events(") + kEventColumns +
                        ") VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
                           .c_str());
  std::int64_t copied = 0;
  read_around_damage(from, std::string("SELECT ") + kEventColumns + " FROM events", "seq",
                     [&](const Statement& row) {
                       const auto event = event_of(row);
                       const std::int64_t seq = row.integer(0);
                       if (event && seq > 0 && seq < kMaxSeq) {
                         insert.bind(seq);
                         insert_event(insert, *event);
                         copied += sqlite3_changes(to);
                       }
                     });
  return copied;
}

}  // namespace

bool is_whole(sqlite3* db) {
  try {
    Statement check(db, "PRAGMA integrity_check(1)");
    return check.step() && check.text(0) == "ok";
  } catch (const SqliteError&) {
    return false;
  }
}

Salvage salvage(const std::filesystem::path& damaged, sqlite3* to) {
  Salvage found;
  auto opened = open_handle(damaged.string(), SQLITE_OPEN_READONLY);
  if (!opened) {
    return found;
  }
  sqlite3* from = opened->get();
  try {
    execute(from, "PRAGMA cell_size_check = ON");
    if (pragma(from, "PRAGMA user_version") == 1) {
      view_version_1(from);
    }
  } catch (const SqliteError&) {
    return found;  // not even its list of tables can be read
  }
  found.events = copy_events(from, to);
  found.tasks = copy_table(from, to, "tasks", 13);
  found.candidates = copy_table(from, to, "candidates", 11);
  copy_table(from, to, "validators", 2);
  // The folds reach back before the oldest event. They are worth having only together, and their
  // marks must not lie beyond the events that came over.
  copy_table(from, to, "ledger", 3);
  found.has_ledger = copy_table(from, to, "folds", 3) > 0;
  execute(to, "DELETE FROM folds WHERE stage <> 'base'");
  execute(to, "DELETE FROM ledger WHERE stage <> 'base'");
  return found;
}

}  // namespace lode::miner::journal_internal

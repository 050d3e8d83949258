// The journal's tables: creating them, and bringing older ones up to date.
#include <string>

#include "miner/journal_internal.h"

namespace lode::miner::journal_internal {
namespace {

/// Far above any row of ours; bounds a damaged one. Version 1 kept splats in rows.
constexpr int kMaxRowBytes = 256 << 20;

/// In the order of kEventColumns. Numbers that a kind does not use are zeros, which take no space.
constexpr const char* kEventTable = R"((
  seq INTEGER PRIMARY KEY,
  at_ns INTEGER NOT NULL,
  hotkey TEXT NOT NULL,
  kind TEXT NOT NULL,
  task_id TEXT NOT NULL,
  detail TEXT NOT NULL,
  score REAL NOT NULL,
  threshold REAL NOT NULL,
  throttle_period INTEGER NOT NULL,
  cooldown_until INTEGER NOT NULL,
  violations INTEGER NOT NULL,
  window_count INTEGER NOT NULL,
  rating REAL NOT NULL,
  reward REAL NOT NULL,
  attempt INTEGER NOT NULL,
  seed INTEGER NOT NULL,
  seconds REAL NOT NULL,
  artifact TEXT NOT NULL,
  judged INTEGER NOT NULL,
  task_type TEXT NOT NULL))";

constexpr const char* kTaskTable = R"((
  hotkey TEXT NOT NULL,
  task_id TEXT NOT NULL,
  type TEXT NOT NULL DEFAULT '',
  prompt TEXT NOT NULL DEFAULT '',
  picture TEXT NOT NULL DEFAULT '',
  threshold REAL NOT NULL DEFAULT 0,
  throttle_period INTEGER NOT NULL DEFAULT 0,
  first_at_ns INTEGER NOT NULL,
  last_at_ns INTEGER NOT NULL,
  outcome TEXT NOT NULL DEFAULT '',
  outcome_at_ns INTEGER NOT NULL DEFAULT 0,
  outcome_score REAL NOT NULL DEFAULT 0,
  sent TEXT NOT NULL DEFAULT '',
  PRIMARY KEY(hotkey, task_id)))";

constexpr const char* kCandidateTable = R"((
  hotkey TEXT NOT NULL,
  task_id TEXT NOT NULL,
  attempt INTEGER NOT NULL,
  seed INTEGER NOT NULL,
  score REAL NOT NULL,
  judged INTEGER NOT NULL,
  reason TEXT NOT NULL,
  seconds REAL NOT NULL,
  made_at_ns INTEGER NOT NULL,
  config TEXT NOT NULL,
  artifact TEXT NOT NULL,
  PRIMARY KEY(hotkey, task_id, attempt)))";

constexpr const char* kLedgerTable = R"((
  stage TEXT NOT NULL,
  hotkey TEXT NOT NULL,
  row TEXT NOT NULL,
  PRIMARY KEY(stage, hotkey)))";

constexpr const char* kFoldTable = R"((
  stage TEXT PRIMARY KEY,
  through_seq INTEGER NOT NULL,
  fold_version INTEGER NOT NULL))";

constexpr const char* kValidatorTable = "(hotkey TEXT PRIMARY KEY, uid INTEGER NOT NULL)";

constexpr std::pair<const char*, const char*> kTables[] = {
    {"events", kEventTable},  {"tasks", kTaskTable}, {"candidates", kCandidateTable},
    {"ledger", kLedgerTable}, {"folds", kFoldTable}, {"validators", kValidatorTable}};

/// An expression for a number of a version-1 event.
std::string number(const char* name) {
  return "coalesce(CASE WHEN json_valid(numbers) THEN json_extract(numbers, '$." +
         std::string(name) + "') END, 0)";
}

/// Version-1 events of `table` with the columns of kEventTable.
std::string version_1_events(const std::string& table) {
  std::string sql = "SELECT seq, at_ns, hotkey, kind, task_id, detail";
  for (const char* name : {"score", "threshold", "throttle_period", "cooldown_until", "violations",
                           "window_count", "rating", "reward"}) {
    sql += ", " + number(name) + " AS " + name;
  }
  return sql +
         ", 0 AS attempt, 0 AS seed, 0.0 AS seconds, '' AS artifact, 0 AS judged, '' AS task_type "
         "FROM " +
         table;
}

/// Fills `tasks` from the events that there are.
void index_tasks(sqlite3* db) {
  TaskIndex index(db);
  Statement select(db,
                   (std::string("SELECT ") + kEventColumns + " FROM events ORDER BY seq").c_str());
  while (select.step()) {
    if (const auto event = event_of(select)) {
      index.apply(*event);
    }
  }
}

/// Each validator had one candidate at most, with its bytes in the row.
void take_version_1_candidates(sqlite3* db, const ArtifactStore& artifacts) {
  Statement select(db, "SELECT hotkey, task_id, spz, score, judged FROM candidates_1");
  Statement insert(
      db,
      "INSERT INTO candidates SELECT ?1, ?2, 0, 0, ?3, ?4, 'from a version-1 journal', "
      "0.0, coalesce(max(last_at_ns), 0), '', ?5 FROM tasks "
      "WHERE hotkey = ?1 AND task_id = ?2");
  while (select.step()) {
    const Bytes spz = select.blob(2);
    std::string hash;
    if (!spz.empty()) {
      auto put = artifacts.put(spz, ArtifactKind::splat);
      if (!put) {
        throw SqliteError(put.error().code == Errc::out_of_resource ? SQLITE_FULL : SQLITE_IOERR,
                          put.error().context);
      }
      hash = *std::move(put);
    }
    const std::string hotkey = select.text(0);
    const std::string task = select.text(1);
    insert.bind(hotkey).bind(task).bind(select.real(3)).bind(select.integer(4)).bind(hash).run();
  }
}

}  // namespace

Result<DatabaseHandle> open_handle(const std::string& name, int flags) {
  sqlite3* raw = nullptr;
  const int code = sqlite3_open_v2(name.c_str(), &raw, flags, nullptr);
  DatabaseHandle handle(raw);
  if (code != SQLITE_OK) {
    return fail(code == SQLITE_CANTOPEN ? Errc::not_found : Errc::io_failure,
                name + ": open journal: " + sqlite3_errstr(code));
  }
  sqlite3_busy_timeout(raw, 5000);
  sqlite3_extended_result_codes(raw, 1);
  sqlite3_limit(raw, SQLITE_LIMIT_LENGTH, kMaxRowBytes);
  return handle;
}

void create_tables(sqlite3* db) {
  for (const auto& [name, columns] : kTables) {
    execute(db, std::string("CREATE TABLE ") + name + columns);
  }
  execute(db, "CREATE INDEX events_at ON events(at_ns)");
  execute(db, "CREATE INDEX events_task ON events(task_id) WHERE task_id <> ''");
  execute(db, "CREATE INDEX tasks_id ON tasks(task_id)");
  execute(db, "CREATE INDEX tasks_last ON tasks(last_at_ns)");
  execute(db, "CREATE INDEX tasks_open ON tasks(hotkey) WHERE outcome = ''");
  execute(db, "PRAGMA user_version = " + std::to_string(kSchemaVersion));
}

void migrate(sqlite3* db, const ArtifactStore& artifacts) {
  Transaction transaction(db);
  execute(db, "ALTER TABLE events RENAME TO events_1");
  execute(db, "ALTER TABLE candidates RENAME TO candidates_1");
  create_tables(db);
  execute(db, "INSERT INTO events " + version_1_events("events_1"));
  index_tasks(db);
  take_version_1_candidates(db, artifacts);
  execute(db, "DROP TABLE events_1");
  execute(db, "DROP TABLE candidates_1");
  transaction.commit();
}

void view_version_1(sqlite3* db) {
  execute(db, "CREATE TEMP VIEW events AS " + version_1_events("main.events"));
  for (const auto& [name, columns] : kTables) {
    if (std::string_view(name) != "events") {
      execute(db, std::string("CREATE TEMP TABLE ") + name + columns);
    }
  }
  index_tasks(db);
}

}  // namespace lode::miner::journal_internal

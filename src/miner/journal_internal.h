// SQLite behind the journal: handles, statements, and what its files share.
#pragma once

#include <sqlite3.h>

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "miner/artifact_store.h"
#include "miner/event.h"
#include "miner/journal.h"
#include "miner/ledger.h"

namespace lode::miner::journal_internal {

inline constexpr int kSchemaVersion = 2;
inline constexpr int kApplicationId = 0x4c4f4445;  // "LODE"

/// A failed SQLite call.
class SqliteError : public std::runtime_error {
 public:
  SqliteError(sqlite3* db, std::string_view doing);
  SqliteError(int code, const std::string& what) : std::runtime_error(what), code_(code) {}
  /// The disk, a quota or max_pages is reached, or another program holds a lock for long.
  bool is_out_of_resource() const;
  /// The file's content cannot be what SQLite wrote.
  bool is_damage() const;

 private:
  int code_ = SQLITE_ERROR;  ///< extended result code
  int system_errno_ = 0;
};

struct CloseDatabase {
  void operator()(sqlite3* db) const { sqlite3_close_v2(db); }
};
using DatabaseHandle = std::unique_ptr<sqlite3, CloseDatabase>;

/// A prepared statement; bind() in order, then step(). SqliteError on any failure.
class Statement {
 public:
  Statement(sqlite3* db, const char* sql);
  Statement& bind(std::int64_t value);
  Statement& bind(double value);
  /// The text must live until the statement has run.
  Statement& bind(std::string_view text);
  Statement& bind(Time time) { return bind(std::int64_t{time.time_since_epoch().count()}); }
  /// A value of another statement's row, whatever its type.
  Statement& bind_column(const Statement& row, int column);
  /// True when there is a row.
  bool step();
  /// Runs a statement that gives no rows, ready to be bound again.
  void run();
  void rewind();
  std::int64_t integer(int column) const { return sqlite3_column_int64(statement_.get(), column); }
  double real(int column) const;
  std::string text(int column) const;
  Bytes blob(int column) const;
  Time time(int column) const { return Time(Duration(integer(column))); }
  int columns() const { return sqlite3_column_count(statement_.get()); }

 private:
  Statement& checked(int code);
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  sqlite3* db_;
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
  int next_ = 1;
};

void execute(sqlite3* db, const std::string& sql);
std::int64_t pragma(sqlite3* db, const char* sql);

/// BEGIN IMMEDIATE now, ROLLBACK at the end of the scope unless commit() came first.
class Transaction {
 public:
  explicit Transaction(sqlite3* db);
  ~Transaction();
  void commit();

 private:
  sqlite3* db_;
  bool is_open_ = true;
};

/// The file `<journal>.lock`: held by the one process that writes the journal, and the memory of
/// whether the journal was seen to be damaged.
class LockFile {
 public:
  static Result<LockFile> take(const std::filesystem::path& journal);
  LockFile() = default;
  LockFile(LockFile&& other) noexcept;
  LockFile& operator=(LockFile&& other) noexcept;
  ~LockFile();

  /// Whether a journal was written under this lock before.
  bool was_used() const { return was_used_; }
  /// Whether damage was noted and not dealt with since.
  bool is_suspect() const { return is_suspect_; }
  /// Notes who holds it, and that the journal is to be checked in full at the next start.
  void write(bool is_suspect);
  /// Takes a lock file away that this process created beside a file that is not its own.
  void withdraw();

 private:
  int fd_ = -1;
  std::filesystem::path path_;
  bool was_used_ = false;
  bool is_suspect_ = false;
};

// ---- journal_schema.cpp ----

/// A handle with the limits that every use has. Errc::not_found for an absent file.
Result<DatabaseHandle> open_handle(const std::string& name, int flags);
/// Creates tables and indexes of kSchemaVersion, within the caller's transaction.
void create_tables(sqlite3* db);
/// Rewrites version 1 as kSchemaVersion in one transaction; candidates' bytes go to `artifacts`.
void migrate(sqlite3* db, const ArtifactStore& artifacts);
/// Lets a read-only handle on a version-1 file answer the queries of kSchemaVersion.
void view_version_1(sqlite3* db);

// ---- journal_rows.cpp ----

void insert_event(Statement& insert, const Event& event);
extern const char* const kInsertEvent;
extern const char* const kEventColumns;
/// Nothing for a kind that is not known: a damaged row.
std::optional<Event> event_of(const Statement& row);

/// Keeps the rows of `tasks` in step with events.
class TaskIndex {
 public:
  explicit TaskIndex(sqlite3* db);
  void apply(const Event& event);

 private:
  Statement supersede_, assign_, finish_, send_;
};

/// One row a validator, as folded up to `through` inclusive.
struct Fold {
  Ledger ledger;
  std::int64_t through = 0;
};
enum class Stage { base, latest };
/// The stored fold, or an empty one. A `latest` of another fold version is not used: the base is.
Fold load_fold(sqlite3* db, Stage stage);
/// Folds the events after `fold.through` up to `last`.
void advance(sqlite3* db, Fold& fold, std::int64_t last);
/// Within the caller's transaction.
void save_fold(sqlite3* db, Stage stage, const Fold& fold);
std::int64_t last_event(sqlite3* db);

// ---- journal_salvage.cpp ----

/// Whether SQLite finds the file whole.
bool is_whole(sqlite3* db);

struct Salvage {
  std::int64_t events = 0, tasks = 0, candidates = 0;
  bool has_ledger = false;  ///< the folds came over whole: counts of pruned events survive
};
/// Copies what can be read of the journal `damaged` into the new journal `to`.
Salvage salvage(const std::filesystem::path& damaged, sqlite3* to);

}  // namespace lode::miner::journal_internal

namespace lode::miner {

struct Journal::Database {
  std::string name;
  journal_internal::LockFile lock;
  journal_internal::DatabaseHandle handle;
  ArtifactStore artifacts;
  std::vector<std::string> notices;
  std::optional<journal_internal::TaskIndex> tasks;
  std::map<const char*, journal_internal::Statement> statements;  ///< by the address of its SQL

  /// The cached statement of that SQL, ready to be bound.
  journal_internal::Statement& prepared(const char* sql) {
    auto found = statements.find(sql);
    if (found == statements.end()) {
      found = statements.emplace(sql, journal_internal::Statement(handle.get(), sql)).first;
    }
    found->second.rewind();
    return found->second;
  }

  /// Runs a write. A full disk is a value; anything else flies on, and damage is remembered.
  template <class F>
  Result<void> write(F&& f) {
    try {
      f();
      return {};
    } catch (const journal_internal::SqliteError& error) {
      if (error.is_damage()) {
        lock.write(true);
      }
      if (!error.is_out_of_resource()) {
        throw std::runtime_error(name + ": " + error.what());
      }
      return fail(Errc::out_of_resource, name + ": " + error.what());
    }
  }
  /// Runs a read. What is wrong with the file is a value.
  template <class T, class F>
  Result<T> read(F&& f) {
    try {
      return f();
    } catch (const journal_internal::SqliteError& error) {
      if (error.is_damage()) {
        lock.write(true);
      }
      return fail(error.is_damage()            ? Errc::invalid_input
                  : error.is_out_of_resource() ? Errc::out_of_resource
                                               : Errc::io_failure,
                  name + ": " + error.what());
    }
  }
};

}  // namespace lode::miner

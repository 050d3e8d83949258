#include "miner/journal.h"

#include <sqlite3.h>

#include <nlohmann/json.hpp>
#include <stdexcept>

namespace lode::miner {
namespace {

using Json = nlohmann::json;

constexpr int kSchemaVersion = 1;
constexpr int kApplicationId = 0x4c4f4445;  // "LODE"
/// Far above any SPZ worth sending (half a million gaussians are 7 MB); bounds a damaged row.
constexpr int kMaxBlobBytes = 256 << 20;

constexpr const char* kSchema = R"(
CREATE TABLE events(
  seq INTEGER PRIMARY KEY,
  at_ns INTEGER NOT NULL,
  hotkey TEXT NOT NULL,
  kind TEXT NOT NULL,
  task_id TEXT NOT NULL,
  detail TEXT NOT NULL,
  numbers TEXT NOT NULL);
CREATE TABLE candidates(
  hotkey TEXT PRIMARY KEY,
  task_id TEXT NOT NULL,
  spz BLOB NOT NULL,
  score REAL NOT NULL,
  judged INTEGER NOT NULL);
)";

struct CloseDatabase {
  void operator()(sqlite3* db) const { sqlite3_close_v2(db); }
};
struct FinalizeStatement {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using DatabaseHandle = std::unique_ptr<sqlite3, CloseDatabase>;

[[noreturn]] void throw_failure(sqlite3* db, const char* doing) {
  throw std::runtime_error(std::string("journal: ") + doing + ": " + sqlite3_errmsg(db));
}

/// A prepared statement; bind() in order, then step().
class Statement {
 public:
  Statement(sqlite3* db, const char* sql) : db_(db) {
    sqlite3_stmt* raw = nullptr;
    if (sqlite3_prepare_v2(db, sql, -1, &raw, nullptr) != SQLITE_OK) {
      throw_failure(db, "prepare");
    }
    statement_.reset(raw);
  }
  Statement& bind(std::int64_t value) {
    return checked(sqlite3_bind_int64(statement_.get(), next_++, value));
  }
  Statement& bind(double value) {
    return checked(sqlite3_bind_double(statement_.get(), next_++, value));
  }
  Statement& bind(std::string_view text) {
    return checked(sqlite3_bind_text(statement_.get(), next_++, text.data(),
                                     static_cast<int>(text.size()), SQLITE_TRANSIENT));
  }
  Statement& bind(ByteView bytes) {
    if (bytes.empty()) {  // a null pointer would bind NULL
      return checked(sqlite3_bind_zeroblob(statement_.get(), next_++, 0));
    }
    return checked(sqlite3_bind_blob64(statement_.get(), next_++, bytes.data(), bytes.size(),
                                       SQLITE_TRANSIENT));
  }
  /// True when there is a row.
  bool step() {
    const int code = sqlite3_step(statement_.get());
    if (code != SQLITE_ROW && code != SQLITE_DONE) {
      throw_failure(db_, "step");
    }
    return code == SQLITE_ROW;
  }
  void rewind() {
    sqlite3_reset(statement_.get());
    next_ = 1;
  }
  std::int64_t integer(int column) const { return sqlite3_column_int64(statement_.get(), column); }
  double real(int column) const { return sqlite3_column_double(statement_.get(), column); }
  std::string text(int column) const { return std::string(as_text(blob(column))); }
  ByteView blob(int column) const {
    const void* data = sqlite3_column_blob(statement_.get(), column);
    const int size = sqlite3_column_bytes(statement_.get(), column);
    return {static_cast<const std::uint8_t*>(data), static_cast<std::size_t>(size)};
  }

 private:
  Statement& checked(int code) {
    if (code != SQLITE_OK) {
      throw_failure(db_, "bind");
    }
    return *this;
  }

  sqlite3* db_;
  std::unique_ptr<sqlite3_stmt, FinalizeStatement> statement_;
  int next_ = 1;
};

void execute(sqlite3* db, const char* sql) {
  if (sqlite3_exec(db, sql, nullptr, nullptr, nullptr) != SQLITE_OK) {
    throw_failure(db, sql);
  }
}

std::int64_t pragma(sqlite3* db, const char* sql) {
  Statement statement(db, sql);
  return statement.step() ? statement.integer(0) : 0;
}

Json numbers_of(const Event& event) {
  return {{"score", event.score},
          {"threshold", event.threshold},
          {"throttle_period", event.throttle_period},
          {"cooldown_until", event.cooldown_until},
          {"violations", event.violations},
          {"window_count", event.window_count},
          {"rating", event.rating},
          {"reward", event.reward}};
}

Result<Event> event_of(const Statement& row) {
  Event event;
  event.at = Time(Duration(row.integer(0)));
  event.hotkey = row.text(1);
  LODE_TRY(event.kind, event_kind_from(row.text(2)));
  event.task_id = row.text(3);
  event.detail = row.text(4);
  const Json numbers = Json::parse(row.text(5), nullptr, false);
  if (!numbers.is_object()) {
    return fail(Errc::invalid_input, "journal: event numbers are no JSON object");
  }
  const auto number = [&](const char* name, auto fallback) {
    const auto found = numbers.find(name);
    return found != numbers.end() && found->is_number() ? found->get<decltype(fallback)>()
                                                        : fallback;
  };
  event.score = number("score", 0.0);
  event.threshold = number("threshold", 0.0);
  event.throttle_period = number("throttle_period", std::int64_t{0});
  event.cooldown_until = number("cooldown_until", std::int64_t{0});
  event.violations = number("violations", std::int64_t{0});
  event.window_count = number("window_count", std::int64_t{0});
  event.rating = number("rating", 0.0);
  event.reward = number("reward", 0.0);
  return event;
}

/// Creates the tables in an empty file; refuses one that is not ours.
Result<void> prepare_schema(sqlite3* db, const std::string& path) {
  if (pragma(db, "PRAGMA schema_version") == 0) {
    execute(db, ("PRAGMA application_id = " + std::to_string(kApplicationId)).c_str());
    execute(db, "BEGIN");
    execute(db, kSchema);
    execute(db, ("PRAGMA user_version = " + std::to_string(kSchemaVersion)).c_str());
    execute(db, "COMMIT");
  }
  if (pragma(db, "PRAGMA application_id") != kApplicationId ||
      pragma(db, "PRAGMA user_version") != kSchemaVersion) {
    return fail(Errc::invalid_input,
                path + ": not a Lode journal of version " + std::to_string(kSchemaVersion));
  }
  return {};
}

Result<DatabaseHandle> open_handle(const std::string& path, int flags) {
  sqlite3* raw = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &raw, flags, nullptr);
  DatabaseHandle handle(raw);
  if (code != SQLITE_OK) {
    return fail(code == SQLITE_CANTOPEN ? Errc::not_found : Errc::io_failure,
                path + ": open journal: " + sqlite3_errstr(code));
  }
  sqlite3_busy_timeout(raw, 5000);
  sqlite3_limit(raw, SQLITE_LIMIT_LENGTH, kMaxBlobBytes);
  return handle;
}

}  // namespace

struct Journal::Database {
  DatabaseHandle handle;
};

Journal::Journal(std::unique_ptr<Database> database) : database_(std::move(database)) {}
Journal::Journal(Journal&&) noexcept = default;
Journal& Journal::operator=(Journal&&) noexcept = default;
Journal::~Journal() = default;

Result<Journal> Journal::open(const std::filesystem::path& path) {
  LODE_TRY(DatabaseHandle handle,
           open_handle(path.string(), SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE));
  try {
    // In WAL mode with NORMAL a killed process loses nothing; a power cut may lose the last
    // transactions but never the file.
    execute(handle.get(), "PRAGMA journal_mode = WAL");
    execute(handle.get(), "PRAGMA synchronous = NORMAL");
    LODE_CHECK(prepare_schema(handle.get(), path.string()));
  } catch (const std::runtime_error& error) {
    return fail(Errc::invalid_input, path.string() + ": " + error.what());
  }
  return Journal(std::make_unique<Database>(Database{std::move(handle)}));
}

Result<Journal> Journal::open_read_only(const std::filesystem::path& path) {
  LODE_TRY(DatabaseHandle handle, open_handle(path.string(), SQLITE_OPEN_READONLY));
  try {
    if (pragma(handle.get(), "PRAGMA application_id") != kApplicationId) {
      return fail(Errc::invalid_input, path.string() + ": not a Lode journal");
    }
  } catch (const std::runtime_error& error) {
    return fail(Errc::invalid_input, path.string() + ": " + error.what());
  }
  return Journal(std::make_unique<Database>(Database{std::move(handle)}));
}

void Journal::append(const std::vector<Event>& events) {
  if (events.empty()) {
    return;
  }
  sqlite3* db = database_->handle.get();
  execute(db, "BEGIN IMMEDIATE");
  try {
    Statement insert(db,
                     "INSERT INTO events(at_ns, hotkey, kind, task_id, detail, numbers) "
                     "VALUES(?, ?, ?, ?, ?, ?)");
    for (const Event& event : events) {
      insert.bind(std::int64_t{event.at.time_since_epoch().count()})
          .bind(std::string_view(event.hotkey))
          .bind(to_string(event.kind))
          .bind(std::string_view(event.task_id))
          .bind(std::string_view(event.detail))
          .bind(std::string_view(numbers_of(event).dump()))
          .step();
      insert.rewind();
    }
    execute(db, "COMMIT");
  } catch (...) {
    sqlite3_exec(db, "ROLLBACK", nullptr, nullptr, nullptr);
    throw;
  }
}

Result<std::vector<Event>> Journal::events() const {
  Statement select(database_->handle.get(),
                   "SELECT at_ns, hotkey, kind, task_id, detail, numbers FROM events ORDER BY seq");
  std::vector<Event> events;
  while (select.step()) {
    LODE_TRY(Event event, event_of(select));
    events.push_back(std::move(event));
  }
  return events;
}

void Journal::put_candidate(const std::string& hotkey, const StoredCandidate& candidate) {
  Statement(database_->handle.get(), "INSERT OR REPLACE INTO candidates VALUES(?, ?, ?, ?, ?)")
      .bind(std::string_view(hotkey))
      .bind(std::string_view(candidate.task_id))
      .bind(ByteView(candidate.spz))
      .bind(candidate.score)
      .bind(std::int64_t{candidate.judged})
      .step();
}

std::optional<StoredCandidate> Journal::candidate(const std::string& hotkey) const {
  Statement select(database_->handle.get(),
                   "SELECT task_id, spz, score, judged FROM candidates WHERE hotkey = ?");
  if (!select.bind(std::string_view(hotkey)).step()) {
    return std::nullopt;
  }
  const ByteView spz = select.blob(1);
  return StoredCandidate{select.text(0), Bytes(spz.begin(), spz.end()), select.real(2),
                         select.integer(3) != 0};
}

void Journal::drop_candidate(const std::string& hotkey) {
  Statement(database_->handle.get(), "DELETE FROM candidates WHERE hotkey = ?")
      .bind(std::string_view(hotkey))
      .step();
}

}  // namespace lode::miner

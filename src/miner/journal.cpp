#include "miner/journal.h"

#include <algorithm>

#include <variant>

#include "base/encoding.h"
#include "miner/journal_internal.h"

namespace lode::miner {

using namespace journal_internal;

namespace {

/// A text prompt longer than this is cut; no validator's scorer takes more than 1024 characters.
constexpr std::size_t kMaxPromptBytes = 64 << 10;

constexpr const char* kPutTask =
    "INSERT INTO tasks(hotkey, task_id, type, prompt, picture, threshold, throttle_period, "
    "first_at_ns, last_at_ns) VALUES(?, ?, ?, ?, ?, ?, ?, ?8, ?8) ON CONFLICT(hotkey, task_id) DO "
    "UPDATE SET type = excluded.type, prompt = excluded.prompt, picture = excluded.picture, "
    "threshold = excluded.threshold, throttle_period = excluded.throttle_period, "
    "last_at_ns = max(last_at_ns, excluded.last_at_ns)";

constexpr const char* kPutCandidate =
    "INSERT OR REPLACE INTO candidates VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

constexpr const char* kPutUid =
    "INSERT INTO validators VALUES(?, ?) ON CONFLICT(hotkey) DO UPDATE SET uid = excluded.uid "
    "WHERE uid <> excluded.uid";

/// What ends a query: conditions, then the newest `limit` rows. `values` are bound in order.
struct Query {
  std::string sql;
  std::string condition;
  std::vector<std::variant<std::int64_t, std::string>> values;

  void require(const std::string& what) {
    condition += (condition.empty() ? " WHERE " : " AND ") + what;
  }
  void require(const std::string& what, std::variant<std::int64_t, std::string> value) {
    require(what);
    values.push_back(std::move(value));
  }
  void require(const std::string& what, const std::optional<Time>& time) {
    if (time) {
      require(what, std::int64_t{time->time_since_epoch().count()});
    }
  }
  void require_text(const std::string& what, const std::string& text) {
    if (!text.empty()) {
      require(what, text);
    }
  }

  /// Every row of `take`, in ascending order of `key`.
  template <class Take>
  void run(sqlite3* db, const std::string& key, std::int64_t limit, Take&& take) const {
    std::string whole = sql + condition + " ORDER BY " + key;
    if (limit > 0) {
      whole += " DESC LIMIT " + std::to_string(limit);
    }
    Statement select(db, whole.c_str());
    for (const auto& value : values) {
      if (const auto* number = std::get_if<std::int64_t>(&value)) {
        select.bind(*number);
      } else {
        select.bind(std::string_view(std::get<std::string>(value)));
      }
    }
    while (select.step()) {
      take(select);
    }
  }
};

StoredTask task_of(const Statement& row) {
  StoredTask task;
  task.hotkey = row.text(0);
  task.task_id = row.text(1);
  const std::string type = row.text(2);
  if (!type.empty()) {
    task.type = type == "image" ? subnet::Task::Type::image : subnet::Task::Type::text;
  }
  task.prompt = row.text(3);
  task.picture = row.text(4);
  task.threshold = row.real(5);
  task.throttle_period = row.integer(6);
  task.first_at = row.time(7);
  task.last_at = row.time(8);
  if (const auto outcome = event_kind_from(row.text(9))) {
    task.outcome = *outcome;
  }
  task.outcome_at = row.time(10);
  task.outcome_score = row.real(11);
  task.sent = row.text(12);
  return task;
}

StoredCandidate candidate_of(const Statement& row) {
  StoredCandidate candidate;
  candidate.hotkey = row.text(0);
  candidate.task_id = row.text(1);
  candidate.attempt = static_cast<int>(row.integer(2));
  candidate.seed = static_cast<std::uint64_t>(row.integer(3));
  candidate.score = row.real(4);
  candidate.judged = row.integer(5) != 0;
  candidate.reason = row.text(6);
  candidate.seconds = row.real(7);
  candidate.made_at = row.time(8);
  candidate.config = row.text(9);
  candidate.artifact = row.text(10);
  return candidate;
}

}  // namespace

Journal::Journal(std::unique_ptr<Database> database) : database_(std::move(database)) {}
Journal::Journal(Journal&&) noexcept = default;
Journal& Journal::operator=(Journal&&) noexcept = default;
Journal::~Journal() = default;

const std::vector<std::string>& Journal::notices() const { return database_->notices; }
const ArtifactStore& Journal::artifacts() const { return database_->artifacts; }

// ---- writing -----------------------------------------------------------------------------------

Result<void> Journal::append(const std::vector<Event>& events) {
  if (events.empty()) {
    return {};
  }
  return database_->write([&] {
    Statement& insert = database_->prepared(kInsertEvent);
    Transaction transaction(database_->handle.get());
    for (const Event& event : events) {
      insert_event(insert, event);
      database_->tasks->apply(event);
    }
    transaction.commit();
  });
}

Result<void> Journal::put_task(const std::string& hotkey, const subnet::Task& task,
                               double threshold, std::int64_t throttle_period, Time at) {
  const bool is_image = task.type == subnet::Task::Type::image;
  const auto picture =
      is_image ? base64_decode(task.prompt) : Result<Bytes>(fail(Errc::not_found, "a text task"));
  std::string hash;
  if (picture) {
    LODE_TRY(hash, database_->artifacts.put(*picture, ArtifactKind::picture));
  }
  const std::string_view prompt =
      picture ? std::string_view() : std::string_view(task.prompt).substr(0, kMaxPromptBytes);
  return database_->write([&] {
    database_->prepared(kPutTask)
        .bind(hotkey)
        .bind(task.id)
        .bind(std::string_view(is_image ? "image" : "text"))
        .bind(prompt)
        .bind(hash)
        .bind(threshold)
        .bind(throttle_period)
        .bind(at)
        .run();
  });
}

Result<void> Journal::put_candidate(const StoredCandidate& candidate) {
  std::string artifact = candidate.artifact;
  if (artifact.empty() && !candidate.spz.empty()) {
    LODE_TRY(artifact, database_->artifacts.put(candidate.spz, ArtifactKind::splat));
  }
  return database_->write([&] {
    database_->prepared(kPutCandidate)
        .bind(candidate.hotkey)
        .bind(candidate.task_id)
        .bind(std::int64_t{candidate.attempt})
        .bind(static_cast<std::int64_t>(candidate.seed))
        .bind(candidate.score)
        .bind(std::int64_t{candidate.judged})
        .bind(candidate.reason)
        .bind(candidate.seconds)
        .bind(candidate.made_at)
        .bind(candidate.config)
        .bind(artifact)
        .run();
  });
}

Result<void> Journal::put_uids(const std::map<std::string, int>& uids) {
  return database_->write([&] {
    Statement& put = database_->prepared(kPutUid);
    Transaction transaction(database_->handle.get());
    for (const auto& [hotkey, uid] : uids) {
      put.bind(hotkey).bind(std::int64_t{uid}).run();
    }
    transaction.commit();
  });
}

Result<void> Journal::save_ledger() {
  return database_->write([&] {
    sqlite3* db = database_->handle.get();
    Transaction transaction(db);
    Fold fold = load_fold(db, Stage::latest);
    advance(db, fold, last_event(db));
    save_fold(db, Stage::latest, fold);
    transaction.commit();
  });
}

// ---- reading -----------------------------------------------------------------------------------

Result<std::vector<Event>> Journal::events(const EventFilter& filter) const {
  Query query{std::string("SELECT ") + kEventColumns + " FROM events", {}, {}};
  query.require("at_ns >= ?", filter.since);
  query.require("at_ns < ?", filter.until);
  query.require_text("hotkey = ?", filter.hotkey);
  query.require_text("task_id = ?", filter.task_id);
  if (!filter.task_id.empty()) {
    query.require("task_id <> ''");  // lets SQLite use the index, which holds no others
  }
  if (!filter.kinds.empty()) {
    std::string list;
    for (const EventKind kind : filter.kinds) {
      list += (list.empty() ? "'" : ", '") + std::string(to_string(kind)) + "'";
    }
    query.require("kind IN (" + list + ")");
  }
  return database_->read<std::vector<Event>>([&]() -> Result<std::vector<Event>> {
    std::vector<Event> events;
    query.run(database_->handle.get(), "seq", filter.limit, [&](const Statement& row) {
      if (auto event = event_of(row)) {
        events.push_back(*std::move(event));
      }
    });
    if (filter.limit > 0) {
      std::reverse(events.begin(), events.end());
    }
    return events;
  });
}

Result<Ledger> Journal::ledger() const {
  return database_->read<Ledger>([&]() -> Result<Ledger> {
    sqlite3* db = database_->handle.get();
    Fold fold = load_fold(db, Stage::latest);
    advance(db, fold, last_event(db));
    return std::move(fold.ledger);
  });
}

Result<std::vector<StoredTask>> Journal::tasks(const TaskFilter& filter) const {
  Query query{"SELECT * FROM tasks", {}, {}};
  query.require("last_at_ns >= ?", filter.since);
  query.require("last_at_ns < ?", filter.until);
  query.require_text("hotkey = ?", filter.hotkey);
  if (!filter.id_prefix.empty()) {
    query.require("task_id >= ?", filter.id_prefix);
    query.require("task_id < ?", filter.id_prefix + "\x7f");  // ids are ASCII
  }
  return database_->read<std::vector<StoredTask>>([&]() -> Result<std::vector<StoredTask>> {
    std::vector<StoredTask> tasks;
    query.run(database_->handle.get(), "last_at_ns", filter.limit,
              [&](const Statement& row) { tasks.push_back(task_of(row)); });
    if (filter.limit > 0) {
      std::reverse(tasks.begin(), tasks.end());
    }
    return tasks;
  });
}

Result<subnet::Task> Journal::whole_task(const StoredTask& task) const {
  if (!task.type) {
    return fail(Errc::not_found, "task " + task.task_id + ": only its events are in the journal");
  }
  subnet::Task whole{*task.type, task.task_id, task.prompt};
  if (!task.picture.empty()) {
    auto picture = database_->artifacts.get(task.picture, ArtifactKind::picture);
    if (!picture) {
      return fail(Errc::not_found,
                  "task " + task.task_id + ": its picture: " + picture.error().context);
    }
    whole.prompt = base64_encode(*picture);
  }
  return whole;
}

Result<std::vector<StoredCandidate>> Journal::candidate_rows(const std::string& hotkey,
                                                             const std::string& task_id) const {
  using Rows = std::vector<StoredCandidate>;
  return database_->read<Rows>([&]() -> Result<Rows> {
    Rows rows;
    Query query{"SELECT * FROM candidates", {}, {}};
    query.require("hotkey = ?", hotkey);
    query.require("task_id = ?", task_id);
    query.run(database_->handle.get(), "attempt", 0,
              [&](const Statement& row) { rows.push_back(candidate_of(row)); });
    return rows;
  });
}

Result<std::vector<StoredCandidate>> Journal::candidates(const std::string& hotkey,
                                                         const std::string& task_id) const {
  LODE_TRY(std::vector<StoredCandidate> found, candidate_rows(hotkey, task_id));
  for (StoredCandidate& candidate : found) {
    if (candidate.artifact.empty()) {
      continue;
    }
    auto spz = database_->artifacts.get(candidate.artifact, ArtifactKind::splat);
    if (spz) {
      candidate.spz = *std::move(spz);
    } else {
      candidate.problem = spz.error().context;
    }
  }
  return found;
}

Result<std::map<std::string, int>> Journal::uids() const {
  using Uids = std::map<std::string, int>;
  return database_->read<Uids>([&]() -> Result<Uids> {
    Uids uids;
    Statement select(database_->handle.get(), "SELECT hotkey, uid FROM validators");
    while (select.step()) {
      uids[select.text(0)] = static_cast<int>(select.integer(1));
    }
    return uids;
  });
}

}  // namespace lode::miner

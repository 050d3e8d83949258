// Events, the index of tasks and the stored folds as rows.
#include <nlohmann/json.hpp>

#include "miner/journal_internal.h"
#include "miner/ledger_snapshot.h"

namespace lode::miner::journal_internal {
namespace {

const char* name_of(Stage stage) { return stage == Stage::base ? "base" : "latest"; }

bool is_outcome(EventKind kind) {
  return kind == EventKind::accepted || kind == EventKind::emptied || kind == EventKind::rejected ||
         kind == EventKind::validator_failed || kind == EventKind::settled;
}

}  // namespace

const char* const kEventColumns =
    "seq, at_ns, hotkey, kind, task_id, detail, score, threshold, throttle_period, cooldown_until, "
    "violations, window_count, rating, reward, attempt, seed, seconds, artifact, judged, task_type";

const char* const kInsertEvent =
    "INSERT INTO events(at_ns, hotkey, kind, task_id, detail, score, threshold, throttle_period, "
    "cooldown_until, violations, window_count, rating, reward, attempt, seed, seconds, artifact, "
    "judged, task_type) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

void insert_event(Statement& insert, const Event& event) {
  insert.bind(event.at)
      .bind(event.hotkey)
      .bind(to_string(event.kind))
      .bind(event.task_id)
      .bind(event.detail)
      .bind(event.score)
      .bind(event.threshold)
      .bind(event.throttle_period)
      .bind(event.cooldown_until)
      .bind(event.violations)
      .bind(event.window_count)
      .bind(event.rating)
      .bind(event.reward)
      .bind(std::int64_t{event.attempt})
      .bind(static_cast<std::int64_t>(event.seed))  // the same 64 bits: SQLite has no unsigned
      .bind(event.seconds)
      .bind(event.artifact)
      .bind(std::int64_t{event.judged})
      .bind(event.task_type)
      .run();
}

std::optional<Event> event_of(const Statement& row) {
  const auto kind = event_kind_from(row.text(3));
  if (!kind) {
    return std::nullopt;
  }
  Event event;
  event.at = row.time(1);
  event.hotkey = row.text(2);
  event.kind = *kind;
  event.task_id = row.text(4);
  event.detail = row.text(5);
  event.score = row.real(6);
  event.threshold = row.real(7);
  event.throttle_period = row.integer(8);
  event.cooldown_until = row.integer(9);
  event.violations = row.integer(10);
  event.window_count = row.integer(11);
  event.rating = row.real(12);
  event.reward = row.real(13);
  event.attempt = static_cast<int>(row.integer(14));
  event.seed = static_cast<std::uint64_t>(row.integer(15));
  event.seconds = row.real(16);
  event.artifact = row.text(17);
  event.judged = row.integer(18) != 0;
  event.task_type = row.text(19);
  return event;
}

TaskIndex::TaskIndex(sqlite3* db)
    : supersede_(db,
                 // A validator holds us to one task: an older one is over, its outcome unseen (the
                 // miner was down when the answer came, say).
                 "UPDATE tasks SET outcome = 'settled', outcome_at_ns = ? WHERE hotkey = ? AND "
                 "task_id <> ? AND outcome = ''"),
      assign_(
          db,
          // A task that is handed out again is held again, whatever we thought had become of it.
          "INSERT INTO tasks(hotkey, task_id, prompt, threshold, throttle_period, first_at_ns, "
          "last_at_ns) VALUES(?, ?, ?, ?, ?, ?6, ?6) ON CONFLICT(hotkey, task_id) DO UPDATE SET "
          "prompt = iif(type = '', excluded.prompt, prompt), threshold = excluded.threshold, "
          "throttle_period = excluded.throttle_period, outcome = '', outcome_at_ns = 0, "
          "outcome_score = 0, last_at_ns = max(last_at_ns, excluded.last_at_ns)"),
      finish_(db,
              "UPDATE tasks SET outcome = ?, outcome_at_ns = ?2, outcome_score = ?, "
              "last_at_ns = max(last_at_ns, ?2) WHERE hotkey = ? AND task_id = ?"),
      send_(db, "UPDATE tasks SET sent = ? WHERE hotkey = ? AND task_id = ?") {}

void TaskIndex::apply(const Event& event) {
  if (event.kind == EventKind::assigned) {
    supersede_.bind(event.at).bind(event.hotkey).bind(event.task_id).run();
    assign_.bind(event.hotkey)
        .bind(event.task_id)
        .bind(event.detail)
        .bind(event.threshold)
        .bind(event.throttle_period)
        .bind(event.at)
        .run();
  } else if (event.kind == EventKind::submitting) {
    send_.bind(event.artifact).bind(event.hotkey).bind(event.task_id).run();
  } else if (is_outcome(event.kind)) {
    finish_.bind(to_string(event.kind))
        .bind(event.at)
        .bind(event.score)
        .bind(event.hotkey)
        .bind(event.task_id)
        .run();
  }
}

std::int64_t last_event(sqlite3* db) {
  return pragma(db, "SELECT coalesce(max(seq), 0) FROM events");
}

Fold load_fold(sqlite3* db, Stage stage) {
  Statement mark(db, "SELECT through_seq, fold_version FROM folds WHERE stage = ?");
  mark.bind(std::string_view(name_of(stage)));
  const bool is_there = mark.step();
  if (stage == Stage::latest && (!is_there || mark.integer(1) != kLedgerFoldVersion)) {
    return load_fold(db, Stage::base);
  }
  Fold fold;
  if (!is_there) {
    return fold;
  }
  fold.through = mark.integer(0);
  Statement select(db, "SELECT hotkey, row FROM ledger WHERE stage = ?");
  select.bind(std::string_view(name_of(stage)));
  std::map<std::string, LedgerRow> rows;
  while (select.step()) {
    const auto json = nlohmann::json::parse(select.text(1), nullptr, false);
    rows[select.text(0)] = json.is_object() ? ledger_row_from_json(json) : LedgerRow();
  }
  fold.ledger = Ledger(std::move(rows));
  return fold;
}

void advance(sqlite3* db, Fold& fold, std::int64_t last) {
  Statement select(db, (std::string("SELECT ") + kEventColumns +
                        " FROM events WHERE seq > ? AND seq <= ? ORDER BY seq")
                           .c_str());
  select.bind(fold.through).bind(last);
  while (select.step()) {
    if (const auto event = event_of(select)) {
      fold.ledger.apply(*event);
    }
  }
  fold.through = std::max(fold.through, last);
}

void save_fold(sqlite3* db, Stage stage, const Fold& fold) {
  const std::string_view name = name_of(stage);
  Statement put(db, "INSERT OR REPLACE INTO ledger VALUES(?, ?, ?)");
  for (const auto& [hotkey, row] : fold.ledger.rows()) {
    const std::string json =
        ledger_row_to_json(row).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    put.bind(name).bind(hotkey).bind(json).run();
  }
  Statement(db, "INSERT OR REPLACE INTO folds VALUES(?, ?, ?)")
      .bind(name)
      .bind(fold.through)
      .bind(std::int64_t{kLedgerFoldVersion})
      .run();
}

}  // namespace lode::miner::journal_internal

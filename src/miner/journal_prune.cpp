// Taking away what is too old or too much, without changing what the ledger says.
#include <algorithm>
#include <set>

#include "miner/journal_internal.h"

namespace lode::miner {

using namespace journal_internal;

namespace {

/// What the SQLite file would measure without its free pages.
std::int64_t used_bytes(sqlite3* db) {
  return (pragma(db, "PRAGMA page_count") - pragma(db, "PRAGMA freelist_count")) *
         pragma(db, "PRAGMA page_size");
}

/// The last event to go: those too old and, while the file is too large, a share of the oldest.
std::int64_t choose_cut(sqlite3* db, const Retention& retention, Time now) {
  const std::int64_t newest = last_event(db);
  const std::int64_t oldest = pragma(db, "SELECT coalesce(min(seq), 0) FROM events");
  Statement young(db, "SELECT min(seq) FROM events WHERE at_ns >= ?");
  young.bind(now - retention.max_age);
  const bool has_young = young.step() && young.integer(0) > 0;
  std::int64_t cut = has_young ? young.integer(0) - 1 : newest;
  const std::int64_t used = used_bytes(db);
  if (used > retention.max_journal_bytes) {
    const double share =
        1.1 * static_cast<double>(used - retention.max_journal_bytes) / static_cast<double>(used);
    const auto span = static_cast<double>(newest - oldest + 1);
    cut = std::max(cut, oldest + static_cast<std::int64_t>(std::min(1.0, share) * span));
  }
  // The newest event stays: SQLite numbers from the largest row that there is.
  return std::min(cut, newest - 1);
}

using TaskKey = std::pair<std::string, std::string>;  ///< hotkey and task id

std::set<TaskKey> held_tasks(const Ledger& ledger) {
  std::set<TaskKey> held;
  for (const auto& [hotkey, row] : ledger.rows()) {
    if (!row.held_task_id.empty()) {
      held.insert({hotkey, row.held_task_id});
    }
  }
  return held;
}

/// Rows of tasks that ended before `limit`, and candidates of tasks that are no more.
void prune_tasks(sqlite3* db, const std::set<TaskKey>& held, Time limit, PruneReport& report) {
  execute(db, "CREATE TEMP TABLE IF NOT EXISTS held(hotkey TEXT, task_id TEXT)");
  execute(db, "DELETE FROM held");
  Statement keep(db, "INSERT INTO held VALUES(?, ?)");
  for (const auto& [hotkey, task_id] : held) {
    keep.bind(hotkey).bind(task_id).run();
  }
  Statement(db,
            "DELETE FROM tasks WHERE last_at_ns < ? AND (hotkey, task_id) NOT IN "
            "(SELECT hotkey, task_id FROM held)")
      .bind(limit)
      .run();
  report.tasks += sqlite3_changes(db);
  Statement(db,
            "DELETE FROM candidates WHERE made_at_ns < ? AND (hotkey, task_id) NOT IN "
            "(SELECT hotkey, task_id FROM held) AND NOT EXISTS (SELECT 1 FROM tasks WHERE "
            "tasks.hotkey = candidates.hotkey AND tasks.task_id = candidates.task_id)")
      .bind(limit)
      .run();
  report.candidates += sqlite3_changes(db);
}

/// Why an artefact is kept.
struct Use {
  bool is_held = false;
  bool is_accepted = false;
  Time at{};  ///< when the last task that names it ended
};
using ArtifactKey = std::pair<std::string, ArtifactKind>;

std::map<ArtifactKey, Use> artifact_uses(sqlite3* db, const std::set<TaskKey>& held) {
  std::map<ArtifactKey, Use> uses;
  const auto note = [&](const std::string& hash, ArtifactKind kind, const TaskKey& task,
                        bool is_accepted, Time at) {
    if (hash.empty()) {
      return;
    }
    Use& use = uses[{hash, kind}];
    use.is_held |= held.contains(task);
    use.is_accepted |= is_accepted;
    use.at = std::max(use.at, at);
  };
  Statement splats(db,
                   "SELECT c.artifact, c.hotkey, c.task_id, max(c.made_at_ns, "
                   "coalesce(t.last_at_ns, 0)), coalesce(t.outcome, ''), coalesce(t.sent, '') "
                   "FROM candidates c LEFT JOIN tasks t ON t.hotkey = c.hotkey AND "
                   "t.task_id = c.task_id");
  while (splats.step()) {
    const std::string hash = splats.text(0);
    const std::string sent = splats.text(5);
    const bool is_accepted =
        splats.text(4) == to_string(EventKind::accepted) && (sent.empty() || sent == hash);
    note(hash, ArtifactKind::splat, {splats.text(1), splats.text(2)}, is_accepted, splats.time(3));
  }
  Statement pictures(db, "SELECT picture, hotkey, task_id, last_at_ns, outcome FROM tasks");
  while (pictures.step()) {
    note(pictures.text(0), ArtifactKind::picture, {pictures.text(1), pictures.text(2)},
         pictures.text(4) == to_string(EventKind::accepted), pictures.time(3));
  }
  return uses;
}

void prune_artifacts(const ArtifactStore& store, const std::map<ArtifactKey, Use>& uses,
                     const Retention& retention, Time now, PruneReport& report) {
  struct Kept {
    ArtifactStore::File file;
    bool is_accepted = false;
    Time at{};
  };
  std::vector<Kept> kept;
  std::int64_t total = 0;
  const auto remove = [&](const ArtifactStore::File& file) {
    if (store.remove(file.hash, file.kind)) {
      ++report.artifacts;
      report.artifact_bytes += file.bytes;
    }
  };
  for (ArtifactStore::File& file : store.list(now)) {
    const auto found = uses.find({file.hash, file.kind});
    const Use use = found == uses.end() ? Use{false, false, file.written_at} : found->second;
    if (use.is_held) {
      total += file.bytes;
      continue;
    }
    const Duration age = use.is_accepted ? retention.accepted_age : retention.other_age;
    if (use.at + age < now) {
      remove(file);
    } else {
      total += file.bytes;
      kept.push_back({std::move(file), use.is_accepted, use.at});
    }
  }
  std::sort(kept.begin(), kept.end(), [](const Kept& a, const Kept& b) {
    return std::tie(a.is_accepted, a.at, a.file.hash) < std::tie(b.is_accepted, b.at, b.file.hash);
  });
  for (const Kept& candidate : kept) {
    if (total <= retention.max_artifact_bytes) {
      break;
    }
    remove(candidate.file);
    total -= candidate.file.bytes;
  }
}

}  // namespace

Result<PruneReport> Journal::prune(const Retention& retention, Time now) {
  PruneReport report;
  std::map<ArtifactKey, Use> uses;
  const Result<void> done = database_->write([&] {
    sqlite3* db = database_->handle.get();
    Transaction transaction(db);
    Fold latest = load_fold(db, Stage::latest);
    advance(db, latest, last_event(db));
    const std::set<TaskKey> held = held_tasks(latest.ledger);

    Fold base = load_fold(db, Stage::base);
    std::int64_t cut = choose_cut(db, retention, now);
    const std::int64_t oldest = pragma(db, "SELECT coalesce(min(seq), 0) FROM events");
    if (cut >= oldest + kMaxPrunedEvents) {
      cut = oldest + kMaxPrunedEvents - 1;
      report.is_complete = false;
    }
    if (cut >= oldest && oldest > 0) {
      advance(db, base, cut);
      Statement(db, "DELETE FROM events WHERE seq <= ?").bind(cut).run();
      report.events = sqlite3_changes(db);
      save_fold(db, Stage::base, base);
    }
    Statement first(db, "SELECT at_ns FROM events ORDER BY seq LIMIT 1");
    const Time first_kept = first.step() ? first.time(0) : now;
    prune_tasks(db, held, std::max(base.through > 0 ? first_kept : Time{}, now - retention.max_age),
                report);
    save_fold(db, Stage::latest, latest);
    uses = artifact_uses(db, held);
    first.rewind();
    transaction.commit();
    execute(db, "PRAGMA incremental_vacuum");
  });
  if (!done) {
    return done.error();
  }
  prune_artifacts(database_->artifacts, uses, retention, now, report);
  return report;
}

}  // namespace lode::miner

// The miner's memory: what happened, tasks, candidates and their bytes, in one SQLite file and a
// folder beside it.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "miner/artifact_store.h"
#include "miner/event.h"
#include "miner/ledger.h"
#include "subnet/synapse.h"

namespace lode::miner {

/// One finished candidate. What identifies it is validator, task and attempt.
struct StoredCandidate {
  std::string hotkey;  ///< the validator
  std::string task_id;
  int attempt = 0;  ///< 0 for a task's first
  std::uint64_t seed = 0;
  double score = 0;  ///< our own verdict
  bool judged = false;
  std::string reason;    ///< what decided the score
  double seconds = 0;    ///< how long it took
  Time made_at{};        ///< when it was finished
  std::string config;    ///< what made it, as a JSON object: see docs/formats/journal.md
  std::string artifact;  ///< hash of the SPZ; empty: it failed the data checks and has none
  Bytes spz;             ///< the exact bytes of a submission
  std::string problem;   ///< read back: why `spz` is empty although there is an artefact
};

/// A task as a validator gave it, and what came of it.
struct StoredTask {
  std::string hotkey;  ///< the validator
  std::string task_id;
  std::optional<subnet::Task::Type> type;  ///< nothing where only events tell of the task
  std::string prompt;   ///< of a text task; its start where only events tell of it
  std::string picture;  ///< of an image task: hash of the picture file
  double threshold = 0;
  std::int64_t throttle_period = 0;  ///< seconds
  Time first_at{};                   ///< first assigned
  Time last_at{};                    ///< assigned again, or done
  std::optional<EventKind> outcome;  ///< nothing: still held
  Time outcome_at{};
  double outcome_score = 0;  ///< the validator's
  std::string sent;          ///< hash of what was submitted last
};

struct EventFilter {
  std::optional<Time> since, until;  ///< since <= at < until
  std::string hotkey;                ///< empty: of every validator
  std::string task_id;
  std::vector<EventKind> kinds;  ///< empty: all
  /// The newest so many; 0: no limit. In any case they come oldest first.
  std::int64_t limit = 0;
};

struct TaskFilter {
  std::optional<Time> since, until;  ///< since <= last_at < until
  std::string hotkey;
  std::string id_prefix;
  std::int64_t limit = 0;  ///< as EventFilter's
};

/// What prune() takes away.
struct Retention {
  Duration max_age = std::chrono::hours(24 * 30);  ///< of events, tasks and candidates' rows
  std::int64_t max_journal_bytes = std::int64_t{1} << 30;   ///< of the SQLite file
  std::int64_t max_artifact_bytes = std::int64_t{2} << 30;  ///< of all artefacts
  Duration accepted_age = std::chrono::hours(24 * 7);       ///< of accepted splats
  Duration other_age = std::chrono::hours(24);  ///< of other artefacts of tasks that are done
};

struct PruneReport {
  std::int64_t events = 0, tasks = 0, candidates = 0, artifacts = 0;  ///< removed
  std::int64_t artifact_bytes = 0;                                    ///< removed
  bool is_complete = true;  ///< false: a bound on one call's work was reached; call again
};

struct JournalOptions {
  /// Largest number of 4096-byte pages that the file may have; beyond it writes are refused as on
  /// a full disk. 0: no bound but the disk.
  std::int64_t max_pages = 0;
  /// Files up to this size are read through for damage whenever they are opened; larger ones only
  /// after damage was met.
  std::int64_t checked_bytes = std::int64_t{64} << 20;
};

/// Append-only events with an index of tasks, every candidate, and the fold of all events that
/// ever were. Every call is one transaction; after a kill at any instant the file holds a prefix
/// of the calls. The tables are described in docs/formats/journal.md. One thread, but for
/// artifacts().
///
/// Writes answer Errc::out_of_resource when the disk is full (or another program locks the file
/// for seconds): nothing of that call was kept, and the same call may be made again later. Every
/// other failure to write throws std::runtime_error. Reads answer Errc::invalid_input for damage
/// and never throw.
class Journal {
 public:
  /// Opens or creates `path` for the one process that writes it; ":memory:" keeps nothing.
  /// A journal of version 1 is migrated. A damaged journal is moved aside and begun anew with what
  /// can be read of it: notices() says so. Errors, each of which leaves the file as it is:
  /// invalid_input for a file that is no journal, one that another miner holds, and one that this
  /// user may not write; unsupported for a newer version; out_of_resource for a full disk.
  static Result<Journal> open(const std::filesystem::path& path, JournalOptions options = {});
  /// Opens an existing journal for reading, beside a running miner or without one; changes
  /// nothing. Versions 1 and 2.
  static Result<Journal> open_read_only(const std::filesystem::path& path);

  Journal(Journal&&) noexcept;
  Journal& operator=(Journal&&) noexcept;
  ~Journal();

  /// What open() had to repair, one line for people each.
  const std::vector<std::string>& notices() const;
  /// Where artefacts are; its put() and get() may be called from other threads.
  const ArtifactStore& artifacts() const;

  // ---- writing ----

  /// All or nothing.
  Result<void> append(const std::vector<Event>& events);
  /// The whole prompt, beyond what the `assigned` event tells; a picture becomes an artefact.
  Result<void> put_task(const std::string& hotkey, const subnet::Task& task, double threshold,
                        std::int64_t throttle_period, Time at);
  /// Keeps a candidate; its bytes first, unless `artifact` says that artifacts().put() was called.
  /// Replaces one of the same attempt.
  Result<void> put_candidate(const StoredCandidate& candidate);
  /// UIDs by hotkey as the metagraph has them, for people who read the journal later.
  Result<void> put_uids(const std::map<std::string, int>& uids);
  /// Stores the ledger, so that the next start folds fewer events.
  Result<void> save_ledger();
  /// Applies the bounds and stores the ledger, which pruning never changes. Artefacts, tasks and
  /// candidates that belong to a held task stay. Bounded work: up to kMaxPrunedEvents a call.
  Result<PruneReport> prune(const Retention& retention, Time now);

  // ---- reading ----

  /// Oldest first. Rows of kinds that this version does not know are left out.
  Result<std::vector<Event>> events(const EventFilter& filter = {}) const;
  /// The fold of every event since the journal began, pruned ones included.
  Result<Ledger> ledger() const;
  /// By last_at, oldest first.
  Result<std::vector<StoredTask>> tasks(const TaskFilter& filter) const;
  /// As a worker needs it: an image task's prompt is base64 again. Errc::not_found when only
  /// events tell of the task or its picture is gone.
  Result<subnet::Task> whole_task(const StoredTask& task) const;
  /// Of one task, by attempt, with bytes.
  Result<std::vector<StoredCandidate>> candidates(const std::string& hotkey,
                                                  const std::string& task_id) const;
  /// As candidates(), without bytes.
  Result<std::vector<StoredCandidate>> candidate_rows(const std::string& hotkey,
                                                      const std::string& task_id) const;
  Result<std::map<std::string, int>> uids() const;

  struct Database;  ///< of journal*.cpp alone

 private:
  explicit Journal(std::unique_ptr<Database> database);
  std::unique_ptr<Database> database_;
};

/// Most events that one prune() takes away: a tenth of a second.
inline constexpr std::int64_t kMaxPrunedEvents = 50'000;

}  // namespace lode::miner

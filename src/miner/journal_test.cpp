#include "miner/journal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/encoding.h"
#include "base/file.h"
#include "tests/support/events.h"
#include "tests/support/scratch_folder.h"

namespace lode::miner {
namespace {

namespace fs = std::filesystem;
using testing_support::make_event;
using testing_support::make_history;
using testing_support::make_task;
using testing_support::ScratchFolder;

void run_sql(const fs::path& path, const std::string& sql) {
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open(path.c_str(), &db), SQLITE_OK);
  char* error = nullptr;
  EXPECT_EQ(sqlite3_exec(db, sql.c_str(), nullptr, nullptr, &error), SQLITE_OK)
      << (error == nullptr ? "" : error);
  sqlite3_close(db);
}

Journal open_journal(const fs::path& path, JournalOptions options = {}) {
  auto journal = Journal::open(path, options);
  EXPECT_TRUE(journal) << journal.error().message();
  return *std::move(journal);
}

Event full_event(int i) {
  Event event;
  event.at = Time(std::chrono::nanoseconds(1'757'400'000'123'456'789 + i));
  event.hotkey = "5Grw";
  event.kind = EventKind::accepted;
  event.task_id = "task-" + std::to_string(i);
  event.detail = "a \"red\" mug\n\xC3\xA9";
  event.score = 0.1 + 0.2;
  event.threshold = 0.6;
  event.throttle_period = 30;
  event.cooldown_until = 1'757'400'300;
  event.violations = 4;
  event.window_count = 7;
  event.rating = 1512.5;
  event.reward = 10587.5;
  event.attempt = 2;
  event.seed = 0xfedcba9876543210;
  event.seconds = 12.25;
  event.artifact = std::string(64, 'a');
  return event;
}

StoredCandidate candidate_of(const std::string& hotkey, const std::string& task, int attempt,
                             Bytes spz) {
  StoredCandidate candidate;
  candidate.hotkey = hotkey;
  candidate.task_id = task;
  candidate.attempt = attempt;
  candidate.seed = 0xffffffffffffffff;
  candidate.score = 0.1 + 0.2;
  candidate.judged = true;
  candidate.reason = "front matches";
  candidate.seconds = 1.5;
  candidate.made_at = from_unix_seconds(1'700'000'000);
  candidate.config = R"({"backend":"sketch"})";
  candidate.spz = std::move(spz);
  return candidate;
}

/// Every field that events have.
auto fields(const Event& e) {
  return std::tie(e.at, e.hotkey, e.kind, e.task_id, e.detail, e.score, e.threshold,
                  e.throttle_period, e.cooldown_until, e.violations, e.window_count, e.rating,
                  e.reward, e.attempt, e.seed, e.seconds, e.artifact);
}

TEST(Journal, ReadsBackEveryFieldAcrossAReopen) {
  const ScratchFolder folder;
  ASSERT_TRUE(open_journal(folder / "j.db").append({full_event(1), full_event(2)}));
  const auto journal = Journal::open_read_only(folder / "j.db");
  ASSERT_TRUE(journal) << journal.error().message();
  const auto events = journal->events();
  ASSERT_TRUE(events);
  ASSERT_EQ(events->size(), 2U);
  EXPECT_TRUE(fields(events->at(0)) == fields(full_event(1)));
  EXPECT_TRUE(fields(events->at(1)) == fields(full_event(2)));
}

TEST(Journal, ChoosesEventsByTimeValidatorTaskKindAndLimit) {
  Journal journal = open_journal(":memory:");
  ASSERT_TRUE(journal.append(make_task(1000, "V", "t1", EventKind::accepted)));
  ASSERT_TRUE(journal.append(make_task(2000, "W", "t2", EventKind::emptied)));
  ASSERT_TRUE(journal.append(make_task(3000, "V", "t3", EventKind::rejected)));
  const auto count = [&](const EventFilter& filter) { return journal.events(filter)->size(); };
  EXPECT_EQ(count({}), 18U);
  EXPECT_EQ(count({.since = from_unix_seconds(3000), .until = {}, .hotkey = {}, .task_id = {}}),
            6U);
  EXPECT_EQ(count({.since = {}, .until = from_unix_seconds(3000), .hotkey = {}, .task_id = {}}),
            12U);
  EXPECT_EQ(count({.since = {}, .until = {}, .hotkey = "W", .task_id = {}}), 6U);
  EXPECT_EQ(count({.since = {}, .until = {}, .hotkey = {}, .task_id = "t3"}), 5U);
  EventFilter outcomes;
  outcomes.kinds = {EventKind::accepted, EventKind::rejected};
  outcomes.limit = 1;
  EXPECT_EQ(journal.events(outcomes)->at(0).task_id, "t3") << "the newest";
  EventFilter last_two;
  last_two.limit = 2;
  EXPECT_EQ(journal.events(last_two)->at(1).kind, EventKind::rejected) << "oldest first";
}

TEST(Journal, KeepsAnIndexOfTasksInStepWithEvents) {
  Journal journal = open_journal(":memory:");
  auto events = make_task(1000, "V", "t1", EventKind::accepted);
  events[4].artifact = "abc";
  const auto more = make_task(2000, "V", "t2", EventKind::emptied);
  events.insert(events.end(), more.begin(), more.begin() + 4);
  ASSERT_TRUE(journal.append(events));
  const auto tasks = journal.tasks({});
  ASSERT_TRUE(tasks);
  ASSERT_EQ(tasks->size(), 2U);
  const StoredTask& done = tasks->at(0);
  EXPECT_EQ(done.task_id, "t1");
  EXPECT_EQ(done.outcome, EventKind::accepted);
  EXPECT_EQ(done.outcome_at, from_unix_seconds(1016));
  EXPECT_EQ(done.first_at, from_unix_seconds(1001));
  EXPECT_EQ(done.sent, "abc");
  EXPECT_NEAR(done.outcome_score, 0.7, 1e-9);
  EXPECT_EQ(done.prompt, "a red mug of t1");
  EXPECT_EQ(done.throttle_period, 30);
  EXPECT_FALSE(tasks->at(1).outcome) << "held";
  auto again = make_event(EventKind::assigned, 1100, "V", "t1");
  ASSERT_TRUE(journal.append({again}));
  EXPECT_FALSE(
      journal.tasks({.since = {}, .until = {}, .hotkey = {}, .id_prefix = "t1"})->at(0).outcome)
      << "handed out again";
}

TEST(Journal, SettlesAnOpenTaskWhenItsValidatorHandsOutAnother) {
  Journal journal = open_journal(":memory:");
  ASSERT_TRUE(journal.append({make_event(EventKind::assigned, 1000, "V", "t1"),
                              make_event(EventKind::assigned, 1000, "W", "t2"),
                              make_event(EventKind::assigned, 1400, "V", "t3")}));
  TaskFilter of_v;
  of_v.hotkey = "V";
  const auto tasks = journal.tasks(of_v);
  ASSERT_EQ(tasks->size(), 2U);
  EXPECT_EQ(tasks->at(0).outcome, EventKind::settled);
  EXPECT_EQ(tasks->at(0).outcome_at, from_unix_seconds(1400));
  EXPECT_FALSE(tasks->at(1).outcome);
  TaskFilter of_w;
  of_w.hotkey = "W";
  EXPECT_FALSE(journal.tasks(of_w)->at(0).outcome) << "another validator's";
}

TEST(Journal, GivesATextTaskBackWhole) {
  Journal journal = open_journal(":memory:");
  const subnet::Task task{subnet::Task::Type::text, "t1", std::string(3000, 'p')};
  ASSERT_TRUE(journal.put_task("V", task, 0.7, 30, from_unix_seconds(1000)));
  ASSERT_TRUE(journal.append({make_event(EventKind::assigned, 1000, "V", "t1")}));
  const auto stored = journal.tasks({});
  ASSERT_EQ(stored->size(), 1U);
  const auto whole = journal.whole_task(stored->at(0));
  ASSERT_TRUE(whole);
  EXPECT_EQ(whole->prompt, task.prompt) << "the event's short text does not replace it";
  EXPECT_EQ(whole->type, subnet::Task::Type::text);
}

TEST(Journal, KeepsATasksPictureAsAnArtifact) {
  const ScratchFolder folder;
  Journal journal = open_journal(folder / "j.db");
  const subnet::Task task{subnet::Task::Type::image, "t1", base64_encode(Bytes{1, 2, 3, 4, 5})};
  ASSERT_TRUE(journal.put_task("V", task, 0.7, 30, from_unix_seconds(1000)));
  const auto stored = journal.tasks({});
  EXPECT_EQ(stored->at(0).prompt, "") << "pictures do not lie in rows";
  EXPECT_EQ(journal.whole_task(stored->at(0))->prompt, task.prompt);
  ASSERT_TRUE(write_file(journal.artifacts().path_of(stored->at(0).picture, ArtifactKind::picture),
                         Bytes{1, 2, 3, 4, 6}));
  const auto damaged = journal.whole_task(stored->at(0));
  ASSERT_FALSE(damaged);
  EXPECT_EQ(damaged.error().code, Errc::not_found);
  EXPECT_NE(damaged.error().context.find("damaged"), std::string::npos);
}

TEST(Journal, KeepsEveryCandidateOfATask) {
  const ScratchFolder folder;
  {
    Journal journal = open_journal(folder / "j.db");
    ASSERT_TRUE(journal.put_candidate(candidate_of("V", "t1", 1, {4, 5})));
    ASSERT_TRUE(journal.put_candidate(candidate_of("V", "t1", 0, {1, 2, 3})));
    ASSERT_TRUE(journal.put_candidate(candidate_of("V", "t1", 2, {})));
    ASSERT_TRUE(journal.put_candidate(candidate_of("W", "t1", 0, {9})));
  }
  const Journal journal = open_journal(folder / "j.db");
  const auto found = journal.candidates("V", "t1");
  ASSERT_TRUE(found);
  ASSERT_EQ(found->size(), 3U);
  EXPECT_EQ(found->at(0).spz, (Bytes{1, 2, 3}));
  EXPECT_EQ(found->at(0).artifact, artifact_hash(Bytes{1, 2, 3}));
  EXPECT_EQ(found->at(0).seed, 0xffffffffffffffff);
  EXPECT_EQ(found->at(0).score, 0.1 + 0.2);
  EXPECT_EQ(found->at(0).config, R"({"backend":"sketch"})");
  EXPECT_EQ(found->at(1).spz, (Bytes{4, 5}));
  EXPECT_EQ(found->at(2).spz, Bytes{}) << "one that failed the data checks";
  EXPECT_EQ(found->at(2).problem, "") << "and that is no problem of the journal's";
}

TEST(Journal, ReportsADamagedArtifactAndTreatsItAsAbsent) {
  const ScratchFolder folder;
  Journal journal = open_journal(folder / "j.db");
  ASSERT_TRUE(journal.put_candidate(candidate_of("V", "t1", 0, {1, 2, 3})));
  ASSERT_TRUE(journal.put_candidate(candidate_of("V", "t1", 1, {4, 5, 6})));
  const auto path = [&](const Bytes& spz) {
    return journal.artifacts().path_of(artifact_hash(spz), ArtifactKind::splat);
  };
  ASSERT_TRUE(write_file(path({1, 2, 3}), Bytes{1, 2, 7}));
  fs::remove(path({4, 5, 6}));
  const auto found = journal.candidates("V", "t1");
  ASSERT_EQ(found->size(), 2U);
  EXPECT_EQ(found->at(0).spz, Bytes{});
  EXPECT_THAT(found->at(0).problem, testing::HasSubstr("damaged"));
  EXPECT_EQ(found->at(1).spz, Bytes{});
  EXPECT_THAT(found->at(1).problem, testing::HasSubstr("No such file"));
}

TEST(Journal, HoldsEverythingAppendedBeforeAKill) {
  const ScratchFolder folder;
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    auto journal = Journal::open(folder / "j.db");
    for (int i = 0; i < 50; ++i) {
      (void)journal->append({full_event(i)});
      (void)journal->put_candidate(candidate_of("V", "t", i, {static_cast<std::uint8_t>(i)}));
    }
    ::kill(::getpid(), SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
  const Journal journal = open_journal(folder / "j.db");
  EXPECT_TRUE(journal.notices().empty());
  EXPECT_EQ(journal.events()->size(), 50U);
  const auto candidates = journal.candidates("V", "t");
  ASSERT_EQ(candidates->size(), 50U);
  EXPECT_EQ(candidates->at(49).spz, Bytes{49});
}

TEST(Journal, GoesOnFromASavedLedgerAsIfItHadFoldedEverything) {
  const ScratchFolder folder;
  const auto history = make_history(3, 60);
  Journal journal = open_journal(folder / "j.db");
  Ledger expected;
  for (std::size_t i = 0; i < history.size(); ++i) {
    ASSERT_TRUE(journal.append({history[i]}));
    expected.apply(history[i]);
    if (i % 50 == 7) {
      ASSERT_TRUE(journal.save_ledger());
    }
  }
  const auto ledger = journal.ledger();
  ASSERT_TRUE(ledger);
  ASSERT_EQ(ledger->rows().size(), expected.rows().size());
  for (const auto& [hotkey, row] : expected.rows()) {
    EXPECT_EQ(ledger->row(hotkey).pulled, row.pulled);
    EXPECT_EQ(ledger->row(hotkey).accepted_score_sum, row.accepted_score_sum);
    EXPECT_EQ(ledger->row(hotkey).held_task_id, row.held_task_id);
    EXPECT_EQ(ledger->row(hotkey).last_event_at, row.last_event_at);
  }
}

TEST(Journal, FoldsAgainWhatAnOlderProgramCountedOtherwise) {
  const ScratchFolder folder;
  {
    Journal journal = open_journal(folder / "j.db");
    ASSERT_TRUE(journal.append(make_task(1000, "V", "t1", EventKind::accepted)));
    ASSERT_TRUE(journal.save_ledger());
  }
  run_sql(folder / "j.db",
          "UPDATE ledger SET row = '{\"accepted\": 77}'; UPDATE folds SET fold_version = 0");
  EXPECT_EQ(open_journal(folder / "j.db").ledger()->row("V").accepted, 1);
}

TEST(Journal, RemembersUids) {
  Journal journal = open_journal(":memory:");
  ASSERT_TRUE(journal.put_uids({{"V", 3}, {"W", 9}}));
  ASSERT_TRUE(journal.put_uids({{"V", 4}}));
  EXPECT_EQ(*journal.uids(), (std::map<std::string, int>{{"V", 4}, {"W", 9}}));
}

// ---- version 1 ---------------------------------------------------------------------------------

constexpr const char* kVersion1 = R"(
PRAGMA application_id = 1280263237;
PRAGMA journal_mode = WAL;
CREATE TABLE events(seq INTEGER PRIMARY KEY, at_ns INTEGER NOT NULL, hotkey TEXT NOT NULL,
  kind TEXT NOT NULL, task_id TEXT NOT NULL, detail TEXT NOT NULL, numbers TEXT NOT NULL);
CREATE TABLE candidates(hotkey TEXT PRIMARY KEY, task_id TEXT NOT NULL, spz BLOB NOT NULL,
  score REAL NOT NULL, judged INTEGER NOT NULL);
PRAGMA user_version = 1;
INSERT INTO events VALUES
 (5, 1000000000000, 'V', 'assigned', 't1', 'a mug', '{"threshold":0.7,"throttle_period":30,"score":0.0}'),
 (6, 1010000000000, 'V', 'accepted', 't1', '', '{"score":0.75,"cooldown_until":1300,"rating":1512.5}'),
 (7, 1400000000000, 'V', 'assigned', 't2', 'a jug', 'no JSON'),
 (8, 1500000000000, 'V', 'violated', '', 'a kind that was never', '{}');
INSERT INTO candidates VALUES('V', 't2', x'0102ff', 0.8, 1);
)";

void expect_version_1_content(const Journal& journal) {
  const auto events = journal.events();
  ASSERT_TRUE(events) << events.error().message();
  ASSERT_EQ(events->size(), 3U) << "an unknown kind is left out";
  EXPECT_EQ(events->at(0).threshold, 0.7);
  EXPECT_EQ(events->at(1).score, 0.75);
  EXPECT_EQ(events->at(1).cooldown_until, 1300);
  EXPECT_EQ(events->at(2).task_id, "t2");
  EXPECT_EQ(journal.ledger()->row("V").held_task_id, "t2");
  const auto tasks = journal.tasks({});
  ASSERT_EQ(tasks->size(), 2U);
  EXPECT_EQ(tasks->at(0).outcome, EventKind::accepted);
  EXPECT_EQ(tasks->at(1).prompt, "a jug");
}

TEST(Journal, MigratesVersion1) {
  const ScratchFolder folder;
  run_sql(folder / "j.db", kVersion1);
  for (int opening = 0; opening < 2; ++opening) {
    const Journal journal = open_journal(folder / "j.db");
    EXPECT_TRUE(journal.notices().empty());
    expect_version_1_content(journal);
    const auto candidates = journal.candidates("V", "t2");
    ASSERT_EQ(candidates->size(), 1U);
    EXPECT_EQ(candidates->at(0).spz, (Bytes{1, 2, 255}));
    EXPECT_EQ(candidates->at(0).score, 0.8);
  }
}

TEST(Journal, ReadsVersion1WithoutChangingIt) {
  const ScratchFolder folder;
  run_sql(folder / "j.db", kVersion1);
  const auto before = read_file(folder / "j.db", 1 << 20);
  {
    const auto journal = Journal::open_read_only(folder / "j.db");
    ASSERT_TRUE(journal) << journal.error().message();
    expect_version_1_content(*journal);
  }
  EXPECT_EQ(*read_file(folder / "j.db", 1 << 20), *before);
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), {}), 1) << "nothing beside it";
}

// ---- reading beside ----------------------------------------------------------------------------

TEST(Journal, ReadsBesideARunningMinerAndAfterIt) {
  const ScratchFolder folder;
  std::optional<Journal> miner = open_journal(folder / "j.db");
  ASSERT_TRUE(miner->append({full_event(1)}));
  const auto beside = Journal::open_read_only(folder / "j.db");
  ASSERT_TRUE(beside) << beside.error().message();
  EXPECT_EQ(beside->events()->size(), 1U);
  ASSERT_TRUE(miner->append({full_event(2)}));
  EXPECT_EQ(beside->events()->size(), 2U);
  miner.reset();
  const auto after = Journal::open_read_only(folder / "j.db");
  EXPECT_EQ(after->events()->size(), 2U);
}

TEST(Journal, ReadOnlyOpenOfAnAbsentFileSaysSo) {
  const ScratchFolder folder;
  const auto journal = Journal::open_read_only(folder / "j.db");
  ASSERT_FALSE(journal);
  EXPECT_EQ(journal.error().code, Errc::not_found);
  EXPECT_TRUE(fs::is_empty(folder.path()));
}

}  // namespace
}  // namespace lode::miner

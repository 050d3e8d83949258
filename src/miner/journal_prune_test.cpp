#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "miner/journal.h"
#include "miner/ledger_snapshot.h"
#include "tests/support/events.h"
#include "tests/support/scratch_folder.h"

namespace lode::miner {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using testing_support::make_history;
using testing_support::make_task;
using testing_support::ScratchFolder;

nlohmann::json as_json(const Ledger& ledger) {
  nlohmann::json json;
  for (const auto& [hotkey, row] : ledger.rows()) {
    json[hotkey] = ledger_row_to_json(row);
  }
  return json;
}

Result<void> put(Journal& journal, const std::string& hotkey, const std::string& task, int attempt,
                 std::int64_t at, const Bytes& spz) {
  StoredCandidate candidate;
  candidate.hotkey = hotkey;
  candidate.task_id = task;
  candidate.attempt = attempt;
  candidate.made_at = from_unix_seconds(at);
  candidate.spz = spz;
  return journal.put_candidate(candidate);
}

TEST(JournalPrune, NeverChangesTheLedger) {
  const ScratchFolder folder;
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    SCOPED_TRACE(seed);
    Rng rng(seed);
    const fs::path path = folder / (std::to_string(seed) + ".db");
    const auto history = make_history(seed, 150);
    Ledger expected;
    std::optional<Journal> journal = *Journal::open(path);
    for (std::size_t i = 0; i < history.size();) {
      const std::size_t n = std::min<std::size_t>(1 + rng.below(40), history.size() - i);
      const std::vector<Event> batch(history.begin() + static_cast<std::ptrdiff_t>(i),
                                     history.begin() + static_cast<std::ptrdiff_t>(i + n));
      ASSERT_TRUE(journal->append(batch));
      for (const Event& event : batch) {
        expected.apply(event);
      }
      i += n;
      Retention retention;
      retention.max_age = std::chrono::seconds(rng.below(8000));
      if (rng.below(4) == 0) {
        retention.max_journal_bytes = 100'000;
      }
      if (rng.below(3) == 0) {
        ASSERT_TRUE(journal->prune(retention, batch.back().at + 1s));
      } else if (rng.below(3) == 0) {
        ASSERT_TRUE(journal->save_ledger());
      } else if (rng.below(3) == 0) {
        journal.reset();
        journal = *Journal::open(path);
      }
      EXPECT_EQ(as_json(*journal->ledger()), as_json(expected));
    }
    EXPECT_LT(journal->events()->size(), history.size()) << "something was pruned";
  }
}

TEST(JournalPrune, TakesOldEventsAndTasksAndKeepsYoungOnes) {
  const ScratchFolder folder;
  auto journal = *Journal::open(folder / "j.db");
  ASSERT_TRUE(journal.append(make_task(1'000'000, "V", "old", EventKind::accepted)));
  ASSERT_TRUE(put(journal, "V", "old", 0, 1'000'010, {1}));
  ASSERT_TRUE(journal.append(make_task(2'000'000, "V", "young", EventKind::accepted)));
  ASSERT_TRUE(put(journal, "V", "young", 0, 2'000'010, {2}));
  Retention retention;
  retention.max_age = 1000s;
  const auto report = journal.prune(retention, from_unix_seconds(2'000'500));
  ASSERT_TRUE(report);
  EXPECT_EQ(report->events, 6);
  EXPECT_EQ(report->tasks, 1);
  EXPECT_EQ(report->candidates, 1);
  EXPECT_TRUE(report->is_complete);
  EXPECT_EQ(journal.events()->size(), 6U);
  EXPECT_EQ(journal.tasks({})->size(), 1U);
  EXPECT_TRUE(journal.candidates("V", "old")->empty());
  EXPECT_EQ(journal.candidates("V", "young")->at(0).spz, Bytes{2});
}

TEST(JournalPrune, NeverTakesWhatBelongsToAHeldTask) {
  const ScratchFolder folder;
  auto journal = *Journal::open(folder / "j.db");
  auto held = make_task(1'000'000, "V", "held", EventKind::accepted);
  held.resize(4);
  ASSERT_TRUE(journal.append(held));
  ASSERT_TRUE(journal.put_task("V", {subnet::Task::Type::image, "held", base64_encode(Bytes{9, 9})},
                               0.6, 30, from_unix_seconds(1'000'001)));
  ASSERT_TRUE(put(journal, "V", "held", 0, 1'000'010, {1}));
  ASSERT_TRUE(journal.append(make_task(1'000'000, "W", "done", EventKind::accepted)));
  ASSERT_TRUE(put(journal, "W", "done", 0, 1'000'010, {2}));
  Retention nothing;
  nothing.max_age = nothing.accepted_age = nothing.other_age = Duration(0);
  nothing.max_artifact_bytes = 0;
  nothing.max_journal_bytes = 0;
  ASSERT_TRUE(journal.prune(nothing, from_unix_seconds(3'000'000)));
  const auto tasks = journal.tasks({});
  ASSERT_EQ(tasks->size(), 1U);
  EXPECT_EQ(tasks->at(0).task_id, "held");
  EXPECT_TRUE(journal.whole_task(tasks->at(0))) << "with its picture";
  EXPECT_EQ(journal.candidates("V", "held")->at(0).spz, Bytes{1});
  EXPECT_EQ(journal.artifacts().list(SystemClock().now()).size(), 2U);
}

TEST(JournalPrune, KeepsAcceptedSplatsLongestAndTheBoundInBytes) {
  const ScratchFolder folder;
  auto journal = *Journal::open(folder / "j.db");
  const auto finish = [&](const std::string& task, std::int64_t at, EventKind outcome,
                          const Bytes& sent, const Bytes& other) {
    auto events = make_task(at, "V", task, outcome);
    events[4].artifact = artifact_hash(sent);
    ASSERT_TRUE(journal.append(events));
    ASSERT_TRUE(put(journal, "V", task, 0, at + 5, sent));
    ASSERT_TRUE(put(journal, "V", task, 1, at + 6, other));
  };
  const auto is_kept = [&](const Bytes& spz) {
    return bool(journal.artifacts().get(artifact_hash(spz), ArtifactKind::splat));
  };
  const Bytes a(100, 1), b(100, 2), c(100, 3), d(100, 4), e(100, 5), f(100, 6);
  finish("t1", 1'000'000, EventKind::accepted, a, b);
  finish("t2", 1'000'400, EventKind::rejected, c, d);
  finish("t3", 1'000'800, EventKind::accepted, e, f);
  Retention retention;
  retention.accepted_age = 1000s;
  retention.other_age = 500s;
  ASSERT_TRUE(journal.prune(retention, from_unix_seconds(1'000'700)));
  EXPECT_TRUE(is_kept(a)) << "accepted";
  EXPECT_FALSE(is_kept(b)) << "made for the same task and not sent";
  EXPECT_TRUE(is_kept(c));
  EXPECT_TRUE(is_kept(f));
  retention.max_artifact_bytes = 250;
  const auto report = journal.prune(retention, from_unix_seconds(1'000'850));
  EXPECT_EQ(report->artifact_bytes, 300);
  EXPECT_TRUE(is_kept(a)) << "older than f, but accepted";
  EXPECT_TRUE(is_kept(e));
  EXPECT_FALSE(is_kept(c) || is_kept(d) || is_kept(f));
  ASSERT_TRUE(journal.prune(retention, from_unix_seconds(1'001'500)));
  EXPECT_FALSE(is_kept(a));
  EXPECT_TRUE(is_kept(e));
  EXPECT_EQ(journal.candidates("V", "t1")->size(), 2U) << "the rows stay, for lode history";
}

TEST(JournalPrune, KeepsTheFileBelowItsBound) {
  const ScratchFolder folder;
  auto journal = *Journal::open(folder / "j.db");
  Retention retention;
  retention.max_journal_bytes = 300'000;
  std::int64_t at = 1'700'000'000;
  for (int round = 0; round < 20; ++round, at += 100'000) {
    ASSERT_TRUE(journal.append(make_history(static_cast<std::uint64_t>(round), 100, at)));
    ASSERT_TRUE(journal.prune(retention, from_unix_seconds(at)));
  }
  ASSERT_TRUE(journal.prune(retention, from_unix_seconds(at)));
  EXPECT_GT(journal.events()->size(), 300U);
  const auto oldest = journal.events()->front().at;
  for (const StoredTask& task : *journal.tasks({})) {
    EXPECT_TRUE(task.last_at >= oldest || !task.outcome) << "tasks go with their events";
  }
  { const Journal moved = std::move(journal); }
  EXPECT_LT(fs::file_size(folder / "j.db"), 400'000U);
}

TEST(JournalPrune, RemovesArtifactsThatNoRowNames) {
  const ScratchFolder folder;
  auto journal = *Journal::open(folder / "j.db");
  ASSERT_TRUE(journal.artifacts().put(Bytes{1, 2, 3}, ArtifactKind::splat));
  const Time now = SystemClock().now();
  EXPECT_EQ(journal.prune({}, now)->artifacts, 0) << "its row may be about to be written";
  EXPECT_EQ(journal.prune({}, now + 48h)->artifacts, 1);
}

}  // namespace
}  // namespace lode::miner

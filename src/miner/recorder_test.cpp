#include "miner/recorder.h"

#include <gtest/gtest.h>

#include "tests/support/scratch_folder.h"

namespace lode::miner {
namespace {

Event event_at(int second, std::string detail = "") {
  Event event;
  event.at = from_unix_seconds(1'760'000'000 + second);
  event.hotkey = "V";
  event.kind = EventKind::decided;
  event.detail = std::move(detail);
  return event;
}

TEST(Recorder, WritesInOrder) {
  auto journal = *Journal::open(":memory:");
  Recorder recorder(journal);
  recorder.events({event_at(1), event_at(2)});
  recorder.task("V", {subnet::Task::Type::text, "t", "a mug"}, 0.6, 30, event_at(3).at);
  StoredCandidate candidate;
  candidate.hotkey = "V";
  candidate.task_id = "t";
  recorder.candidate(candidate, std::make_shared<const Bytes>(Bytes{1, 2, 3}));
  recorder.flush();
  EXPECT_EQ(recorder.trouble(), "");
  EXPECT_EQ(journal.events()->size(), 2U);
  const auto kept = journal.candidates("V", "t");
  ASSERT_TRUE(kept);
  ASSERT_EQ(kept->size(), 1U);
  EXPECT_EQ(kept->front().spz, (Bytes{1, 2, 3}));
}

TEST(Recorder, KeepsWhatAFullDiskRefusesAndWritesItOnceThereIsRoom) {
  const testing_support::ScratchFolder folder;
  auto journal = *Journal::open(folder / "journal.db", {.max_pages = 40});
  Recorder recorder(journal);
  int second = 0;
  while (recorder.trouble().empty() && second < 10'000) {
    recorder.events({event_at(second++, std::string(4000, 'x'))});
    recorder.flush();
  }
  ASSERT_NE(recorder.trouble(), "");
  recorder.events({event_at(second++)});
  recorder.flush();
  EXPECT_EQ(recorder.waiting(), 2U) << "what came later waits behind it";
  // Room: the oldest events are pruned, their pages are used again.
  Retention retention;
  retention.max_age = std::chrono::seconds(1);
  ASSERT_TRUE(journal.prune(retention, event_at(second).at));
  recorder.flush();
  EXPECT_EQ(recorder.trouble(), "");
  EXPECT_EQ(recorder.waiting(), 0U);
  const auto events = journal.events();
  ASSERT_TRUE(events);
  EXPECT_EQ(events->back().at, event_at(second - 1).at);
}

}  // namespace
}  // namespace lode::miner

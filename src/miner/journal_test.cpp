#include "miner/journal.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "base/file.h"

namespace lode::miner {
namespace {

namespace fs = std::filesystem;

class JournalTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) /
              ("lode_journal_" + std::to_string(::getpid()) + "_" +
               testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::create_directories(folder_);
    path_ = folder_ / "journal.db";
  }
  void TearDown() override { fs::remove_all(folder_); }

  static Event numbered(int i) {
    Event event;
    event.at = Time(std::chrono::nanoseconds(1'757'400'000'123'456'789 + i));
    event.hotkey = "5Grw";
    event.kind = EventKind::accepted;
    event.task_id = "task-" + std::to_string(i);
    event.detail = "a \"red\" mug\n\xC3\xA9";
    event.score = 0.75;
    event.cooldown_until = 1'757'400'300;
    event.rating = 1512.5;
    event.window_count = 7;
    return event;
  }

  fs::path folder_, path_;
};

TEST_F(JournalTest, ReadsBackEventsAcrossAReopen) {
  {
    auto journal = Journal::open(path_);
    ASSERT_TRUE(journal) << journal.error().message();
    journal->append({numbered(1), numbered(2)});
  }
  const auto journal = Journal::open_read_only(path_);
  ASSERT_TRUE(journal);
  const auto events = journal->events();
  ASSERT_TRUE(events);
  ASSERT_EQ(events->size(), 2U);
  EXPECT_EQ((*events)[1].at, numbered(2).at) << "nanoseconds survive";
  EXPECT_EQ((*events)[1].task_id, "task-2");
  EXPECT_EQ((*events)[1].detail, numbered(2).detail);
  EXPECT_EQ((*events)[1].kind, EventKind::accepted);
  EXPECT_EQ((*events)[1].score, 0.75);
  EXPECT_EQ((*events)[1].cooldown_until, 1'757'400'300);
  EXPECT_EQ((*events)[1].rating, 1512.5);
  EXPECT_EQ((*events)[1].window_count, 7);
}

TEST_F(JournalTest, KeepsOneCandidatePerValidatorUntilDropped) {
  auto journal = Journal::open(path_);
  ASSERT_TRUE(journal);
  journal->put_candidate("V", {"t1", {1, 2, 3}, 0.7, true});
  journal->put_candidate("V", {"t2", {0, 255, 0}, 0.8, false});
  journal->put_candidate("W", {"t9", {9}, 0.5, true});
  const auto found = journal->candidate("V");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->task_id, "t2");
  EXPECT_EQ(found->spz, (Bytes{0, 255, 0}));
  EXPECT_EQ(found->score, 0.8);
  EXPECT_FALSE(found->judged);
  journal->drop_candidate("V");
  EXPECT_FALSE(journal->candidate("V"));
  EXPECT_TRUE(journal->candidate("W"));
}

TEST_F(JournalTest, KeepsACandidateWithoutBytes) {
  auto journal = Journal::open(path_);
  ASSERT_TRUE(journal);
  journal->put_candidate("V", {"t1", {}, 0, true});
  EXPECT_EQ(journal->candidate("V").value().spz, Bytes{});
}

TEST_F(JournalTest, HoldsEverythingAppendedBeforeAKill) {
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    auto journal = Journal::open(path_);
    for (int i = 0; i < 50; ++i) {
      journal->append({numbered(i)});
    }
    ::kill(::getpid(), SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
  auto journal = Journal::open(path_);
  ASSERT_TRUE(journal);
  EXPECT_EQ(journal->events()->size(), 50U);
}

TEST_F(JournalTest, RefusesAFileThatIsNoJournalAndLeavesItAlone) {
  const std::string text(5000, 'x');
  ASSERT_TRUE(write_file(path_, as_bytes(text)));
  const auto journal = Journal::open(path_);
  ASSERT_FALSE(journal);
  EXPECT_EQ(journal.error().code, Errc::invalid_input);
  EXPECT_NE(journal.error().context.find(path_.string()), std::string::npos);
  EXPECT_EQ(as_text(*read_file(path_, 10000)), text);
}

TEST_F(JournalTest, ReadOnlyOpenOfAnAbsentFileSaysSo) {
  const auto journal = Journal::open_read_only(path_);
  ASSERT_FALSE(journal);
  EXPECT_EQ(journal.error().code, Errc::not_found);
}

}  // namespace
}  // namespace lode::miner

#include "miner/history.h"

#include <gtest/gtest.h>

#include "tests/support/events.h"

namespace lode::miner {
namespace {

using testing_support::make_event;
using testing_support::make_task;

TEST(History, SumsATaskUp) {
  auto journal = *Journal::open(":memory:");
  auto events = make_task(1000, "V", "t1", EventKind::accepted, 0.7);
  auto better = make_event(EventKind::candidate_ready, 1012, "V", "t1");
  better.score = 0.9;
  auto failed = make_event(EventKind::submit_failed, 1014, "V", "t1");
  failed.detail = "connection reset";
  auto resent = make_event(EventKind::submitting, 1015, "V", "t1");
  events.insert(events.end() - 1, {better, failed, resent});
  ASSERT_TRUE(journal.append(events));
  ASSERT_TRUE(journal.append(make_task(900, "W", "t2", EventKind::emptied)));
  TaskFilter filter;
  filter.hotkey = "V";
  const auto lines = read_history(journal, filter);
  ASSERT_TRUE(lines);
  ASSERT_EQ(lines->size(), 1U);
  const TaskHistory& line = lines->at(0);
  EXPECT_EQ(line.attempts, 2);
  EXPECT_EQ(line.best_score, 0.9);
  EXPECT_EQ(line.submissions, 2);
  EXPECT_EQ(line.seconds, 15.0);
  EXPECT_EQ(line.last_error, "connection reset");
  EXPECT_EQ(outcome_name(line.task), "accepted");
}

TEST(History, ShowsAHeldTaskWithoutAnOutcome) {
  const TaskHistory line = summarize(StoredTask(), {});
  EXPECT_EQ(outcome_name(line.task), "held");
  EXPECT_FALSE(line.seconds);
  EXPECT_FALSE(line.best_score);
}

TEST(History, CutsAPromptBetweenCharactersAndDefusesIt) {
  StoredTask task;
  task.prompt = "a red mug";
  EXPECT_EQ(prompt_start(task, 9), "a red mug");
  EXPECT_EQ(prompt_start(task, 8), "a red...");
  task.prompt = "\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9";  // six times e acute
  EXPECT_EQ(prompt_start(task, 5), "\xC3\xA9\xC3\xA9...");
  task.prompt = "a\x1b[31m\nmug";
  EXPECT_EQ(prompt_start(task, 40), "a [31m mug");
  task.type = subnet::Task::Type::image;
  task.picture = std::string(64, 'b');
  EXPECT_EQ(prompt_start(task, 40), "(picture bbbbbbbb)");
}

TEST(History, WritesTimesInUtc) {
  EXPECT_EQ(format_time(from_unix_seconds(1'700'000'000)), "2023-11-14 22:13:20");
}

TEST(History, QuotesFieldsAsRfc4180Says) {
  EXPECT_EQ(csv_field("a mug"), "a mug");
  EXPECT_EQ(csv_field("a, b"), "\"a, b\"");
  EXPECT_EQ(csv_field("the \"best\""), "\"the \"\"best\"\"\"");
  EXPECT_EQ(csv_field("two\nlines"), "\"two\nlines\"");
  EXPECT_EQ(csv_line({"", "a", "b,c"}), ",a,\"b,c\"\r\n");
}

}  // namespace
}  // namespace lode::miner

// lode simulate on a journal that the miner's own code wrote.
#include <gtest/gtest.h>
#include <stdlib.h>

#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "miner/journal.h"

namespace lode {
namespace {

namespace fs = std::filesystem;
using miner::EventKind;

/// A folder with a journal in it, removed with the test.
class SimulateJournalTest : public testing::Test {
 protected:
  SimulateJournalTest() {
    std::string path = (fs::temp_directory_path() / "lode-simulate-XXXXXX").string();
    EXPECT_NE(::mkdtemp(path.data()), nullptr);
    folder_ = path;
  }
  ~SimulateJournalTest() override { fs::remove_all(folder_); }

  /// Tasks as they go well: 1.5 s to pull, 12 s to make, 4 s to submit.
  void write_journal(int tasks) const {
    auto journal = miner::Journal::open(folder_ / "journal.db");
    ASSERT_TRUE(journal) << journal.error().message();
    Time now = from_unix_seconds(1'757'400'000);
    for (int i = 0; i < tasks; ++i) {
      std::vector<miner::Event> events;
      const auto add = [&](EventKind kind, double after, double score = 0) {
        now += from_seconds(after);
        miner::Event event;
        event.at = now;
        event.hotkey = "V";
        event.kind = kind;
        event.task_id = "t" + std::to_string(i);
        event.score = score;
        event.threshold = 0.6;
        events.push_back(std::move(event));
      };
      add(EventKind::pulling, 280);
      add(EventKind::assigned, 1.5);
      add(EventKind::generating, 0);
      add(EventKind::candidate_ready, 12, 0.8);
      add(EventKind::submitting, 0);
      add(EventKind::accepted, 4, 0.75);
      ASSERT_TRUE(journal->append(events));
    }
  }

  /// What `lode simulate --from-journal` prints on stdout, and its exit code.
  std::pair<std::string, int> simulate(const std::string& flags) const {
    const std::string command = std::string(LODE_BINARY_DIR) + "/bin/lode simulate --config none " +
                                "--from-journal " + (folder_ / "journal.db").string() + " " +
                                flags + " 2>/dev/null";
    FILE* pipe = ::popen(command.c_str(), "r");
    std::string text;
    for (int c = std::fgetc(pipe); c != EOF; c = std::fgetc(pipe)) {
      text += static_cast<char>(c);
    }
    const int status = ::pclose(pipe);
    return {text, WIFEXITED(status) ? WEXITSTATUS(status) : -1};
  }

  fs::path folder_;
};

TEST_F(SimulateJournalTest, TakesWhatNoFlagGives) {
  write_journal(12);
  const auto [text, code] = simulate("--pull-seconds 2 --fault-rate 0.01 --json");
  ASSERT_EQ(code, 0);
  const auto report = nlohmann::json::parse(text);
  const auto& fitted = report["fitted"];
  const auto& parameters = report["parameters"];
  EXPECT_TRUE(parameters["generation"].get<std::string>().starts_with("12 s, spread"));
  EXPECT_NEAR(parameters["submit_seconds"].get<double>(), 4, 1e-6);
  EXPECT_NEAR(parameters["score_mean"].get<double>(), 0.75, 1e-9);
  EXPECT_EQ(fitted["score-mean"]["samples"], 12);
  EXPECT_EQ(parameters["pull_seconds"], 2);
  EXPECT_FALSE(fitted.contains("pull-seconds")) << "a flag was given";
  EXPECT_EQ(parameters["fault_pulls"], 0.01);
  EXPECT_FALSE(fitted.contains("fault-pulls")) << "a flag was given for all faults";
}

TEST_F(SimulateJournalTest, SaysWhatItTook) {
  write_journal(12);
  const auto [text, code] = simulate("");
  EXPECT_EQ(code, 0);
  EXPECT_NE(text.find("fitted generation-seconds"), std::string::npos);
  EXPECT_NE(text.find("from 12\n"), std::string::npos);
}

TEST_F(SimulateJournalTest, RefusesAJournalThatTellsNothing) {
  write_journal(3);
  EXPECT_EQ(simulate("--json"), std::pair(std::string(), 3));
}

}  // namespace
}  // namespace lode

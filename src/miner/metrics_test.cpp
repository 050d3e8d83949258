#include "miner/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <regex>
#include <set>

namespace lode::miner {
namespace {

using testing::HasSubstr;

Snapshot full_snapshot() {
  Snapshot snapshot;
  snapshot.at = Time(std::chrono::seconds(1'000'000));
  ValidatorView view;
  view.neuron.uid = 7;
  view.neuron.hotkey = "5Hot\"key";
  view.state = State::cooling;
  view.until = snapshot.at + std::chrono::milliseconds(12'500);
  view.clock_offset = std::chrono::milliseconds(-250);
  view.ledger.accepted = 41;
  view.ledger.rating = 1512.5;
  snapshot.validators.push_back(view);
  WorkerView worker;
  worker.name = "local 1";
  worker.state = "open";
  worker.finished = 3;
  worker.seconds = 2.5;
  snapshot.workers.push_back(worker);
  snapshot.stages["pull_lateness"].add(0.0004);
  snapshot.stages["pull_lateness"].add(0.003);
  snapshot.stages["pull_lateness"].add(1000);
  snapshot.queued = 2;
  snapshot.clock_skew = std::chrono::seconds(1);
  snapshot.chain.emplace();
  snapshot.chain->read_at = snapshot.at - std::chrono::seconds(9);
  snapshot.journal_bytes = 4096;
  return snapshot;
}

TEST(Metrics, CarriesValidatorsWorkersAndStages) {
  const std::string text = metrics_text(full_snapshot());
  const std::string who = R"({uid="7",hotkey="5Hot\"key")";
  EXPECT_THAT(text, HasSubstr("lode_validator_accepted_total" + who + "} 41\n"));
  EXPECT_THAT(text, HasSubstr("lode_validator_rating" + who + "} 1512.5\n"));
  EXPECT_THAT(text, HasSubstr("lode_validator_state" + who + ",state=\"cooling\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("lode_validator_state" + who + ",state=\"ready\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("lode_validator_wait_seconds" + who + "} 12.5\n"));
  EXPECT_THAT(text, HasSubstr("lode_validator_clock_offset_seconds" + who + "} -0.25\n"));
  EXPECT_THAT(text, HasSubstr("lode_workers{state=\"open\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("lode_worker_task_seconds{worker=\"local 1\"} 2.5\n"));
  EXPECT_THAT(text, HasSubstr("lode_metagraph_age_seconds 9\n"));
  EXPECT_THAT(text, HasSubstr("lode_journal_bytes 4096\n"));
}

TEST(Metrics, CountsStagesInCumulativeBuckets) {
  const std::string text = metrics_text(full_snapshot());
  const auto bucket = [](const char* le, int count) {
    return std::string("lode_stage_seconds_bucket{stage=\"pull_lateness\",le=\"") + le + "\"} " +
           std::to_string(count) + "\n";
  };
  EXPECT_THAT(text, HasSubstr(bucket("0.0005", 1)));
  EXPECT_THAT(text, HasSubstr(bucket("0.002", 1)));
  EXPECT_THAT(text, HasSubstr(bucket("0.005", 2)));
  EXPECT_THAT(text, HasSubstr(bucket("200", 2)));
  EXPECT_THAT(text, HasSubstr(bucket("+Inf", 3)));
  EXPECT_THAT(text, HasSubstr("lode_stage_seconds_count{stage=\"pull_lateness\"} 3\n"));
}

TEST(Metrics, TheDocumentNamesTheSameOnesOfTheSameTypes) {
  std::set<std::string> given, documented;
  const std::string text = metrics_text(full_snapshot());
  const std::regex type_line("# TYPE (lode_\\w+) (\\w+)");
  for (std::sregex_iterator i(text.begin(), text.end(), type_line), end; i != end; ++i) {
    given.insert((*i)[1].str() + " " + (*i)[2].str());
  }
  std::ifstream file(std::string(LODE_SOURCE_DIR) + "/docs/metrics.md");
  ASSERT_TRUE(file);
  const std::regex row("^\\| `(lode_\\w+)` \\| (\\w+) \\|.*");
  for (std::string line; std::getline(file, line);) {
    if (std::smatch match; std::regex_match(line, match, row)) {
      documented.insert(match[1].str() + " " + match[2].str());
    }
  }
  EXPECT_EQ(given, documented);
}

}  // namespace
}  // namespace lode::miner

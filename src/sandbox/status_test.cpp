#include "sandbox/status.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace lode::sandbox {
namespace {

Status two_validators() {
  Status status;
  status.seconds = 12.5;
  status.time_scale = 30;
  status.validators.resize(2);
  status.validators[0].uid = 5;
  status.validators[0].counters.accepted = 3;
  status.validators[0].counters.score_sum = 2.4;
  status.validators[1].uid = 17;
  status.validators[1].counters.accepted = 1;
  status.validators[1].counters.score_sum = 1.0;
  status.validators[1].counters.violations = 2;
  status.validators[1].faults = 4;
  status.bystanders = {{180, Role::weight_copier, 1}, {12, Role::low_stake, 0}};
  return status;
}

TEST(Status, TotalsAddUpAndMeansAreOverAllResults) {
  const auto json = to_json(two_validators());
  EXPECT_EQ(json["totals"]["accepted"], 4);
  EXPECT_EQ(json["totals"]["violations"], 2);
  EXPECT_EQ(json["totals"]["faults"], 4);
  EXPECT_DOUBLE_EQ(json["totals"]["mean_score"], 0.85);
  EXPECT_DOUBLE_EQ(json["validators"][0]["mean_score"], 0.8);
  EXPECT_EQ(json["validators"][1]["uid"], 17);
  EXPECT_EQ(json["bystanders"][0]["requests"], 1);
}

TEST(Status, SummaryNamesOnlyBystandersThatWereAsked) {
  const std::string text = summary(two_validators());
  EXPECT_THAT(text, testing::HasSubstr("uid 180 (weight copier) was asked 1 times"));
  EXPECT_THAT(text, testing::Not(testing::HasSubstr("uid 12")));
}

}  // namespace
}  // namespace lode::sandbox

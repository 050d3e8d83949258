#include "miner/status.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace lode::miner {
namespace {

Snapshot two_validators() {
  Snapshot snapshot;
  snapshot.at = from_unix_seconds(1000);
  ValidatorView good, skipped;
  good.neuron = {5, "5Good", "127.0.0.1", 8091, 5000, true};
  good.state = State::cooling;
  good.reason = "cooldown given by the validator";
  good.until = from_unix_seconds(1012);
  good.ledger.pulled = 3;
  good.ledger.accepted = 2;
  good.ledger.accepted_score_sum = 1.5;
  skipped.neuron.uid = 180;
  skipped.state = State::skipped;
  skipped.reason = "blacklisted by uid 180: copier";
  skipped.ledger.last_error = "refused";
  snapshot.validators = {good, skipped};
  snapshot.stages["build"].add(2);
  snapshot.stages["build"].add(4);
  return snapshot;
}

TEST(Status, GivesTheDocumentedFieldsPerValidatorAndTotals) {
  const auto json = to_json(two_validators());
  const auto& row = json["validators"][0];
  EXPECT_EQ(row["uid"], 5);
  EXPECT_EQ(row["state"], "cooling");
  EXPECT_EQ(row["pulled"], 3);
  EXPECT_EQ(row["accepted"], 2);
  EXPECT_DOUBLE_EQ(row["mean_score"].get<double>(), 0.75);
  EXPECT_DOUBLE_EQ(row["wait_seconds"].get<double>(), 12);
  EXPECT_TRUE(json["validators"][1]["mean_score"].is_null());
  EXPECT_EQ(json["totals"]["accepted"], 2);
  EXPECT_DOUBLE_EQ(json["stages"]["build"]["mean_seconds"].get<double>(), 3);
  EXPECT_DOUBLE_EQ(json["stages"]["build"]["max_seconds"].get<double>(), 4);
}

TEST(Status, TableShowsEveryValidatorWithItsReason) {
  const std::string table = format_table(to_json(two_validators()));
  EXPECT_NE(table.find("blacklisted by uid 180: copier | last error: refused"), std::string::npos);
  EXPECT_NE(table.find("0.75"), std::string::npos);
}

TEST(Status, TableSurvivesAForeignDocument) {
  EXPECT_NE(format_table(nlohmann::json::object()).find("uid"), std::string::npos);
  EXPECT_NE(format_table({{"validators", {{{"uid", nullptr}}}}}).find("-"), std::string::npos);
}

TEST(Status, AnswersItsRoutesAndNoOthers) {
  Snapshot snapshot = two_validators();
  EXPECT_EQ(nlohmann::json::parse(answer(snapshot, {"GET", "/api/ledger"}).body),
            to_json(snapshot));
  EXPECT_NE(answer(snapshot, {"GET", "/health"}).body.find("no worker"), std::string::npos);
  snapshot.workers.push_back({"local 1", "idle", "", 0, 0});
  EXPECT_NE(answer(snapshot, {"GET", "/health"}).body.find("ok"), std::string::npos);
  EXPECT_EQ(answer(snapshot, {"GET", "/etc/passwd"}).status, 404);
  EXPECT_EQ(answer(snapshot, {"POST", "/api/ledger"}).status, 405);
}

TEST(Status, ViewFromEventsShowsAHeldTask) {
  Event assigned;
  assigned.hotkey = "V";
  assigned.kind = EventKind::assigned;
  assigned.task_id = "t1";
  const auto views = view_from_events({assigned});
  ASSERT_EQ(views.size(), 1U);
  EXPECT_EQ(views[0].ledger.pulled, 1);
  EXPECT_NE(views[0].reason.find("t1"), std::string::npos);
}

}  // namespace
}  // namespace lode::miner

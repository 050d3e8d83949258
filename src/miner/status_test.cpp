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
  EXPECT_NE(format_table(nlohmann::json::array({1})).find("uid"), std::string::npos);
  EXPECT_NE(format_table({{"validators", {5}}, {"chain", 7}, {"clock", "?"}}).find("-"),
            std::string::npos);
}

TEST(Status, ShowsWhereTheMetagraphIsFromHowOldItIsAndWhatIsWrong) {
  Snapshot snapshot = two_validators();
  EXPECT_TRUE(to_json(snapshot)["chain"].is_null());
  ChainView chain;
  chain.source = "finney (wss://node:443)";
  chain.block = 6'700'000;
  chain.read_at = from_unix_seconds(910);
  chain.error = "no answer within 20 s";
  chain.advice = "run btcli";
  chain.is_from_earlier_run = true;
  snapshot.chain = chain;
  snapshot.clock_warning = "this machine's clock is 40 s behind";
  const auto json = to_json(snapshot);
  EXPECT_EQ(json["chain"]["age_seconds"], 90);
  EXPECT_TRUE(json["chain"]["uid"].is_null());
  EXPECT_TRUE(json["clock"]["skew_seconds"].is_null());
  const std::string table = format_table(json);
  for (const char* text :
       {"metagraph: finney (wss://node:443), block 6700000, 90.00 s old",
        "metagraph: no answer within 20 s", "metagraph: run btcli",
        "metagraph: kept from an earlier run", "clock: this machine's clock is 40 s behind"}) {
    EXPECT_NE(table.find(text), std::string::npos) << text << " in\n" << table;
  }
  snapshot.chain->is_from_earlier_run = false;
  EXPECT_EQ(format_table(to_json(snapshot)).find("earlier run"), std::string::npos);
}

TEST(Status, TableShowsTheHintOfCopiedWeightsOnly) {
  Snapshot snapshot = two_validators();
  snapshot.validators[0].hint = "weights: their own";
  snapshot.validators[1].hint = "weights: nearest uid 5";
  snapshot.validators[1].looks_copied = true;
  const std::string table = format_table(to_json(snapshot));
  EXPECT_EQ(table.find("their own"), std::string::npos);
  EXPECT_NE(table.find("| weights: nearest uid 5"), std::string::npos);
  EXPECT_EQ(to_json(snapshot)["validators"][0]["hint"], "weights: their own");
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

TEST(Status, ViewFromTheLedgerShowsAHeldTask) {
  Event assigned;
  assigned.hotkey = "V";
  assigned.kind = EventKind::assigned;
  assigned.task_id = "t1";
  Ledger ledger;
  ledger.apply(assigned);
  const auto views = view_from_ledger(ledger, {{assigned.hotkey, 7}});
  EXPECT_EQ(views.at(0).neuron.uid, 7);
  ASSERT_EQ(views.size(), 1U);
  EXPECT_EQ(views[0].ledger.pulled, 1);
  EXPECT_NE(views[0].reason.find("t1"), std::string::npos);
}

}  // namespace
}  // namespace lode::miner

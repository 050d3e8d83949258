#include "miner/ledger_snapshot.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/support/events.h"

namespace lode::miner {
namespace {

using Json = nlohmann::json;

/// Through text, as the journal stores it.
LedgerRow round_trip(const LedgerRow& row) {
  return ledger_row_from_json(Json::parse(ledger_row_to_json(row).dump()));
}

TEST(LedgerSnapshot, GoesOnAsIfItHadNeverBeenStored) {
  const auto history = testing_support::make_history(11, 80);
  Ledger whole, stored;
  for (const Event& event : history) {
    whole.apply(event);
    stored.apply(event);
    std::map<std::string, LedgerRow> rows;
    for (const auto& [hotkey, row] : stored.rows()) {
      rows[hotkey] = round_trip(row);
    }
    stored = Ledger(std::move(rows));
  }
  ASSERT_EQ(stored.rows().size(), whole.rows().size());
  for (const auto& [hotkey, row] : whole.rows()) {
    EXPECT_EQ(ledger_row_to_json(stored.row(hotkey)), ledger_row_to_json(row));
    EXPECT_EQ(stored.row(hotkey).accepted_score_sum, row.accepted_score_sum);
    EXPECT_EQ(stored.row(hotkey).last_error, row.last_error);
    EXPECT_EQ(stored.row(hotkey).held_since, row.held_since);
  }
}

TEST(LedgerSnapshot, LeavesDefaultsWhereAStoredRowSaysNothing) {
  const LedgerRow row = ledger_row_from_json(
      Json::parse(R"({"accepted": 3, "pulled": "many", "rating": null, "last_error": 5, "x": 1})"));
  EXPECT_EQ(row.accepted, 3);
  EXPECT_EQ(row.pulled, 0);
  EXPECT_EQ(row.rating, 0);
  EXPECT_EQ(row.last_error, "");
  EXPECT_EQ(row.threshold, 0.6);
}

// A field that is added to LedgerRow and forgotten in visit_fields() changes this size.
TEST(LedgerSnapshot, KnowsEveryFieldOfARow) {
  EXPECT_EQ(ledger_row_to_json(LedgerRow()).size(), 33U);
  EXPECT_EQ(sizeof(LedgerRow), 296U) << "add the new field to visit_fields() and here";
}

}  // namespace
}  // namespace lode::miner

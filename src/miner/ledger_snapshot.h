// Ledger rows as JSON, so that a fold can be stored and gone on from.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "miner/ledger.h"

namespace lode::miner {

/// Raise it when Ledger::apply() counts something that it did not count before: the journal then
/// folds again whatever events it still has, instead of going on from rows that lack it.
inline constexpr int kLedgerFoldVersion = 2;

/// One key a field. Numbers keep every bit; text that is no UTF-8 is repaired when it is printed.
nlohmann::json ledger_row_to_json(const LedgerRow& row);
/// Fields that are absent or of another type keep their defaults.
LedgerRow ledger_row_from_json(const nlohmann::json& json);

}  // namespace lode::miner

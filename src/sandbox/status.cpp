#include "sandbox/status.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace lode::sandbox {
namespace {

using Json = nlohmann::ordered_json;

struct Column {
  const char* name;
  std::int64_t Counters::*field;
};
constexpr Column kColumns[] = {{"pulls", &Counters::pulls},
                               {"pulled", &Counters::pulled},
                               {"reissued", &Counters::reissued},
                               {"accepted", &Counters::accepted},
                               {"empty", &Counters::empty},
                               {"rejected", &Counters::rejected},
                               {"wrong_signatures", &Counters::wrong_signatures},
                               {"scorer_failures", &Counters::scorer_failures},
                               {"violations", &Counters::violations},
                               {"wrong_task", &Counters::wrong_task},
                               {"locked", &Counters::locked},
                               {"duplicates", &Counters::duplicates},
                               {"forbidden", &Counters::forbidden},
                               {"unregistered", &Counters::unregistered},
                               {"duels_won", &Counters::duels_won},
                               {"duels_drawn", &Counters::duels_drawn},
                               {"duels_lost", &Counters::duels_lost}};

Counters total_of(const Status& status) {
  Counters total;
  for (const ValidatorStatus& validator : status.validators) {
    for (const Column& column : kColumns) {
      total.*column.field += validator.counters.*column.field;
    }
    total.score_sum += validator.counters.score_sum;
  }
  return total;
}

void add_counters(Json& row, const Counters& counters) {
  for (const Column& column : kColumns) row[column.name] = counters.*column.field;
  row["mean_score"] = counters.mean_score();
}

std::string line_of(const std::string& name, const Counters& counters) {
  return fmt::format(
      "{:<12} pulled {:>4}  accepted {:>4}  empty {:>3}  rejected {:>3}  violations {:>3}  mean "
      "score {:.3f}\n",
      name, counters.pulled, counters.accepted, counters.empty, counters.rejected,
      counters.violations, counters.mean_score());
}

}  // namespace

Json to_json(const Status& status) {
  Json json = {{"seconds", status.seconds}, {"time_scale", status.time_scale}};
  json["validators"] = Json::array();
  std::int64_t faults = 0;
  for (const ValidatorStatus& validator : status.validators) {
    Json row = {{"uid", validator.uid},
                {"hotkey", validator.hotkey},
                {"version", validator.version},
                {"rating", validator.rating},
                {"faults", validator.faults}};
    add_counters(row, validator.counters);
    json["validators"].push_back(std::move(row));
    faults += validator.faults;
  }
  json["bystanders"] = Json::array();
  for (const BystanderStatus& bystander : status.bystanders) {
    json["bystanders"].push_back({{"uid", bystander.uid},
                                  {"role", to_string(bystander.role)},
                                  {"requests", bystander.requests}});
  }
  Json totals;
  add_counters(totals, total_of(status));
  totals["faults"] = faults;
  json["totals"] = std::move(totals);
  return json;
}

std::string summary(const Status& status) {
  std::string text =
      fmt::format("after {:.1f} s at time scale {:g}:\n", status.seconds, status.time_scale);
  for (const ValidatorStatus& validator : status.validators) {
    text += line_of(fmt::format("uid {}", validator.uid), validator.counters);
  }
  text += line_of("total", total_of(status));
  for (const BystanderStatus& bystander : status.bystanders) {
    if (bystander.requests == 0)
      continue;
    text += fmt::format("uid {} ({}) was asked {} times and should not be\n", bystander.uid,
                        to_string(bystander.role), bystander.requests);
  }
  return text;
}

}  // namespace lode::sandbox

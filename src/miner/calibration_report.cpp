#include "miner/calibration_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

namespace lode::miner {
namespace {

using Json = nlohmann::json;

constexpr double kUsualThreshold = 0.6;

void keep_newest(std::vector<ScorePair>& pairs, std::size_t most) {
  if (pairs.size() > most) {
    pairs.erase(pairs.begin(), pairs.end() - static_cast<std::ptrdiff_t>(most));
  }
}

CalibrationRow make_row(std::vector<ScorePair> pairs, Calibration calibration, SendRule rule) {
  CalibrationRow row{std::move(pairs), std::move(calibration), rule};
  for (const ScorePair& pair : row.pairs) {
    const bool is_above = pair.predicted >= pair.threshold + rule.margin;
    row.false_accepts += is_above && !pair.is_accepted() ? 1 : 0;
    row.false_rejects += !is_above && pair.is_accepted() ? 1 : 0;
  }
  return row;
}

Json fit_json(const Calibration& fit) {
  Json curve = Json::array();
  constexpr int kSteps = 20;
  for (int i = 0; i <= kSteps; ++i) {
    const double ours = static_cast<double>(i) / kSteps;
    curve.push_back({ours, fit.expected(ours), fit.acceptance_probability(ours, kUsualThreshold)});
  }
  return {{"pairs", fit.pairs},
          {"rejected", fit.rejected},
          {"mean_predicted", fit.mean_predicted},
          {"mean_returned", fit.mean_returned},
          {"bias", fit.bias},
          {"spread", fit.spread},
          {"curve", std::move(curve)}};
}

Json row_json(const CalibrationRow& row) {
  Json json = fit_json(row.calibration);
  json["threshold"] = row.rule.threshold;
  json["margin"] = row.rule.margin;
  json["margin_from"] = to_string(row.rule.source);
  json["least_acceptance"] = row.rule.least_acceptance;
  json["false_accepts"] = row.false_accepts;
  json["false_rejects"] = row.false_rejects;
  return json;
}

Json drift_json(const CalibrationDrift& drift) {
  return {{"early", fit_json(drift.early)},
          {"late", fit_json(drift.late)},
          {"shift", drift.shift},
          {"error", drift.error},
          {"has_moved", drift.has_moved}};
}

/// Theirs minus ours, as far as told.
double difference_of(const ScorePair& pair) {
  return pair.returned.value_or(pair.threshold - kBelowThreshold) - pair.predicted;
}

struct Half {
  double mean = 0;
  double squared_error = 0;  ///< of the mean
};

Half half_of(std::span<const ScorePair> pairs) {
  const auto n = static_cast<double>(std::max<std::size_t>(pairs.size(), 1));
  Half half;
  for (const ScorePair& pair : pairs) {
    half.mean += difference_of(pair) / n;
  }
  for (const ScorePair& pair : pairs) {
    const double off = difference_of(pair) - half.mean;
    half.squared_error += off * off / (n * std::max(1.0, n - 1));
  }
  return half;
}

std::string table_line(const std::string& name, const Json& row) {
  const auto number = [&row](const char* key) { return row.at(key).get<double>(); };
  const auto count = [&row](const char* key) { return row.at(key).get<int>(); };
  return fmt::format("{:<14.14}{:>7}{:>6}{:>8.3f}{:>8.3f}{:>+8.3f}{:>8.3f}{:>8.3f}{:>8}{:>8}\n",
                     name, count("pairs"), count("rejected"), number("mean_predicted"),
                     number("mean_returned"), number("bias"), number("spread"), number("margin"),
                     count("false_accepts"), count("false_rejects"));
}

// ---- the picture ----

constexpr double kLeft = 62, kTop = 52, kSide = 440, kRight = 24, kBottom = 56;

/// A score to pixels.
double across(double score) { return kLeft + kSide * score; }
double up(double score) { return kTop + kSide * (1 - score); }

std::string text(double x, double y, std::string_view anchor, std::string_view words,
                 std::string_view more = "") {
  return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\"{}>{}</text>\n", x, y,
                     anchor, more, words);
}

std::string line(double x1, double y1, double x2, double y2, std::string_view style) {
  return fmt::format("<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" {}/>\n",
                     across(x1), up(y1), across(x2), up(y2), style);
}

std::string axes() {
  constexpr std::string_view kGrid = "stroke=\"#dddddd\"";
  constexpr int kTicks = 5;
  std::string svg;
  for (int i = 0; i <= kTicks; ++i) {
    const double at = static_cast<double>(i) / kTicks;
    svg += line(at, 0, at, 1, kGrid) + line(0, at, 1, at, kGrid);
    svg += text(across(at), up(0) + 18, "middle", fmt::format("{:.1f}", at));
    svg += text(kLeft - 8, up(at) + 4, "end", fmt::format("{:.1f}", at));
  }
  svg += text(across(0.5), up(0) + 40, "middle", "our score");
  svg += text(0, 0, "middle", "the validators'",
              fmt::format(" transform=\"translate(18 {:.1f}) rotate(-90)\"", up(0.5)));
  return svg;
}

std::string curve(const Calibration& fit, double offset, std::string_view style) {
  constexpr int kSteps = 100;
  std::string points;
  for (int i = 0; i <= kSteps; ++i) {
    const double x = static_cast<double>(i) / kSteps;
    const double y = std::clamp(fit.expected(x) + offset, 0.0, 1.0);
    points += fmt::format("{:.1f},{:.1f} ", across(x), up(y));
  }
  return fmt::format("<polyline points=\"{}\" fill=\"none\" {}/>\n", points, style);
}

/// The curves of both halves, named in the lower right corner.
std::string halves(const CalibrationDrift& drift) {
  constexpr std::string_view kEarly = "#CC79A7", kLate = "#56B4E9";
  const auto half = [](const Calibration& fit, const char* name, std::string_view colour,
                       double height) {
    const std::string style = fmt::format("stroke=\"{}\" stroke-width=\"1.5\"", colour);
    return curve(fit, 0, style) + text(across(0.98), up(height), "end",
                                       fmt::format("{}: {} pairs", name, fit.pairs),
                                       fmt::format(" fill=\"{}\"", colour));
  };
  return half(drift.early, "early half", kEarly, 0.12) +
         half(drift.late, "late half", kLate, 0.07) +
         text(across(0.98), up(0.02), "end",
              fmt::format("{} ({:+.3f} +- {:.3f})", drift.has_moved ? "moved" : "not moved",
                          drift.shift, drift.error));
}

std::string dots(const CalibrationRow& row) {
  std::string svg;
  for (const ScorePair& pair : row.pairs) {
    const double x = across(std::clamp(pair.predicted, 0.0, 1.0));
    const double y = up(std::clamp(pair.returned.value_or(0), 0.0, 1.0));
    svg += fmt::format(
        "<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3\" fill=\"{}\" "
        "fill-opacity=\"0.5\"/>\n",
        x, y, pair.is_accepted() ? "#0072B2" : "#D55E00");
  }
  return svg;
}

}  // namespace

CalibrationDrift compare_halves(std::span<const ScorePair> pairs, const CalibrationPrior& prior) {
  const auto early = pairs.first(pairs.size() / 2);
  const auto late = pairs.last(pairs.size() - early.size());
  const Half before = half_of(early), after = half_of(late);
  CalibrationDrift drift{calibrate(early, prior), calibrate(late, prior)};
  drift.shift = early.empty() ? 0 : after.mean - before.mean;
  drift.error = std::sqrt(before.squared_error + after.squared_error);
  constexpr double kErrors = 3;
  constexpr double kRounding = 1e-6;  // halves that are exactly alike have no error at all
  drift.has_moved = early.size() >= kEnoughToMove &&
                    std::abs(drift.shift) > std::max(kErrors * drift.error, kRounding);
  return drift;
}

CalibrationReport compute_calibration(const std::vector<Event>& events, const Ledger& ledger,
                                      const Config& config) {
  const CalibrationPrior prior{config.priors.scorer_error};
  PairCollector collector;
  Experience experience(config.priors);
  std::vector<ScorePair> all;
  std::map<std::string, std::vector<ScorePair>> by_validator;
  for (const Event& event : events) {
    experience.apply(event);
    if (const std::optional<ScorePair> pair = collector.take(event)) {
      all.push_back(*pair);
      by_validator[event.hotkey].push_back(*pair);
    }
  }
  const auto rule_of = [&](const std::string& hotkey) {
    return send_rule(experience, hotkey, ledger.row(hotkey), config.priors);
  };
  CalibrationDrift drift = compare_halves(all, prior);
  keep_newest(all, kPairsOverall);
  Calibration overall = calibrate(all, prior);
  CalibrationReport report{make_row(std::move(all), std::move(overall), rule_of("")),
                           {},
                           std::move(drift),
                           experience.score_correlation(config.score_correlation)};
  for (auto& [hotkey, pairs] : by_validator) {
    keep_newest(pairs, kPairsPerValidator);
    Calibration fit = calibrate(pairs, report.total.calibration);
    report.validators.emplace(hotkey, make_row(std::move(pairs), std::move(fit), rule_of(hotkey)));
  }
  return report;
}

Json to_json(const CalibrationReport& report, const std::map<std::string, int>& uids) {
  const CorrelationEstimate& learned = report.correlation;
  Json json = {{"validators", Json::array()},
               {"total", row_json(report.total)},
               {"drift", drift_json(report.drift)},
               {"correlation",
                {{"moves", learned.moves},
                 {"measured", learned.measured},
                 {"error", learned.error},
                 {"correlation", learned.correlation}}}};
  for (const auto& [hotkey, row] : report.validators) {
    Json entry = row_json(row);
    const auto uid = uids.find(hotkey);
    entry["uid"] = uid == uids.end() ? -1 : uid->second;
    entry["hotkey"] = hotkey;
    json["validators"].push_back(std::move(entry));
  }
  std::stable_sort(json["validators"].begin(), json["validators"].end(),
                   [](const Json& a, const Json& b) { return a["uid"] < b["uid"]; });
  return json;
}

namespace {

/// "early  40 pairs, 3 rejected, bias +0.012, spread 0.020"
std::string half_line(const char* name, const Json& half) {
  return fmt::format("{:<6}{} pairs, {} rejected, bias {:+.3f}, spread {:.3f}\n", name,
                     half.at("pairs").get<int>(), half.at("rejected").get<int>(),
                     half.at("bias").get<double>(), half.at("spread").get<double>());
}

std::string drift_lines(const Json& drift) {
  return half_line("early", drift.at("early")) + half_line("late", drift.at("late")) +
         fmt::format("the curve {}: theirs minus ours {:+.3f} +- {:.3f} from early to late\n",
                     drift.at("has_moved").get<bool>() ? "has moved" : "has not moved",
                     drift.at("shift").get<double>(), drift.at("error").get<double>());
}

std::string correlation_line(const Json& learned) {
  return fmt::format(
      "judges' preference follows our score by {:.2f} ({})\n",
      learned.at("correlation").get<double>(),
      learned.at("error").get<double>() > 0
          ? fmt::format("{} duels say {:.2f} +- {:.2f}", learned.at("moves").get<int>(),
                        learned.at("measured").get<double>(), learned.at("error").get<double>())
          : fmt::format("assumed; {} duels seen", learned.at("moves").get<int>()));
}

}  // namespace

std::string format_calibration(const Json& report) {
  std::string table =
      fmt::format("{:<14}{:>7}{:>6}{:>8}{:>8}{:>8}{:>8}{:>8}{:>8}{:>8}\n", "validator", "pairs",
                  "rej", "ours", "theirs", "bias", "spread", "margin", "f.acc", "f.rej");
  for (const Json& row : report.at("validators")) {
    const int uid = row.at("uid").get<int>();
    const auto hotkey = row.at("hotkey").get<std::string>();
    table += table_line(uid < 0 ? hotkey : fmt::format("{} {}", uid, hotkey.substr(0, 8)), row);
  }
  table += table_line("total", report.at("total"));
  return table + "\n" + drift_lines(report.at("drift")) +
         correlation_line(report.at("correlation"));
}

std::string calibration_svg(const CalibrationReport& report) {
  const CalibrationRow& row = report.total;
  const Calibration& fit = row.calibration;
  const double threshold = row.pairs.empty() ? kUsualThreshold : row.pairs.back().threshold;
  std::string svg = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} "
      "{1}\" font-family=\"sans-serif\" font-size=\"13\">\n<rect width=\"{0}\" height=\"{1}\" "
      "fill=\"#ffffff\"/>\n",
      kLeft + kSide + kRight, kTop + kSide + kBottom);
  svg += text(kLeft, 22, "start", "The validators' scores by ours",
              " font-size=\"16\" font-weight=\"bold\"");
  svg += text(kLeft, 41, "start",
              fmt::format("{} pairs, {} rejected (orange); bias {:+.3f}, spread {:.3f}, margin "
                          "{:.3f}",
                          fit.pairs, fit.rejected, fit.bias, fit.spread, row.rule.margin),
              " fill=\"#555555\" font-size=\"12\"");
  svg += axes();
  constexpr std::string_view kDashed = "stroke=\"#333333\" stroke-dasharray=\"6 4\"";
  svg += line(0, 0, 1, 1, "stroke=\"#999999\"");
  svg += line(threshold, 0, threshold, 1, kDashed) + line(0, threshold, 1, threshold, kDashed);
  const double safe = std::min(1.0, threshold + row.rule.margin);
  svg += line(safe, 0, safe, 1, "stroke=\"#009E73\" stroke-width=\"2\"");
  svg += dots(row);
  constexpr std::string_view kThin = "stroke=\"#E69F00\" stroke-dasharray=\"2 3\"";
  svg += curve(fit, 0, "stroke=\"#E69F00\" stroke-width=\"2\"");
  svg += curve(fit, fit.spread, kThin) + curve(fit, -fit.spread, kThin);
  svg += halves(report.drift);
  return svg + "</svg>\n";
}

}  // namespace lode::miner

#include "miner/calibration_report.h"

#include <fmt/format.h>

#include <algorithm>
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

CalibrationRow make_row(std::vector<ScorePair> pairs, Calibration calibration) {
  const double margin = safety_margin(calibration, pairs);
  CalibrationRow row{std::move(pairs), std::move(calibration), margin};
  for (const ScorePair& pair : row.pairs) {
    const bool is_above = pair.predicted >= pair.threshold + row.margin;
    row.false_accepts += is_above && !pair.is_accepted() ? 1 : 0;
    row.false_rejects += !is_above && pair.is_accepted() ? 1 : 0;
  }
  return row;
}

Json row_json(const CalibrationRow& row) {
  const Calibration& fit = row.calibration;
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
          {"margin", row.margin},
          {"false_accepts", row.false_accepts},
          {"false_rejects", row.false_rejects},
          {"curve", std::move(curve)}};
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

CalibrationReport compute_calibration(const std::vector<Event>& events,
                                      const CalibrationPrior& prior) {
  PairCollector collector;
  std::vector<ScorePair> all;
  std::map<std::string, std::vector<ScorePair>> by_validator;
  for (const Event& event : events) {
    if (const std::optional<ScorePair> pair = collector.take(event)) {
      all.push_back(*pair);
      by_validator[event.hotkey].push_back(*pair);
    }
  }
  keep_newest(all, kPairsOverall);
  Calibration overall = calibrate(all, prior);
  CalibrationReport report{make_row(std::move(all), std::move(overall)), {}};
  for (auto& [hotkey, pairs] : by_validator) {
    keep_newest(pairs, kPairsPerValidator);
    Calibration fit = calibrate(pairs, report.total.calibration);
    report.validators.emplace(hotkey, make_row(std::move(pairs), std::move(fit)));
  }
  return report;
}

Json to_json(const CalibrationReport& report, const std::map<std::string, int>& uids) {
  Json json = {
      {"target", kMarginTarget}, {"validators", Json::array()}, {"total", row_json(report.total)}};
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

std::string format_calibration(const Json& report) {
  std::string table =
      fmt::format("{:<14}{:>7}{:>6}{:>8}{:>8}{:>8}{:>8}{:>8}{:>8}{:>8}\n", "validator", "pairs",
                  "rej", "ours", "theirs", "bias", "spread", "margin", "f.acc", "f.rej");
  for (const Json& row : report.at("validators")) {
    const int uid = row.at("uid").get<int>();
    const auto hotkey = row.at("hotkey").get<std::string>();
    table += table_line(uid < 0 ? hotkey : fmt::format("{} {}", uid, hotkey.substr(0, 8)), row);
  }
  return table + table_line("total", report.at("total"));
}

std::string calibration_svg(const CalibrationRow& row) {
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
                          fit.pairs, fit.rejected, fit.bias, fit.spread, row.margin),
              " fill=\"#555555\" font-size=\"12\"");
  svg += axes();
  constexpr std::string_view kDashed = "stroke=\"#333333\" stroke-dasharray=\"6 4\"";
  svg += line(0, 0, 1, 1, "stroke=\"#999999\"");
  svg += line(threshold, 0, threshold, 1, kDashed) + line(0, threshold, 1, threshold, kDashed);
  const double safe = std::min(1.0, threshold + row.margin);
  svg += line(safe, 0, safe, 1, "stroke=\"#009E73\" stroke-width=\"2\"");
  svg += dots(row);
  constexpr std::string_view kThin = "stroke=\"#E69F00\" stroke-dasharray=\"2 3\"";
  svg += curve(fit, 0, "stroke=\"#E69F00\" stroke-width=\"2\"");
  svg += curve(fit, fit.spread, kThin) + curve(fit, -fit.spread, kThin);
  return svg + "</svg>\n";
}

}  // namespace lode::miner

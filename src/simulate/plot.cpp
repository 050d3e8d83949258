#include "simulate/plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "simulate/report.h"

namespace lode::simulate {
namespace {

constexpr double kLeft = 74;
constexpr double kTop = 52;
constexpr double kWidth = 760;
constexpr double kHeight = 420;
constexpr double kRight = 26;
constexpr double kBottom = 56;
/// Points of a line: about one every two pixels.
constexpr int kPoints = 400;

/// Colours that stay apart for colour-blind readers (Okabe and Ito's palette).
constexpr std::array kColours{"#D55E00", "#E69F00", "#0072B2", "#009E73"};

/// Data to pixels.
struct Frame {
  double hours;
  double most;
  double x(double hour) const { return kLeft + kWidth * hour / hours; }
  double y(double count) const { return kTop + kHeight * (1 - count / most); }
};

std::string text(double x, double y, std::string_view anchor, std::string_view words,
                 std::string_view more = "") {
  return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\"{}>{}</text>\n", x, y,
                     anchor, more, words);
}

std::string line(double x1, double y1, double x2, double y2, std::string_view style) {
  return fmt::format("<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" {}/>\n", x1, y1,
                     x2, y2, style);
}

std::string axes(const Frame& frame) {
  constexpr std::string_view kGrid = "stroke=\"#dddddd\"";
  constexpr std::string_view kAxis = "stroke=\"#333333\"";
  const double bottom = kTop + kHeight;
  std::string svg;
  const double step = hour_step(frame.hours, 10);
  for (int i = 0; i * step <= frame.hours * 1.0001; ++i) {
    const double x = frame.x(i * step);
    svg += line(x, kTop, x, bottom, kGrid);
    svg += text(x, bottom + 18, "middle", fmt::format("{:g}", i * step));
  }
  const double count_step = std::max(1.0, tick_step(frame.most, 7));
  for (int i = 0; i * count_step <= frame.most; ++i) {
    const double y = frame.y(i * count_step);
    svg += line(kLeft, y, kLeft + kWidth, y, kGrid);
    svg += text(kLeft - 8, y + 4, "end", fmt::format("{:.0f}", i * count_step));
  }
  svg += line(kLeft, kTop, kLeft, bottom, kAxis);
  svg += line(kLeft, bottom, kLeft + kWidth, bottom, kAxis);
  svg += text(kLeft + kWidth / 2, bottom + 40, "middle", "hours after the warm-up");
  svg += text(0, 0, "middle", "accepted results",
              fmt::format(" transform=\"translate(18 {:.1f}) rotate(-90)\"", kTop + kHeight / 2));
  return svg;
}

/// A staircase, sampled where many results would share a pixel.
std::string curve(const Frame& frame, const std::vector<double>& accepted_at,
                  std::string_view colour) {
  std::string points;
  for (int i = 0; i <= kPoints; ++i) {
    const double hour = frame.hours * i / kPoints;
    const auto count =
        std::upper_bound(accepted_at.begin(), accepted_at.end(), hour) - accepted_at.begin();
    points += fmt::format("{:.1f},{:.1f} ", frame.x(hour), frame.y(static_cast<double>(count)));
  }
  return fmt::format("<polyline points=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"2\"/>\n",
                     points, colour);
}

std::string legend_row(int row, std::string_view style, std::string_view words) {
  const double y = kTop + 22 + 20 * row;
  return line(kLeft + 16, y, kLeft + 46, y, style) + text(kLeft + 54, y + 4, "start", words);
}

}  // namespace

double tick_step(double range, int count) {
  const double rough = range / count;
  const double power = std::pow(10, std::floor(std::log10(rough)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= rough * 0.999) {
      return factor * power;
    }
  }
  return 10 * power;
}

double hour_step(double hours, int count) {
  if (hours < count) {
    return tick_step(hours, count);
  }
  for (const double step : {1.0, 2.0, 4.0, 8.0, 12.0}) {
    if (step * count >= hours) {
      return step;
    }
  }
  return 24 * std::max(1.0, tick_step(hours / 24, count));
}

std::string plot_svg(const Config& config, const std::vector<Outcome>& outcomes) {
  double most = 1;
  for (const Outcome& one : outcomes) {
    most = std::max({most, one.bound, static_cast<double>(one.accepted)});
  }
  const Frame frame{config.hours, most * 1.04};
  const double width = kLeft + kWidth + kRight;
  const double height = kTop + kHeight + kBottom;
  std::string svg = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} "
      "{1}\" font-family=\"sans-serif\" font-size=\"13\">\n<rect width=\"{0}\" height=\"{1}\" "
      "fill=\"#ffffff\"/>\n",
      width, height);
  svg += text(kLeft, 22, "start", "Accepted results by policy",
              " font-size=\"16\" font-weight=\"bold\"");
  svg += text(kLeft, 41, "start", describe(config), " fill=\"#555555\" font-size=\"12\"");
  svg += axes(frame);
  const double bound = outcomes.empty() ? 0 : outcomes[0].bound;
  constexpr std::string_view kBoundStyle = "stroke=\"#333333\" stroke-dasharray=\"6 4\"";
  svg += line(frame.x(0), frame.y(0), frame.x(config.hours), frame.y(bound), kBoundStyle);
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    svg += curve(frame, outcomes[i].accepted_at, kColours[i % kColours.size()]);
  }
  svg += fmt::format(
      "<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"300\" height=\"{}\" fill=\"#ffffff\" "
      "fill-opacity=\"0.9\"/>\n",
      kLeft + 8, kTop + 6, 32 + 20 * outcomes.size());
  svg += legend_row(0, kBoundStyle, fmt::format("bound: {:.1f}", bound));
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    const Outcome& one = outcomes[i];
    svg += legend_row(
        static_cast<int>(i) + 1,
        fmt::format("stroke=\"{}\" stroke-width=\"2\"", kColours[i % kColours.size()]),
        fmt::format("{}: {} ({:.1f} % of the bound)", one.policy, one.accepted, 100 * one.ratio));
  }
  return svg + "</svg>\n";
}

}  // namespace lode::simulate

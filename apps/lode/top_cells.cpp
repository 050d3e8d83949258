#include "lode/top_cells.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "lode/top_text.h"

namespace lode::top {

const Json& field(const Json& object, const char* key) {
  static const Json kNull;
  if (!object.is_object()) {
    return kNull;
  }
  const auto found = object.find(key);
  return found == object.end() ? kNull : *found;
}

double number(const Json& object, const char* key, double otherwise) {
  const Json& value = field(object, key);
  const double number = value.is_number() ? value.get<double>() : otherwise;
  return std::isfinite(number) ? std::clamp(number, -1e12, 1e12) : otherwise;
}

std::string text(const Json& object, const char* key) {
  const Json& value = field(object, key);
  return value.is_string() ? value.get<std::string>() : "";
}

bool is_number(const Json& object, const char* key) { return field(object, key).is_number(); }

std::string whole(const Json& object, const char* key) {
  return is_number(object, key) ? fmt::format("{:.0f}", number(object, key)) : "-";
}

std::vector<const Json*> rows(const Json& list) {
  std::vector<const Json*> rows;
  if (list.is_array()) {
    for (const Json& row : list) {
      if (row.is_object()) {
        rows.push_back(&row);
      }
    }
  }
  return rows;
}

std::string seconds_text(double seconds) {
  if (seconds >= 86400) {
    return fmt::format("{:.1f} d", seconds / 86400);
  }
  if (seconds >= 600) {
    const auto minutes = static_cast<std::int64_t>(seconds / 60);
    return minutes < 60 ? fmt::format("{} min", minutes)
                        : fmt::format("{}h{:02}m", minutes / 60, minutes % 60);
  }
  return seconds >= 10 ? fmt::format("{:.0f} s", seconds) : fmt::format("{:.1f} s", seconds);
}

std::string clock_text(const Json& object) {
  const auto at = static_cast<std::time_t>(std::max(0.0, number(object, "at")));
  return fmt::format("{:%H:%M:%S}", fmt::gmtime(at));
}

Style style_of_state(const std::string& state) {
  if (state == "pulling" || state == "submitting" || state == "generating") {
    return Style::busy;
  }
  if (state == "ready" || state == "queued") {
    return Style::good;
  }
  if (state == "cooling" || state == "starting") {
    return Style::waiting;
  }
  return state == "backing_off" ? Style::bad : state == "draining" ? Style::warning : Style::dim;
}

Style style_of_event(const std::string& kind) {
  if (kind == "accepted") {
    return Style::good;
  }
  if (kind.ends_with("_failed") || kind == "rejected") {
    return Style::bad;
  }
  if (kind == "emptied" || kind == "cancelled" || kind == "settled") {
    return Style::warning;
  }
  return kind == "cooldown" || kind == "decided" ? Style::dim : Style::plain;
}

Style style_of_worker(const std::string& state) {
  if (state == "idle") {
    return Style::good;
  }
  if (state == "busy") {
    return Style::busy;
  }
  if (state == "starting" || state == "held") {
    return Style::waiting;
  }
  return state == "trial" ? Style::warning : Style::bad;
}

Lines flow(const std::vector<Span>& pieces, std::size_t width) {
  Lines lines;
  std::size_t used = 0;
  for (const Span& piece : pieces) {
    const std::string shown = fit(piece.text, std::min(width, columns(printable(piece.text))));
    const std::size_t wanted = columns(shown) + 2;
    if (lines.empty() || used + wanted > width) {
      lines.emplace_back();
      used = 0;
    } else {
      lines.back().spans.push_back({"  ", Style::plain});
      used += 2;
    }
    lines.back().spans.push_back({shown, piece.style});
    used += columns(shown);
  }
  return lines;
}

LineOf& LineOf::cell(std::string_view content, std::size_t width, Style style, bool is_right) {
  put(fit(content, std::min(width, left_), is_right), style);
  put(left_ > 0 ? " " : "", Style::plain);
  return *this;
}

Line LineOf::rest(std::string_view content, Style style) {
  put(fit(content, left_), style);
  return std::move(line_);
}

void LineOf::put(std::string text, Style style) {
  left_ -= columns(text);
  line_.spans.push_back({std::move(text), style});
}

}  // namespace lode::top

#include "lode/top_layout.h"

#include <fmt/format.h>

#include <algorithm>

#include "lode/top_cells.h"
#include "lode/top_text.h"

namespace lode::top {
namespace {

/// Results that a validator accepts in four hours at most: one a cooldown of 300 s.
constexpr int kBoundPerValidator = 48;
constexpr std::size_t kKeptEvents = 300;

Lines header(const Model& model, double age_seconds, std::size_t width) {
  const Json& ledger = model.ledger;
  double accepted = 0;
  int served = 0;
  for (const Json* row : rows(field(ledger, "validators"))) {
    accepted += number(*row, "window_count");
    served += text(*row, "state") == "skipped" ? 0 : 1;
  }
  const auto workers = rows(field(ledger, "workers"));
  const auto well = std::count_if(workers.begin(), workers.end(), [](const Json* worker) {
    return style_of_worker(text(*worker, "state")) != Style::bad;
  });
  const std::string hotkey = text(ledger, "hotkey");
  const bool is_ill = static_cast<std::size_t>(well) < workers.size() || workers.empty();
  std::vector<Span> pieces = {
      {"lode top", Style::heading},
      {width >= 100 || hotkey.size() <= 8 ? hotkey : hotkey.substr(0, 8) + "..", Style::plain},
      {fmt::format("accepted in 4 h: {:.0f} of {}", accepted, served * kBoundPerValidator),
       Style::good},
      {fmt::format("queue {}, generating {}", whole(ledger, "queued"), whole(ledger, "generating")),
       Style::plain},
      {fmt::format("workers {} of {}", well, workers.size()), is_ill ? Style::bad : Style::plain}};
  const Json& chain = field(ledger, "chain");
  if (is_number(chain, "age_seconds")) {
    pieces.push_back(
        {"metagraph " + seconds_text(number(chain, "age_seconds") + age_seconds) + " old",
         field(chain, "from_earlier_run") == true ? Style::warning : Style::plain});
  }
  Lines lines = flow(pieces, width);
  for (const std::string& trouble :
       {model.trouble, text(field(ledger, "clock"), "warning"), text(chain, "error")}) {
    if (!trouble.empty()) {
      lines.push_back(LineOf(width).rest(trouble, Style::warning));
    }
  }
  return lines;
}

/// Seconds until something happens to a validator; negative when that is under way.
double wait_of(const Json& row) {
  constexpr double kUnderWay = -1, kNever = 1e12;
  const Style style = style_of_state(text(row, "state"));
  if (style == Style::busy || style == Style::good) {
    return kUnderWay;
  }
  return number(row, "wait_seconds", kNever);
}

std::vector<const Json*> sorted(const Model& model, Sort sort) {
  std::vector<const Json*> validators = rows(field(model.ledger, "validators"));
  const auto key = [sort](const Json& row) {
    switch (sort) {
      case Sort::next:
        return wait_of(row);
      case Sort::uid:
        return number(row, "uid");
      case Sort::stake:
        return -number(row, "stake");
      case Sort::accepted:
        return -number(row, "accepted");
    }
    return 0.0;
  };
  std::stable_sort(validators.begin(), validators.end(), [&](const Json* a, const Json* b) {
    return std::pair(key(*a), number(*a, "uid")) < std::pair(key(*b), number(*b, "uid"));
  });
  return validators;
}

std::size_t selected_row(const std::vector<const Json*>& validators, const std::string& hotkey) {
  const auto found = std::find_if(validators.begin(), validators.end(),
                                  [&](const Json* row) { return text(*row, "hotkey") == hotkey; });
  return found == validators.end() ? 0 : static_cast<std::size_t>(found - validators.begin());
}

const char* name_of(Sort sort) {
  switch (sort) {
    case Sort::next:
      return "next";
    case Sort::uid:
      return "uid";
    case Sort::stake:
      return "stake";
    case Sort::accepted:
      return "accepted";
  }
  return "";
}

// The columns that only wider terminals have room for.
constexpr std::size_t kWithCounts = 60, kWithStake = 90;

Line table_heading(std::size_t width) {
  constexpr Style h = Style::heading;
  LineOf line(width);
  line.right("uid", 5, h).cell("state", 11, h).right("next", 7, h).right("4 h", 5, h);
  if (width >= kWithCounts) {
    line.right("accepted", 8, h).right("rejected", 8, h);
  }
  if (width >= kWithStake) {
    line.right("score", 5, h).right("stake", 10, h);
  }
  return line.rest("why", h);
}

Line table_row(const Json& row, bool is_selected, std::size_t width, double age_seconds) {
  const std::string state = text(row, "state");
  const Style style = style_of_state(state);
  const std::string wait =
      is_number(row, "wait_seconds")
          ? seconds_text(std::max(0.0, number(row, "wait_seconds") - age_seconds))
          : "-";
  LineOf line(width);
  line.right((is_selected ? ">" : "") + whole(row, "uid"), 5).cell(state, 11, style);
  line.right(wait, 7, style).right(whole(row, "window_count"), 5);
  if (width >= kWithCounts) {
    line.right(whole(row, "accepted"), 8, Style::plain);
    line.right(whole(row, "rejected"), 8,
               number(row, "rejected") > 0 ? Style::warning : Style::plain);
  }
  if (width >= kWithStake) {
    const bool has_score = is_number(row, "mean_score");
    line.right(has_score ? fmt::format("{:.2f}", number(row, "mean_score")) : "-", 5);
    line.right(whole(row, "stake"), 10);
  }
  std::string why = text(row, "reason");
  if (const std::string error = text(row, "last_error"); !error.empty()) {
    why += " | last error: " + error;
  }
  if (field(row, "looks_copied") == true) {
    why += " | " + text(row, "hint");
  }
  Line made = line.rest(why, style == Style::bad ? Style::bad : Style::plain);
  made.is_selected = is_selected;
  return made;
}

/// A heading and `height - 1` rows around the selected one.
Lines table(const Model& model, const View& view, std::size_t width, std::size_t height,
            double age_seconds) {
  Lines lines = {table_heading(width)};
  const auto validators = sorted(model, view.sort);
  if (validators.empty()) {
    lines.push_back(LineOf(width).rest("  no validators are known yet", Style::dim));
    return lines;
  }
  const std::size_t shown = std::min(height - 1, validators.size());
  const std::size_t selected = selected_row(validators, view.selected);
  const std::size_t first =
      std::min(selected - std::min(selected, shown / 2), validators.size() - shown);
  for (std::size_t i = first; i < first + shown; ++i) {
    lines.push_back(table_row(*validators[i], i == selected, width, age_seconds));
  }
  return lines;
}

Lines workers_pane(const Model& model, std::size_t width, std::size_t height) {
  constexpr Style h = Style::heading;
  Lines lines = {LineOf(width)
                     .cell("worker", 24, h)
                     .cell("state", 9, h)
                     .right("running", 7, h)
                     .right("made", 6, h)
                     .right("failed", 6, h)
                     .right("each", 7, h)
                     .rest("")};
  for (const Json* worker : rows(field(model.ledger, "workers"))) {
    if (lines.size() == height) {
      break;
    }
    const std::string state = text(*worker, "state");
    const bool has_seconds = is_number(*worker, "seconds");
    const Style failed = number(*worker, "failed") > 0 ? Style::warning : Style::plain;
    lines.push_back(LineOf(width)
                        .cell(text(*worker, "name"), 24)
                        .cell(state, 9, style_of_worker(state))
                        .right(whole(*worker, "running") + "/" + whole(*worker, "concurrency"), 7)
                        .right(whole(*worker, "finished"), 6)
                        .right(whole(*worker, "failed"), 6, failed)
                        .right(has_seconds ? seconds_text(number(*worker, "seconds")) : "-", 7)
                        .rest(text(*worker, "reason"), Style::warning));
  }
  return lines;
}

Lines events_pane(const Model& model, std::size_t width, std::size_t height) {
  Lines lines = {LineOf(width).rest("newest events (UTC)", Style::heading)};
  auto events = rows(model.events);
  std::reverse(events.begin(), events.end());
  for (const Json* event : events) {
    if (lines.size() >= height) {
      break;
    }
    const std::string kind = text(*event, "kind");
    std::string what = text(*event, "task_id").substr(0, 8);
    const std::string detail = text(*event, "detail");  // says the score, where there is one
    if (!detail.empty()) {
      what += (what.empty() ? "" : " ") + detail;
    } else if (is_number(*event, "score")) {
      what += fmt::format("{}score {:.3f}", what.empty() ? "" : " ", number(*event, "score"));
    }
    lines.push_back(LineOf(width)
                        .cell(clock_text(*event), 8, Style::dim)
                        .right(whole(*event, "uid"), 5)
                        .cell(kind, 17, style_of_event(kind))
                        .rest(what));
  }
  return lines;
}

/// The decisions about the validator `row`, newest first, each in as many lines as it takes.
Lines decisions(const Model& model, const Json& row, std::size_t width) {
  constexpr std::size_t kReasonAt = 21;
  Lines lines;
  if (text(model.trail, "hotkey") != text(row, "hotkey")) {  // another one's is still there
    lines.push_back(LineOf(width).rest("reading...", Style::dim));
    return lines;
  }
  auto entries = rows(field(model.trail, "trail"));
  std::reverse(entries.begin(), entries.end());
  for (const Json* entry : entries) {
    bool is_first = true;
    for (const std::string& part : wrap(text(*entry, "reason"), width - kReasonAt)) {
      const std::string state = is_first ? text(*entry, "state") : "";
      lines.push_back(LineOf(width)
                          .cell(is_first ? clock_text(*entry) : "", 8, Style::dim)
                          .cell(state, 11, style_of_state(state))
                          .rest(part));
      is_first = false;
    }
  }
  if (lines.empty()) {
    lines.push_back(LineOf(width).rest("no decisions are known", Style::dim));
  }
  return lines;
}

Json selected_validator(const Model& model, const View& view) {
  const auto validators = sorted(model, view.sort);
  return validators.empty() ? Json() : *validators[selected_row(validators, view.selected)];
}

Lines explanation(const Model& model, const View& view, std::size_t width, std::size_t height) {
  const Json row = selected_validator(model, view);
  Lines lines = decisions(model, row, width);
  const std::size_t shown = std::min(height - 1, lines.size());
  const std::size_t first = std::min(view.scroll, lines.size() - shown);
  Lines out = {LineOf(width).rest(fmt::format("validator {} ({}): decisions, newest first (UTC)",
                                              whole(row, "uid"), text(row, "hotkey")),
                                  Style::heading)};
  for (std::size_t i = first; i < first + shown; ++i) {
    out.push_back(std::move(lines[i]));
  }
  return out;
}

/// Table, workers and events in `height` lines: a small terminal shows the table alone.
Lines panes(const Model& model, const View& view, std::size_t width, std::size_t height,
            double age_seconds) {
  constexpr std::size_t kSmallestWithPanes = 14;
  if (height < kSmallestWithPanes) {
    return table(model, view, width, height, age_seconds);
  }
  const std::size_t n_validators = rows(field(model.ledger, "validators")).size();
  const std::size_t n_workers = rows(field(model.ledger, "workers")).size();
  const std::size_t for_workers = std::min(1 + n_workers, height / 4);
  const std::size_t for_events = height / 4 + 1;
  const std::size_t for_table =
      std::min(1 + std::max<std::size_t>(n_validators, 1), height - for_workers - for_events - 2);
  Lines lines = table(model, view, width, for_table, age_seconds);
  for (Lines pane : {workers_pane(model, width, for_workers),
                     events_pane(model, width, height - for_table - for_workers - 2)}) {
    lines.emplace_back();
    std::move(pane.begin(), pane.end(), std::back_inserter(lines));
  }
  return lines;
}

}  // namespace

Sort after(Sort sort) {
  switch (sort) {
    case Sort::next:
      return Sort::uid;
    case Sort::uid:
      return Sort::stake;
    case Sort::stake:
      return Sort::accepted;
    case Sort::accepted:
      break;
  }
  return Sort::next;
}

Lines layout(const Model& model, const View& view, Size size, double age_seconds) {
  const auto width = static_cast<std::size_t>(std::max(size.width, 0));
  const auto height = static_cast<std::size_t>(std::max(size.height, 0));
  if (size.width < kSmallest.width || size.height < kSmallest.height) {
    Lines lines;
    const std::string message = fmt::format("lode top needs {}x{}, this is {}x{}", kSmallest.width,
                                            kSmallest.height, size.width, size.height);
    for (const std::string& part : wrap(message, std::max<std::size_t>(width, 2))) {
      if (lines.size() < height) {
        lines.push_back(LineOf(width).rest(part, Style::warning));
      }
    }
    return lines;
  }
  Lines lines = header(model, age_seconds, width);
  constexpr std::size_t kLeastBody = 3;  // a heading, a row, and the keys
  lines.resize(std::min(lines.size(), height - kLeastBody));
  const std::size_t left = height - lines.size() - 1;
  Lines body = view.is_explaining ? explanation(model, view, width, left)
                                  : panes(model, view, width, left, age_seconds);
  body.resize(left);
  std::move(body.begin(), body.end(), std::back_inserter(lines));
  const std::string keys =
      view.is_explaining ? "q quit  Esc back  arrows scroll"
                         : fmt::format("q quit  s sort: {}  arrows  e explain", name_of(view.sort));
  lines.push_back(LineOf(width).rest(keys, Style::dim));
  return lines;
}

std::vector<std::string> hotkeys(const Model& model, Sort sort) {
  std::vector<std::string> hotkeys;
  for (const Json* row : sorted(model, sort)) {
    hotkeys.push_back(text(*row, "hotkey"));
  }
  return hotkeys;
}

View moved(const Model& model, View view, int by) {
  const auto validators = sorted(model, view.sort);
  if (!validators.empty()) {
    const auto last = static_cast<std::ptrdiff_t>(validators.size()) - 1;
    const auto now = static_cast<std::ptrdiff_t>(selected_row(validators, view.selected));
    const auto then = std::clamp<std::ptrdiff_t>(now + by, 0, last);
    view.selected = text(*validators[static_cast<std::size_t>(then)], "hotkey");
  }
  return view;
}

std::size_t explanation_lines(const Model& model, const View& view, Size size) {
  const auto width = static_cast<std::size_t>(std::max(size.width, kSmallest.width));
  return decisions(model, selected_validator(model, view), width).size();
}

std::optional<std::uint64_t> take_events(Model& model, const Json& reply,
                                         std::optional<std::uint64_t> asked_since) {
  const Json& next = field(reply, "next");
  if (!next.is_number_unsigned() ||
      next.get<std::uint64_t>() < asked_since.value_or(0)) {  // numbers began anew
    return std::nullopt;
  }
  if (!asked_since) {
    model.events = Json::array();
  }
  for (const Json* event : rows(field(reply, "events"))) {
    model.events.push_back(*event);
  }
  if (model.events.size() > kKeptEvents) {
    const auto spare = static_cast<std::ptrdiff_t>(model.events.size() - kKeptEvents);
    model.events.erase(model.events.begin(), model.events.begin() + spare);
  }
  return next.get<std::uint64_t>();
}

std::string plain_text(const Lines& lines) {
  std::string out;
  for (const Line& line : lines) {
    std::string text;
    for (const Span& span : line.spans) {
      text += span.text;
    }
    text.erase(text.find_last_not_of(' ') + 1);
    out += text + "\n";
  }
  return out;
}

}  // namespace lode::top

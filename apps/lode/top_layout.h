// What `lode top` shows: a miner's JSON to lines of coloured text, without a terminal.
#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace lode::top {

/// What a piece of text means; the terminal chooses the colour.
enum class Style { plain, heading, dim, good, busy, waiting, warning, bad };

struct Span {
  std::string text;  ///< printable UTF-8, as top::printable() gives it
  Style style = Style::plain;
};

struct Line {
  std::vector<Span> spans;
  bool is_selected = false;
};

/// Orders of the validators.
enum class Sort {
  next,     ///< by what happens next: work under way, then the shortest wait, then who is skipped
  uid,      ///< ascending
  stake,    ///< largest first
  accepted  ///< most first
};
Sort after(Sort sort);  ///< the order that the key for it changes to

/// What the miner last said. Its content is foreign: nothing about it is relied on.
struct Model {
  nlohmann::json ledger;  ///< of GET /api/ledger; null before the first answer
  nlohmann::json events = nlohmann::json::array();  ///< of GET /api/events, oldest first
  nlohmann::json trail;  ///< of GET /api/validators/X/trail; null while none is known
  std::string trouble;   ///< shown in a line of its own; empty: none
};

/// What the person at the keys has chosen.
struct View {
  Sort sort = Sort::next;
  std::string selected;  ///< hotkey; the first row while it is empty or gone
  bool is_explaining = false;
  std::size_t scroll = 0;  ///< lines of the explanation that are above the screen
};

struct Size {
  int width = 0;
  int height = 0;
};
inline constexpr Size kSmallest{40, 8};

/// At most `size.height` lines of at most `size.width` columns; the last one names the keys. A
/// smaller terminal than kSmallest is told so. `age_seconds`: since the ledger was read; waits go
/// on from there. A scroll beyond the end is that to the end.
std::vector<Line> layout(const Model& model, const View& view, Size size, double age_seconds);

/// Hotkeys in the order in which layout() shows the validators.
std::vector<std::string> hotkeys(const Model& model, Sort sort);

/// `view` with the selection moved by `rows` (negative: up), held at both ends.
View moved(const Model& model, View view, int rows);

/// Lines that the explanation of the selected validator has: its scroll ends there.
std::size_t explanation_lines(const Model& model, const View& view, Size size);

/// Takes a reply of GET /api/events into `model`, keeping the newest few hundred. Returns what to
/// ask for next time, or nothing when the miner was started again and `asked_since` is too far.
std::optional<std::uint64_t> take_events(Model& model, const nlohmann::json& reply,
                                         std::optional<std::uint64_t> asked_since);

/// Lines as text: no colours, no spaces at the ends of lines.
std::string plain_text(const std::vector<Line>& lines);

}  // namespace lode::top

// lode top: a running miner on a terminal.
#define NCURSES_NOMACROS  // or `move`, `erase` and `timeout` would be macros
#include <curses.h>
#include <langinfo.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <clocale>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <string_view>

#include "lode/commands.h"
#include "lode/top_layout.h"
#include "lode/top_poller.h"
#include "lode/top_text.h"

namespace lode::commands {
namespace {

struct TopOptions {
  std::string http = "127.0.0.1:8090";
  bool once = false;
  top::Size size{100, 30};  ///< of the one frame
};

/// Foreground by style, in the order of top::Style; -1: the terminal's own.
constexpr std::array<int, 8> kColours{
    -1, -1, -1, COLOR_GREEN, COLOR_CYAN, COLOR_YELLOW, COLOR_MAGENTA, COLOR_RED};

/// The terminal as curses holds it; given back when this ends, by whatever way.
class Screen {
 public:
  /// Empty when the terminal is of no kind that curses knows.
  static std::unique_ptr<Screen> open() {
    SCREEN* screen = newterm(nullptr, stdout, stdin);
    return screen == nullptr ? nullptr : std::unique_ptr<Screen>(new Screen(screen));
  }
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;
  ~Screen() {
    endwin();
    delscreen(screen_);
  }

  static top::Size size() { return {getmaxx(stdscr), getmaxy(stdscr)}; }

  void draw(const std::vector<top::Line>& lines) const {
    werase(stdscr);
    int y = 0;
    for (const top::Line& line : lines) {
      wmove(stdscr, y++, 0);
      for (const top::Span& span : line.spans) {
        wattrset(stdscr, attributes(span.style) | (line.is_selected ? A_REVERSE : 0));
        waddstr(stdscr, (is_utf8_ ? span.text : top::ascii_only(span.text)).c_str());
      }
    }
    wattrset(stdscr, A_NORMAL);
    wrefresh(stdscr);
  }

 private:
  explicit Screen(SCREEN* screen)
      : screen_(screen), is_utf8_(std::string_view(nl_langinfo(CODESET)) == "UTF-8") {
    constexpr int kKeyWaitMilliseconds = 100, kEscapeMilliseconds = 25;
    raw();  // Ctrl-C comes as a key
    noecho();
    nonl();
    curs_set(0);
    keypad(stdscr, true);
    set_escdelay(kEscapeMilliseconds);
    wtimeout(stdscr, kKeyWaitMilliseconds);
    if (has_colors()) {
      start_color();
      use_default_colors();
      for (std::size_t i = 0; i < kColours.size(); ++i) {
        init_pair(static_cast<short>(i + 1), static_cast<short>(kColours[i]), -1);
      }
    }
  }

  static int attributes(top::Style style) {
    const int pair = has_colors() ? COLOR_PAIR(static_cast<int>(style) + 1) : 0;
    return pair | (style == top::Style::heading ? A_BOLD : style == top::Style::dim ? A_DIM : 0);
  }

  SCREEN* screen_;
  bool is_utf8_;
};

/// The hotkey of the row that is highlighted; empty when there is none.
std::string selected_in(const top::Model& model, const top::View& view) {
  return top::moved(model, view, 0).selected;
}

/// What a key does. False: to end.
bool on_key(int key, const top::Model& model, top::View& view) {
  constexpr int kCtrlC = 3, kEscape = 27;
  const bool is_up = key == KEY_UP || key == KEY_PPAGE;
  const int step = key == KEY_PPAGE || key == KEY_NPAGE ? 10 : 1;
  switch (key) {
    case 'q':
    case kCtrlC:
      return false;
    case 's':
      view.sort = view.is_explaining ? view.sort : top::after(view.sort);
      break;
    case 'e':
    case '\r':
    case '\n':
    case KEY_ENTER:
      view.selected = selected_in(model, view);
      view.is_explaining = !view.selected.empty();
      view.scroll = 0;
      break;
    case kEscape:
      view.is_explaining = false;
      break;
    case KEY_UP:
    case KEY_DOWN:
    case KEY_PPAGE:
    case KEY_NPAGE:
      if (view.is_explaining) {
        const std::size_t most = top::explanation_lines(model, view, Screen::size());
        const auto by = static_cast<std::size_t>(step);
        view.scroll =
            is_up ? view.scroll - std::min(view.scroll, by) : std::min(view.scroll + by, most);
      } else {
        view = top::moved(model, view, is_up ? -step : step);
      }
      break;
    default:
      break;
  }
  return true;
}

int watch(net::Endpoint miner) {
  if (isatty(STDIN_FILENO) == 0 || isatty(STDOUT_FILENO) == 0) {
    std::cerr << "lode: lode top draws on a terminal, and there is none: --once prints one frame\n";
    return cli::kUsage;
  }
  if (std::setlocale(LC_CTYPE, "") == nullptr) {
    std::setlocale(LC_CTYPE, "C");
  }
  const auto screen = Screen::open();
  if (screen == nullptr) {
    const char* term = std::getenv("TERM");
    std::cerr << "lode: TERM=" << (term == nullptr ? "" : term)
              << ": no terminal that can be drawn on: --once prints one frame\n";
    return cli::kUsage;
  }
  TopPoller poller(std::move(miner));
  top::View view;
  for (bool is_going = true; is_going;) {
    const TopPoller::Reading reading = poller.reading();
    const std::chrono::duration<double> age = std::chrono::steady_clock::now() - reading.at;
    screen->draw(top::layout(*reading.model, view, Screen::size(), age.count()));
    const int key = wgetch(stdscr);
    is_going = key == ERR || on_key(key, *reading.model, view);
    poller.explain(view.is_explaining ? view.selected : "");
  }
  return cli::kDone;
}

int show(const TopOptions& options) {
  auto miner = net::parse_endpoint(options.http);
  if (!miner) {
    return cli::report(miner.error());
  }
  if (!options.once) {
    return watch(*std::move(miner));
  }
  const auto model = fetch_model(*miner);
  if (!model) {
    return cli::report(model.error());
  }
  std::cout << top::plain_text(top::layout(*model, {}, options.size, 0));
  return cli::kDone;
}

}  // namespace

void add_top(CLI::App& app, cli::Action& chosen) {
  constexpr int kLargest = 1000;
  auto options = std::make_shared<TopOptions>();
  CLI::App* command = app.add_subcommand("top", "Watch a running miner on the terminal");
  command->add_option("--http", options->http, "HOST:PORT of the miner")->capture_default_str();
  auto* once = command->add_flag("--once", options->once, "Print one frame as text and end");
  command->add_option("--width", options->size.width, "Columns of that frame")
      ->capture_default_str()
      ->check(CLI::Range(1, kLargest))
      ->needs(once);
  command->add_option("--height", options->size.height, "Lines of that frame")
      ->capture_default_str()
      ->check(CLI::Range(1, kLargest))
      ->needs(once);
  command->callback([options, &chosen] { chosen = [options] { return show(*options); }; });
}

}  // namespace lode::commands

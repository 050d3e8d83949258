#include "lode/top_layout.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lode/top_text.h"

namespace lode::top {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

json validator(int uid, const char* state, json wait, double stake, int accepted) {
  return {{"uid", uid},         {"hotkey", "5Hot" + std::to_string(uid)},
          {"state", state},     {"wait_seconds", std::move(wait)},
          {"stake", stake},     {"accepted", accepted},
          {"rejected", 1},      {"window_count", accepted / 2},
          {"mean_score", 0.75}, {"reason", "reason of " + std::to_string(uid)},
          {"last_error", ""}};
}

Model model() {
  Model model;
  model.ledger = {{"hotkey", "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHp"},
                  {"queued", 3},
                  {"generating", 2},
                  {"chain", {{"age_seconds", 12.0}, {"error", ""}}},
                  {"clock", {{"warning", ""}}},
                  {"workers", json::array({{{"name", "local 0"},
                                            {"state", "busy"},
                                            {"reason", ""},
                                            {"running", 1},
                                            {"concurrency", 1},
                                            {"finished", 40},
                                            {"failed", 0},
                                            {"seconds", 2.5}}})},
                  {"validators", json::array({validator(4, "cooling", 100.0, 50, 8),
                                              validator(3, "skipped", nullptr, 900, 0),
                                              validator(9, "generating", nullptr, 20, 30),
                                              validator(2, "backing_off", 20.0, 70, 10)})}};
  model.events = json::array({{{"at", 3661.5},
                               {"uid", 9},
                               {"kind", "assigned"},
                               {"task_id", "0123456789"},
                               {"detail", "a red mug"}},
                              {{"at", 3700.0}, {"uid", 4}, {"kind", "accepted"}, {"score", 0.8}}});
  return model;
}

std::string frame(const Model& model, Size size, const View& view = {}, double age = 0) {
  return plain_text(layout(model, view, size, age));
}

const Line* line_with(const std::vector<Line>& lines, const std::string& text) {
  for (const Line& line : lines) {
    if (plain_text({line}).find(text) != std::string::npos) {
      return &line;
    }
  }
  return nullptr;
}

TEST(TopLayout, StaysWithinEverySize) {
  Model full = model();
  full.trouble = "no answer from 127.0.0.1:1, trying again";
  full.trail = {{"hotkey", "5Hot9"}, {"trail", json::array({{{"reason", std::string(500, 'x')}}})}};
  for (int i = 0; i < 60; ++i) {
    full.ledger["validators"].push_back(validator(100 + i, "cooling", i, 1, 1));
    full.ledger["workers"].push_back({{"name", std::string(60, 'w')}, {"state", "unhealthy"}});
    full.events.push_back(full.events[0]);
  }
  for (const Model& shown : {Model(), model(), full}) {
    for (const bool is_explaining : {false, true}) {
      for (int width = 0; width <= 130; width += width < 45 ? 1 : 7) {
        for (const int height : {0, 1, 2, 7, 8, 9, 13, 14, 18, 19, 24, 60}) {
          const auto lines = layout(shown, {Sort::next, "", is_explaining, 7}, {width, height}, 1);
          ASSERT_LE(lines.size(), static_cast<std::size_t>(height));
          for (const Line& line : lines) {
            std::size_t used = 0;
            for (const Span& span : line.spans) {
              used += columns(span.text);
            }
            ASSERT_LE(used, static_cast<std::size_t>(width)) << plain_text({line});
          }
          if (width >= 40 && height >= 8) {
            ASSERT_THAT(plain_text({lines.back()}), HasSubstr("q quit"));
          }
        }
      }
    }
  }
}

TEST(TopLayout, SaysThatATerminalIsTooSmall) {
  EXPECT_THAT(frame(model(), {39, 20}), HasSubstr("needs 40x8, this is 39x20"));
  EXPECT_THAT(frame(model(), {80, 7}), HasSubstr("needs 40x8, this is 80x7"));
  EXPECT_THAT(frame(model(), {40, 8}), Not(HasSubstr("needs")));
}

TEST(TopLayout, SumsUpTheMiner) {
  const std::string text = frame(model(), {120, 30});
  EXPECT_THAT(text, HasSubstr("5GrwvaEF5zXb26Fz9rcQpDWS57CtERHp"));
  EXPECT_THAT(text, HasSubstr("accepted in 4 h: 24 of 144"));  // the skipped one is not served
  EXPECT_THAT(text, HasSubstr("queue 3, generating 2"));
  EXPECT_THAT(text, HasSubstr("workers 1 of 1"));
  EXPECT_THAT(text, HasSubstr("metagraph 12 s old"));
  EXPECT_THAT(text, HasSubstr("local 0"));
  EXPECT_THAT(frame(model(), {80, 30}), HasSubstr(" 5GrwvaEF..  "));
}

TEST(TopLayout, WarnsOfClocksAndSilence) {
  Model ill = model();
  ill.trouble = "no answer from 127.0.0.1:8090, trying again";
  ill.ledger["clock"]["warning"] = "this clock is 9 s ahead";
  ill.ledger["workers"][0]["state"] = "unhealthy";
  const auto lines = layout(ill, {}, {120, 30}, 0);
  ASSERT_NE(line_with(lines, "this clock is 9 s ahead"), nullptr);
  EXPECT_EQ(line_with(lines, "this clock is 9 s ahead")->spans[0].style, Style::warning);
  EXPECT_NE(line_with(lines, "no answer from 127.0.0.1:8090"), nullptr);
  EXPECT_NE(line_with(lines, "workers 0 of 1"), nullptr);
  // What was known goes on being shown.
  EXPECT_NE(line_with(lines, "reason of 9"), nullptr);
}

TEST(TopLayout, SortsByWhatHappensNext) {
  EXPECT_THAT(hotkeys(model(), Sort::next), ElementsAre("5Hot9", "5Hot2", "5Hot4", "5Hot3"));
  EXPECT_THAT(hotkeys(model(), Sort::uid), ElementsAre("5Hot2", "5Hot3", "5Hot4", "5Hot9"));
  EXPECT_THAT(hotkeys(model(), Sort::stake), ElementsAre("5Hot3", "5Hot2", "5Hot4", "5Hot9"));
  EXPECT_THAT(hotkeys(model(), Sort::accepted), ElementsAre("5Hot9", "5Hot2", "5Hot4", "5Hot3"));
}

TEST(TopLayout, GoesThroughEveryOrder) {
  Sort sort = Sort::next;
  for (const Sort expected : {Sort::uid, Sort::stake, Sort::accepted, Sort::next}) {
    sort = after(sort);
    EXPECT_EQ(sort, expected);
    EXPECT_THAT(frame(model(), {80, 20}, {sort, "", false, 0}), HasSubstr("sort: "));
  }
}

TEST(TopLayout, CountsWaitsDownBetweenReadings) {
  EXPECT_THAT(frame(model(), {120, 30}), HasSubstr("100 s"));
  const std::string later = frame(model(), {120, 30}, {}, 30.4);
  EXPECT_THAT(later, HasSubstr(" 70 s"));
  EXPECT_THAT(later, HasSubstr(" 0.0 s"));  // not below
  EXPECT_THAT(later, HasSubstr("metagraph 42 s old"));
}

TEST(TopLayout, ColoursByState) {
  const auto lines = layout(model(), {}, {120, 30}, 0);
  const auto style_of = [&](const std::string& state) {
    for (const Line& line : lines) {
      for (const Span& span : line.spans) {
        if (span.text.starts_with(state)) {
          return span.style;
        }
      }
    }
    return Style::plain;
  };
  EXPECT_EQ(style_of("generating "), Style::busy);
  EXPECT_EQ(style_of("cooling"), Style::waiting);
  EXPECT_EQ(style_of("backing_off"), Style::bad);
  EXPECT_EQ(style_of("skipped"), Style::dim);
  EXPECT_EQ(style_of("accepted  "), Style::good);
}

TEST(TopLayout, FollowsTheSelection) {
  View view;
  view = moved(model(), view, 1);
  EXPECT_EQ(view.selected, "5Hot2");
  EXPECT_EQ(moved(model(), view, -5).selected, "5Hot9");
  EXPECT_EQ(moved(model(), view, 50).selected, "5Hot3");
  EXPECT_EQ(moved(Model(), view, 1).selected, "5Hot2");
  const auto lines = layout(model(), view, {120, 30}, 0);
  EXPECT_TRUE(line_with(lines, "reason of 2")->is_selected);
  EXPECT_FALSE(line_with(lines, "reason of 9")->is_selected);
  view.selected = "5Gone";
  EXPECT_TRUE(line_with(layout(model(), view, {120, 30}, 0), "reason of 9")->is_selected);
}

TEST(TopLayout, KeepsTheSelectedRowInView) {
  Model many = model();
  for (int i = 0; i < 200; ++i) {
    many.ledger["validators"].push_back(validator(1000 + i, "cooling", 200.0 + i, 1, 1));
  }
  for (const char* hotkey : {"5Hot9", "5Hot1000", "5Hot1100", "5Hot1199", "5Hot3"}) {
    const View view{Sort::next, hotkey, false, 0};
    const auto lines = layout(many, view, {60, 16}, 0);
    EXPECT_EQ(
        std::count_if(lines.begin(), lines.end(), [](const Line& l) { return l.is_selected; }), 1)
        << hotkey;
  }
}

TEST(TopLayout, ShowsTheNewestEventFirst) {
  const std::string text = frame(model(), {120, 30});
  EXPECT_THAT(text, HasSubstr("01:01:01     9 assigned          01234567 a red mug"));
  EXPECT_LT(text.find("01:01:40"), text.find("01:01:01"));
}

TEST(TopLayout, ExplainsTheSelectedValidator) {
  Model asked = model();
  View view{Sort::next, "5Hot4", true, 0};
  EXPECT_THAT(frame(asked, {60, 12}, view), HasSubstr("reading"));
  json trail = json::array();
  for (int i = 0; i < 30; ++i) {
    trail.push_back({{"at", 60 * i}, {"state", "cooling"}, {"reason", "why " + std::to_string(i)}});
  }
  asked.trail = {{"uid", 4}, {"hotkey", "5Hot4"}, {"trail", trail}};
  const std::string text = frame(asked, {60, 12}, view);
  EXPECT_THAT(text, HasSubstr("validator 4 (5Hot4)"));
  EXPECT_LT(text.find("why 29"), text.find("why 28"));
  EXPECT_EQ(explanation_lines(asked, view, {60, 12}), 30U);
  view.scroll = 1000;
  EXPECT_THAT(frame(asked, {60, 12}, view), HasSubstr("why 0\n"));
  view.selected = "5Hot2";  // the trail is still that of another
  EXPECT_THAT(frame(asked, {60, 12}, view), Not(HasSubstr("why")));
}

TEST(TopLayout, LeavesNoEscapeSequencesOfTheMiner) {
  Model foreign = model();
  const std::string evil = "\x1b]0;title\x07\x1b[2J\xc2\x9b\r\n\xff";
  foreign.trouble = evil;
  foreign.ledger["hotkey"] = evil;
  foreign.ledger["clock"]["warning"] = evil;
  foreign.ledger["chain"]["error"] = evil;
  for (const char* key : {"state", "reason", "last_error", "hint"}) {
    foreign.ledger["validators"][0][key] = evil;
  }
  foreign.ledger["validators"][0]["looks_copied"] = true;
  for (const char* key : {"name", "state", "reason"}) {
    foreign.ledger["workers"][0][key] = evil;
  }
  for (const char* key : {"kind", "task_id", "detail"}) {
    foreign.events[0][key] = evil;
  }
  foreign.trail = {{"hotkey", evil}, {"trail", json::array({{{"state", evil}, {"reason", evil}}})}};
  foreign.ledger["validators"][0]["hotkey"] = evil;
  for (const bool is_explaining : {false, true}) {
    for (const Line& line : layout(foreign, {Sort::uid, evil, is_explaining, 0}, {200, 40}, 0)) {
      for (const Span& span : line.spans) {
        EXPECT_EQ(span.text, printable(span.text));
      }
    }
  }
}

TEST(TopLayout, SurvivesAnythingInPlaceOfALedger) {
  const json things[] = {nullptr, 1, "x", json::array({1, "x", nullptr}), json::object()};
  for (const json& thing : things) {
    Model odd;
    odd.ledger = odd.events = odd.trail = thing;
    EXPECT_FALSE(frame(odd, {80, 24}).empty());
    odd = model();
    for (const char* key : {"validators", "workers", "chain", "clock", "hotkey", "queued"}) {
      odd.ledger[key] = thing;
    }
    EXPECT_FALSE(frame(odd, {80, 24}).empty());
    odd.ledger["validators"] = json::array(
        {thing, {{"uid", thing}, {"state", thing}, {"wait_seconds", thing}, {"stake", 1e300}}});
    EXPECT_FALSE(frame(odd, {120, 24}, {Sort::stake, "", true, 0}).empty());
  }
}

TEST(TopLayout, FollowsEventsAndNoticesANewMiner) {
  Model model;
  const auto reply = [](std::uint64_t next, int n) {
    json events = json::array();
    for (int i = 0; i < n; ++i) {
      events.push_back({{"kind", "accepted"}, {"seq", i}});
    }
    return json{{"next", next}, {"events", events}};
  };
  EXPECT_EQ(take_events(model, reply(100, 100), {}), 100U);
  EXPECT_EQ(take_events(model, reply(103, 3), 100), 103U);
  EXPECT_EQ(model.events.size(), 103U);
  EXPECT_EQ(take_events(model, reply(903, 800), 103), 903U);
  EXPECT_EQ(model.events.size(), 300U);
  EXPECT_EQ(take_events(model, reply(5, 0), 903), std::nullopt);
  EXPECT_EQ(take_events(model, reply(5, 5), {}), 5U);
  EXPECT_EQ(model.events.size(), 5U);
  EXPECT_EQ(take_events(model, json("x"), 5), std::nullopt);
}

}  // namespace
}  // namespace lode::top

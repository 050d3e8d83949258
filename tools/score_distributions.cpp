// Draws the distributions of the sandbox's scores for right and for wrong answers.
//
//   score_distributions --pairs 400 --csv scores.csv --svg docs/images/score_distributions.svg
//
// Right answers are what a miner with the sketch would send: the prompt's scene, or a lift of the
// prompt's picture, from another seed than the reference. Wrong ones show another noun or clearly
// another colour. Every answer goes through preconditioning and the SPZ bytes.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cstdio>
#include <string>
#include <vector>

#include "base/encoding.h"
#include "base/file.h"
#include "base/rng.h"
#include "sandbox/scorer.h"
#include "sandbox/tasks.h"
#include "splat/precondition.h"
#include "splat/spz.h"

namespace {

using namespace lode;

constexpr double kThreshold = 0.6;
constexpr int kPictureSide = 288;

enum class Answer { right, other_noun, other_colour };

struct Series {
  subnet::Task::Type type;
  Answer answer;
  const char* name;
  std::vector<double> scores;

  double share_above() const {
    const auto above = std::count_if(scores.begin(), scores.end(),
                                     [](double score) { return score >= kThreshold; });
    return scores.empty() ? 0 : static_cast<double>(above) / static_cast<double>(scores.size());
  }
};

// ---- measuring ---------------------------------------------------------------------------------

std::string packed(const splat::GaussianCloud& cloud, Rng& rng) {
  const auto conditioned = splat::precondition(cloud, rng);
  const Result<Bytes> spz =
      conditioned ? splat::encode_spz(*conditioned) : Result<Bytes>(conditioned.error());
  return spz ? base64_encode(*spz) : std::string();
}

sketch::SceneSpec in_colour(sketch::SceneSpec scene, std::string_view colour) {
  scene.subject.colours = {std::string(colour)};
  scene.subject.material.clear();
  return scene;
}

// What is asked for and what is shown.
struct Pair {
  sketch::SceneSpec wanted, shown;
};

Pair draw_pair(const Series& series, Rng& rng) {
  static constexpr std::array<std::string_view, 4> kWarm = {"red", "orange", "yellow", "pink"};
  static constexpr std::array<std::string_view, 4> kCold = {"blue", "green", "teal", "purple"};
  const bool is_text = series.type == subnet::Task::Type::text;
  const auto draw_scene = [&] {
    const sketch::SceneSpec drawn = sketch::random_scene(rng);
    return is_text ? drawn : sandbox::picture_scene(drawn);
  };
  const Answer answer = series.answer;
  const sketch::SceneSpec scene = draw_scene();
  if (answer == Answer::right)
    return {scene, scene};
  if (answer == Answer::other_colour) {  // of the whole scene: the subject alone
    sketch::SceneSpec alone = scene;
    alone.relation = sketch::Relation::none;
    alone.other = {};
    const auto warm = in_colour(alone, kWarm[rng.below(kWarm.size())]);
    const auto cold = in_colour(alone, kCold[rng.below(kCold.size())]);
    return rng.uniform() < 0.5 ? Pair{warm, cold} : Pair{cold, warm};
  }
  sketch::SceneSpec other = scene;
  while (other.subject.noun == scene.subject.noun) other = draw_scene();
  return {scene, other};
}

double measure(const Series& series, Rng& rng) {
  const Pair pair = draw_pair(series, rng);
  sandbox::TaskPlan plan;
  plan.type = series.type;
  plan.scene = pair.wanted;
  plan.reference_seed = rng.next();
  plan.picture_side = kPictureSide;
  const sandbox::SandboxTask task = sandbox::prepare(plan);
  if (series.type == subnet::Task::Type::text) {
    const auto answer = packed(sketch::build(pair.shown, rng.next()), rng);
    return sandbox::score_submission(task, answer).value;
  }
  // A right answer lifts the prompt's own picture, a wrong one a picture of something else.
  plan.scene = pair.shown;
  const sandbox::SandboxTask shown = series.answer == Answer::right ? task : sandbox::prepare(plan);
  const auto cloud =
      sketch::lift(sandbox::reference_picture(shown.reference, kPictureSide), rng.next());
  return cloud ? sandbox::score_submission(task, packed(*cloud, rng)).value : 0;
}

// ---- drawing -----------------------------------------------------------------------------------

constexpr int kBins = 25;
constexpr int kPanelWidth = 420;
constexpr int kPanelHeight = 220;
constexpr int kMargin = 46;

std::string colour_of(Answer answer) {
  switch (answer) {
    case Answer::right:
      return "#2a9d6f";
    case Answer::other_noun:
      return "#d1495b";
    case Answer::other_colour:
      return "#edae49";
  }
  return "#000000";
}

// One series as translucent bars from `left`, `bottom` upwards, the share of a bin as height.
std::string bars(const Series& series, double left, double bottom, double full_height) {
  std::array<int, kBins> counts{};
  for (const double score : series.scores) {
    ++counts[std::clamp(static_cast<int>(score * kBins), 0, kBins - 1)];
  }
  std::string svg;
  const double width = static_cast<double>(kPanelWidth) / kBins;
  for (int bin = 0; bin < kBins; ++bin) {
    if (counts[bin] == 0)
      continue;
    const double share = counts[bin] / static_cast<double>(series.scores.size());
    const double height = std::min(1.0, share / full_height) * kPanelHeight;
    svg += fmt::format(
        R"(<rect x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}" fill="{}" fill-opacity="0.55"/>)"
        "\n",
        left + bin * width, bottom - height, width - 1, height, colour_of(series.answer));
  }
  return svg;
}

std::string text(double x, double y, std::string_view anchor, std::string_view words) {
  return fmt::format(R"(<text x="{:.1f}" y="{:.1f}" text-anchor="{}">{}</text>)"
                     "\n",
                     x, y, anchor, words);
}

std::string panel(const std::vector<Series>& all, subnet::Task::Type type, std::string_view title,
                  double left) {
  const double top = 30;
  const double bottom = top + kPanelHeight;
  std::string svg = text(left, top - 10, "start", title);
  double legend = top + 14;
  for (const Series& series : all) {
    if (series.type != type)
      continue;
    svg += bars(series, left, bottom, 0.4);
    svg += fmt::format(R"(<rect x="{:.1f}" y="{:.1f}" width="10" height="10" fill="{}"/>)"
                       "\n",
                       left + 8, legend - 9, colour_of(series.answer));
    svg += text(left + 24, legend, "start",
                fmt::format("{}: {:.1f} % accepted of {}", series.name, 100 * series.share_above(),
                            series.scores.size()));
    legend += 16;
  }
  const double threshold = left + kThreshold * kPanelWidth;
  svg += fmt::format(
      R"(<line x1="{0:.1f}" y1="{1:.1f}" x2="{0:.1f}" y2="{2:.1f}" stroke="#333" stroke-dasharray="4 3"/>)"
      "\n"
      R"(<line x1="{3:.1f}" y1="{2:.1f}" x2="{4:.1f}" y2="{2:.1f}" stroke="#333"/>)"
      "\n",
      threshold, top, bottom, left, left + kPanelWidth);
  for (int tick = 0; tick <= 5; ++tick) {
    svg += text(left + tick * kPanelWidth / 5.0, bottom + 16, "middle",
                fmt::format("{:.1f}", tick / 5.0));
  }
  return svg + text(left + kPanelWidth / 2.0, bottom + 32, "middle", "score");
}

std::string plot(const std::vector<Series>& all) {
  const int width = 2 * kPanelWidth + 3 * kMargin;
  const int height = kPanelHeight + 76;
  std::string svg = fmt::format(
      R"(<svg xmlns="http://www.w3.org/2000/svg" width="{0}" height="{1}" viewBox="0 0 {0} {1}" font-family="sans-serif" font-size="12">)"
      "\n"
      R"(<rect width="{0}" height="{1}" fill="#ffffff"/>)"
      "\n",
      width, height);
  svg += panel(all, subnet::Task::Type::text, "Text prompts", kMargin);
  svg += panel(all, subnet::Task::Type::image, "Picture prompts", 2 * kMargin + kPanelWidth);
  return svg + "</svg>\n";
}

std::string csv(const std::vector<Series>& all) {
  std::string rows = "task,answer,score\n";
  for (const Series& series : all) {
    for (const double score : series.scores) {
      rows +=
          fmt::format("{},{},{:.4f}\n", series.type == subnet::Task::Type::text ? "text" : "image",
                      series.name, score);
    }
  }
  return rows;
}

}  // namespace

int main(int argc, char** argv) {
  int pairs = 400;
  std::uint64_t seed = 1;
  std::string csv_path;
  std::string svg_path;
  CLI::App app("Distributions of the sandbox's scores for right and wrong answers");
  app.add_option("--pairs", pairs, "Pairs for each kind of answer")->capture_default_str();
  app.add_option("--seed", seed)->capture_default_str();
  app.add_option("--csv", csv_path, "Every score");
  app.add_option("--svg", svg_path, "The plot");
  CLI11_PARSE(app, argc, argv);

  using Type = subnet::Task::Type;
  std::vector<Series> all = {{Type::text, Answer::right, "right", {}},
                             {Type::text, Answer::other_noun, "other object", {}},
                             {Type::text, Answer::other_colour, "other colour", {}},
                             {Type::image, Answer::right, "right", {}},
                             {Type::image, Answer::other_noun, "other object", {}},
                             {Type::image, Answer::other_colour, "other colour", {}}};
  for (Series& series : all) {
    Rng rng = Rng(seed).fork(series.name);
    for (int i = 0; i < pairs; ++i) series.scores.push_back(measure(series, rng));
    fmt::print("{:5} {:13} {:5.1f} % of {} at or above {}\n",
               series.type == Type::text ? "text" : "image", series.name,
               100 * series.share_above(), pairs, kThreshold);
    std::fflush(stdout);
  }
  for (const auto& [path, content] :
       {std::pair{csv_path, csv(all)}, std::pair{svg_path, plot(all)}}) {
    if (path.empty())
      continue;
    if (const auto written = write_file(path, as_bytes(content)); !written) {
      fmt::print(stderr, "{}\n", written.error().message());
      return 1;
    }
  }
  return 0;
}

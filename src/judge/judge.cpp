#include "judge/judge.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "cutout/cutout.h"
#include "judge/view.h"
#include "sketch/sketch.h"
#include "splat/checks.h"
#include "splat/spz.h"

namespace lode::judge {
namespace {

constexpr int kThumbnailSide = 64;
constexpr int kDistinctViews = 15;  // the validators' sixteenth repeats the first

// How much each likeness counts: exponents of their product. Calibrated so that 0.6 separates right
// answers from wrong ones; README.md has the distributions.
struct Exponents {
  double silhouette, structure, colour;
};
constexpr Exponents kAllRound{0.75, 1, 2.5};
constexpr Exponents kFront{0.4, 0.5, 1.5};  // what a picture does not show is free to differ
// Floor of a view's value in the geometric mean: one blank view does not decide alone.
constexpr double kLeastValue = 0.01;
// Weight of the views from behind, against 1 from the front, when a picture shows the front.
constexpr double kBackWeight = 0.05;

// Seeds of the objects that judge_text holds submissions against. Objects of one description differ
// by seed in proportions and pose (a windmill's rotor, say), and nobody knows which one a validator
// has in mind: the least likeness is what can be counted on.
constexpr std::array<std::uint64_t, 3> kReferenceSeeds{0x1ED6E, 0xA2C1, 0x77E03};
constexpr std::size_t kReferenceGaussians = 10'000;  // enough for thumbnails

// Thinner than this (deviation in depth against the larger one across), a cloud is a billboard.
constexpr double kLeastDepth = 0.06;

double value_of(const Likeness& likeness, Emphasis emphasis) {
  const Exponents& e = emphasis == Emphasis::front ? kFront : kAllRound;
  return std::pow(likeness.silhouette, e.silhouette) * std::pow(likeness.structure, e.structure) *
         std::pow(likeness.colour, e.colour);
}

double weight_of(Emphasis emphasis, int view) {
  if (emphasis == Emphasis::all_round)
    return 1;
  const double angle = 2 * std::numbers::pi * view / kDistinctViews;
  const double facing = std::max(0.0, std::cos(angle));
  return kBackWeight + (1 - kBackWeight) * facing * facing;
}

splat::Scene framed(splat::Scene scene) {
  splat::frame(scene);
  return scene;
}

// Deviation along the line of sight of azimuth 0 against the larger of those across it.
double relative_depth(const splat::Scene& scene) {
  glm::dvec3 sum(0);
  glm::dvec3 squares(0);
  double weights = 0;
  for (std::size_t i = 0; i < scene.size(); ++i) {
    const glm::dvec3 p(scene.positions[i]);
    const double weight = scene.opacities[i];
    sum += weight * p;
    squares += weight * p * p;
    weights += weight;
  }
  if (weights <= 0)
    return 0;
  const glm::dvec3 mean = sum / weights;
  const glm::dvec3 variance = glm::max(squares / weights - mean * mean, glm::dvec3(0));
  const double across = std::max(variance.x, variance.y);
  return across > 0 ? std::sqrt(variance.z / across) : 0;
}

bool is_zstd(ByteView file) {
  return file.size() >= 4 && file[0] == 0x28 && file[1] == 0xB5 && file[2] == 0x2F &&
         file[3] == 0xFD;
}

/// Draws small views of scenes, one after the other.
class Painter {
 public:
  Cutout draw(const splat::Scene& scene, const render::Camera& camera) {
    render::Frame frame;
    renderer_.draw(scene, camera, {.background = glm::vec3(0)}, frame);
    return cutout_of(std::move(frame));
  }

 private:
  ThreadPool alone_{1};
  render::Renderer renderer_{alone_};
};

Verdict refused(const Error& error) {
  Verdict verdict;
  verdict.reason = "refused: " + error.context;
  return verdict;
}

Error cancelled() { return fail(Errc::cancelled, "judging was cancelled"); }

}  // namespace

Comparison compare(const splat::Scene& candidate, const splat::Scene& reference,
                   const CompareOptions& options) {
  Comparison result;
  const splat::Scene left = framed(candidate), right = framed(reference);
  Painter painter;
  const std::vector<render::Camera> cameras = render::validator_cameras(kThumbnailSide);
  double log_sum = 0;
  double weights = 0;
  for (int view = 0; view < kDistinctViews && !options.stop.stop_requested(); ++view) {
    const Likeness likeness = compare_views(describe(painter.draw(left, cameras[view])),
                                            describe(painter.draw(right, cameras[view])));
    const double value = value_of(likeness, options.emphasis);
    const double weight = weight_of(options.emphasis, view);
    result.views.push_back(value);
    log_sum += weight * std::log(std::max(value, kLeastValue));
    weights += weight;
    if (options.on_view)
      options.on_view();
  }
  result.score = std::exp(log_sum / weights);
  return result;
}

Result<splat::Scene> open_submission(ByteView spz) {
  if (!is_zstd(spz))
    return fail(Errc::unsupported, "SPZ: a zstd frame expected");
  LODE_TRY(const splat::GaussianCloud cloud, splat::decode_spz(spz));
  splat::Scene scene = splat::activate(cloud);
  const splat::CheckReport report = splat::check(scene);
  if (!report.valid()) {
    return fail(Errc::invalid_input, fmt::format("{}", fmt::join(report.reasons, "; ")));
  }
  return scene;
}

namespace {

// The comparison with the drawing of `scene`, of several seeds, that the candidate is least like.
Comparison least_likeness(const splat::Scene& candidate, const sketch::SceneSpec& scene,
                          const std::stop_token& stop) {
  Comparison least;
  least.score = 1;
  for (const std::uint64_t seed : kReferenceSeeds) {
    const splat::Scene reference = splat::activate(
        sketch::build(scene, seed, {.gaussians = kReferenceGaussians, .stop = stop}));
    if (stop.stop_requested())
      break;
    Comparison comparison = compare(candidate, reference, {.stop = stop});
    if (comparison.score <= least.score)
      least = std::move(comparison);
  }
  return least;
}

}  // namespace

Result<Verdict> judge_text(ByteView spz, std::string_view prompt, const std::stop_token& stop) {
  if (stop.stop_requested())
    return cancelled();
  const Result<splat::Scene> candidate = open_submission(spz);
  return candidate ? judge_text(*candidate, prompt, stop) : refused(candidate.error());
}

Result<Verdict> judge_text(const splat::Scene& candidate, std::string_view prompt,
                           const std::stop_token& stop) {
  if (stop.stop_requested())
    return cancelled();
  const sketch::Understanding understood = sketch::parse_prompt(prompt);
  Verdict verdict;
  const std::string unknown =
      understood.unknown_words.empty()
          ? std::string()
          : fmt::format(", unknown words: {}", fmt::join(understood.unknown_words, ", "));
  if (understood.confidence <= 0) {
    verdict.reason = "the object of the prompt is not in the vocabulary" + unknown;
    return verdict;
  }
  Comparison comparison = least_likeness(candidate, understood.scene, stop);
  if (stop.stop_requested())
    return cancelled();
  verdict.alignment = comparison.score;
  verdict.score = comparison.score * understood.confidence;
  verdict.views = std::move(comparison.views);
  verdict.reason = fmt::format(
      "{:.3f}: least likeness {:.3f} to drawings of the prompt, understood to {:.0f} %{}",
      verdict.score, verdict.alignment, 100 * understood.confidence, unknown);
  return verdict;
}

Result<Verdict> judge_image(ByteView spz, const image::Image& prompt, const std::stop_token& stop) {
  if (stop.stop_requested())
    return cancelled();
  const Result<splat::Scene> candidate = open_submission(spz);
  return candidate ? judge_image(*candidate, prompt, stop) : refused(candidate.error());
}

Result<Verdict> judge_image(const splat::Scene& candidate, const image::Image& prompt,
                            const std::stop_token& stop) {
  if (stop.stop_requested())
    return cancelled();
  Verdict verdict;
  // A photo's subject is found as the sketch's backend finds it; failing that, by the border.
  const Result<cutout::Cutout> subject = cutout::subject_of(prompt, stop);
  const View wanted = describe(cutout_of(subject ? subject->picture : prompt, 2 * kThumbnailSide));
  if (wanted.area <= 0) {
    verdict.reason = "no subject found in the prompt's picture";
    return verdict;
  }
  const splat::Scene scene = framed(candidate);
  Painter painter;
  render::Orbit orbit;
  orbit.size = kThumbnailSide;
  // The picture's own elevation is not known; the views of a generator from the front are these.
  for (const float elevation : {0.0F, -7.5F, -15.0F}) {
    if (stop.stop_requested())
      return cancelled();
    orbit.elevation_deg = elevation;
    const View seen = describe(painter.draw(scene, render::orbit_camera(orbit)));
    verdict.views.push_back(value_of(compare_views(seen, wanted), Emphasis::front));
  }
  verdict.alignment = *std::max_element(verdict.views.begin(), verdict.views.end());
  const double depth = relative_depth(scene);
  verdict.score = verdict.alignment * std::min(1.0, depth / kLeastDepth);
  verdict.reason = fmt::format(
      "{:.3f}: likeness {:.3f} to the picture from the front, depth {:.2f}{}", verdict.score,
      verdict.alignment, depth, depth < kLeastDepth ? " (a billboard)" : "");
  return verdict;
}

}  // namespace lode::judge

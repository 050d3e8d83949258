#include "dream/multiview.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/assert.h"
#include "dream/silhouette.h"
#include "fit/fit.h"

namespace lode::dream {
namespace {

constexpr std::size_t kFewestViews = 2;
/// A view is contradicted when less of its silhouette lies where the others allow anything.
constexpr double kLeastAgreement = 0.7;
/// Points that are asked for it: enough for a share to a few percent.
constexpr int kAgreementGrid = 48;
constexpr std::uint8_t kSolidAlpha = 128;
/// Weight of the subject's own picture in the shell's colours, beside 1 of a sampled view.
constexpr float kPictureColourWeight = 4;

std::string name_of(const render::Orbit& orbit) {
  return fmt::format("the view from azimuth {:.0f}, elevation {:.0f}", orbit.azimuth_deg,
                     orbit.elevation_deg);
}

Result<void> check(const SampledView& view) {
  const render::Orbit& orbit = view.orbit;
  if (view.picture.width != orbit.size || view.picture.height != orbit.size || orbit.size < 16) {
    return fail(
        Errc::invalid_input,
        fmt::format("{}: the picture has {}x{} pixels, expected {}x{}, at least 16", name_of(orbit),
                    view.picture.width, view.picture.height, orbit.size, orbit.size));
  }
  const bool is_sound = std::isfinite(orbit.azimuth_deg) && std::abs(orbit.elevation_deg) <= 90 &&
                        orbit.radius > 0 && orbit.radius < 1e3F && orbit.fov_deg >= 1 &&
                        orbit.fov_deg <= 150;
  if (!is_sound) {
    return fail(Errc::invalid_input,
                fmt::format("{}: radius {}, field of view {}: expected a finite azimuth, an "
                            "elevation of -90..90, a radius of 0..1000 and 1..150 degrees",
                            name_of(orbit), orbit.radius, orbit.fov_deg));
  }
  return {};
}

/// The views that a fit is made of. The subject's own picture, where there is one, comes last.
struct Views {
  fit::Dataset dataset;
  std::vector<std::size_t> sampled;
  bool has_picture = false;

  std::vector<std::size_t> all() const {
    std::vector<std::size_t> out = sampled;
    if (has_picture) {
      out.push_back(dataset.views.size() - 1);
    }
    return out;
  }
};

/// The share of a view's silhouette that lies inside what the other silhouettes leave.
double agreement(const fit::Dataset& dataset, const std::vector<std::size_t>& views,
                 std::size_t which) {
  std::vector<std::size_t> others = views;
  std::erase(others, which);
  const fit::Place place = fit::find_place(dataset, views);
  const fit::View& view = dataset.views[which];
  // The others' hull as the view would show it, on a coarse raster.
  const int cells = kAgreementGrid;
  const auto cell = [&](glm::ivec2 at) {
    return static_cast<std::size_t>(at.y * cells / view.camera.height * cells +
                                    at.x * cells / view.camera.width);
  };
  std::vector<std::uint8_t> allowed(static_cast<std::size_t>(cells) * cells, 0);
  for (int i = 0; i < 8 * cells * cells * cells; ++i) {
    const glm::vec3 unit(i % (2 * cells), i / (2 * cells) % (2 * cells), i / (4 * cells * cells));
    const glm::vec3 point =
        place.centre + place.radius * ((unit + 0.5F) / static_cast<float>(cells) - 1.0F);
    const auto here = render::pixel_of(view.camera, point);
    if (!here || allowed[cell(*here)] != 0) {
      continue;
    }
    const bool may_be = std::all_of(others.begin(), others.end(), [&](std::size_t other) {
      const auto there = render::pixel_of(dataset.views[other].camera, point);
      return !there || dataset.views[other].picture.at(there->x, there->y)[3] >= kSolidAlpha;
    });
    allowed[cell(*here)] = may_be ? 1 : 0;
  }
  std::size_t subject = 0, agreed = 0;
  for (int y = 0; y < view.picture.height; ++y) {
    for (int x = 0; x < view.picture.width; ++x) {
      if (view.picture.at(x, y)[3] >= kSolidAlpha) {
        ++subject;
        agreed += allowed[cell({x, y})];
      }
    }
  }
  return subject > 0 ? static_cast<double>(agreed) / static_cast<double>(subject) : 0;
}

/// The least agreement of any of the views.
double least_agreement(const fit::Dataset& dataset, const std::vector<std::size_t>& views) {
  double least = 1;
  for (const std::size_t which : views) {
    least = std::min(least, agreement(dataset, views, which));
  }
  return least;
}

/// While views contradict each other, the sampled one goes without which the rest agrees best. Two
/// views always remain.
void leave_out_contradicted(Views& views, std::vector<std::string>& notes) {
  while (views.all().size() > kFewestViews &&
         least_agreement(views.dataset, views.all()) < kLeastAgreement) {
    std::size_t worst = views.sampled.front();
    double best = -1;
    for (const std::size_t which : views.sampled) {
      std::vector<std::size_t> rest = views.all();
      std::erase(rest, which);
      if (const double left = least_agreement(views.dataset, rest); left > best) {
        best = left;
        worst = which;
      }
    }
    notes.push_back(fmt::format("{} is left out: it contradicts the other views' silhouettes",
                                views.dataset.views[worst].name));
    std::erase(views.sampled, worst);
  }
}

Result<Views> gather(const Subject& subject, std::span<const SampledView> sampled,
                     const ViewFitOptions& options, std::vector<std::string>& notes) {
  Views views;
  for (const SampledView& view : sampled) {
    LODE_CHECK(check(view));
    auto silhouette = take_off_white(view.picture);
    if (!silhouette) {
      notes.push_back(
          fmt::format("{} is left out: {}", name_of(view.orbit), silhouette.error().context));
      continue;
    }
    views.sampled.push_back(views.dataset.views.size());
    views.dataset.views.push_back({name_of(view.orbit), render::orbit_camera(view.orbit),
                                   std::move(silhouette->picture), false});
  }
  if (views.sampled.size() < kFewestViews) {
    std::string all;
    for (const std::string& note : notes) {
      all += "; " + note;
    }
    return fail(Errc::invalid_input,
                fmt::format("{} of {} sampled views can be used, expected {} "
                            "at least{}",
                            views.sampled.size(), sampled.size(), kFewestViews, all));
  }
  if (subject.picture.width > 0 && options.picture_turns > 0) {
    render::Orbit orbit = sampled.front().orbit;
    orbit.azimuth_deg = 0;
    orbit.elevation_deg = subject.elevation_deg;
    views.dataset.views.push_back({"the subject's picture", render::orbit_camera(orbit),
                                   image::resize(subject.picture, orbit.size, orbit.size), true});
    views.has_picture = true;
  }
  leave_out_contradicted(views, notes);
  return views;
}

splat::GaussianCloud first_cloud(const Views& views, const ViewFitOptions& options, const Rng& rng,
                                 ThreadPool& pool) {
  const std::vector<std::size_t> all = views.all();
  if (options.start == ViewStart::shell) {
    std::vector<float> weights(all.size(), 1.0F);
    if (views.has_picture) {
      weights.back() = kPictureColourWeight;
    }
    auto cloud = shell_cloud(views.dataset, all, weights, options.shell, rng.fork("shell"), pool);
    if (cloud.size() >= options.shell.gaussians / 10) {
      return cloud;
    }
  }
  const fit::StartOptions start{.gaussians = options.shell.gaussians};
  if (options.start == ViewStart::ball) {
    fit::Dataset bare = views.dataset;
    for (fit::View& view : bare.views) {
      view.picture = image::composite_over(view.picture, {255, 255, 255});
    }
    return fit::start_cloud(bare, all, start, rng.fork("start"));
  }
  return fit::start_cloud(views.dataset, all, start, rng.fork("start"));
}

Time now(const ViewFitOptions& options) {
  return options.clock != nullptr ? options.clock->now() : Time{};
}

/// Steps until the schedule or the time is over.
Result<void> run(fit::Fitter& fitter, const ViewFitOptions& options, Time begun, ViewFit& result) {
  const auto elapsed = [&] { return to_seconds(now(options) - begun); };
  Pace pace(options.steps, options.budget);
  while (!fitter.is_done() && pace.may_step(elapsed())) {
    if (options.stop.stop_requested()) {
      return fail(Errc::cancelled, "fit of sampled views: stopped");
    }
    const double start = elapsed();
    pace.advance(start);
    LODE_TRY(const fit::StepReport report, fitter.step());
    pace.observe(elapsed() - start);
    result.steps = report.iteration;
    const int of = report.iteration + pace.steps_left(elapsed());
    if (pace.is_compressed()) {
      fitter.end_at(of);
    }
    if (options.progress) {
      options.progress(report.iteration, of);
    }
  }
  if (result.steps < options.steps) {
    result.notes.push_back(
        fmt::format("the time allowed {} of {} steps", result.steps, options.steps));
  }
  return {};
}

fit::FitOptions schedule(const ViewFitOptions& options, float extent) {
  fit::FitOptions how = fit::standard_options(options.steps, extent);
  how.densify.max_gaussians = options.most_gaussians;
  how.position_rate_first *= options.position_rate;
  how.position_rate_last *= options.position_rate;
  how.regularisation = options.regularisation;
  how.regularisation.extent = extent;
  how.slack = options.slack;
  return how;
}

}  // namespace

Result<ViewFit> fit_views(const Subject& subject, std::span<const SampledView> sampled,
                          const ViewFitOptions& options, ThreadPool& pool) {
  if (sampled.empty() || sampled.size() > kMostSampledViews) {
    return fail(Errc::invalid_input,
                fmt::format("{} sampled views, expected 1..{}", sampled.size(), kMostSampledViews));
  }
  LODE_ASSERT(options.budget.seconds <= 0 || options.clock != nullptr, "a budget has a clock");
  const Time begun = now(options);
  ViewFit result;
  LODE_TRY(Views views, gather(subject, sampled, options, result.notes));
  result.views = static_cast<int>(views.sampled.size());
  const Rng rng(options.seed);
  const std::vector<std::size_t> all = views.all();
  std::vector<std::size_t> turns = all;
  for (int turn = 1; turn < options.picture_turns && views.has_picture; ++turn) {
    turns.push_back(all.back());
  }
  const float extent = fit::find_place(views.dataset, all).extent;
  fit::Fitter fitter({views.dataset, turns, first_cloud(views, options, rng, pool)},
                     schedule(options, extent), rng.fork("fit"), pool);
  LODE_CHECK(run(fitter, options, begun, result));
  result.cloud = fitter.cloud();
  return result;
}

}  // namespace lode::dream

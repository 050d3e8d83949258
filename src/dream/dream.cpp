#include "dream/dream.h"

#include <new>
#include <utility>

#include "render/render.h"

namespace lode::dream {
namespace {

void tell(const DreamOptions& options, const Optimiser& optimiser, const Subject& subject,
          const Preset& preset, const StepReport& step, ThreadPool& pool) {
  if (!options.progress) {
    return;
  }
  const bool has_preview =
      options.preview_interval > 0 && step.number % options.preview_interval == 0;
  if (!has_preview) {
    options.progress({step, nullptr});
    return;
  }
  const image::Image picture =
      preview(optimiser.cloud(), subject, preset, options.preview_size, pool);
  options.progress({step, &picture});
}

/// What a user should know of how the schedule went.
void add_notes(const Preset& preset, const StepReport& last, Report& report) {
  if (report.steps < preset.iters) {
    report.notes.push_back("the time allowed " + std::to_string(report.steps) + " of " +
                           std::to_string(preset.iters) + " steps, to " +
                           std::to_string(static_cast<int>(100 * last.progress)) +
                           " % of the schedule");
  }
  if (report.dropped_steps > 0) {
    report.notes.push_back(std::to_string(report.dropped_steps) +
                           " steps were dropped: a loss or a derivative was not finite");
  }
}

}  // namespace

image::Image preview(const splat::GaussianCloud& cloud, const Subject& subject,
                     const Preset& preset, int size, ThreadPool& pool) {
  const splat::Scene scene = splat::activate(cloud, splat::own_colours(cloud));
  render::Renderer renderer(pool);
  render::Frame frame;
  std::vector<image::Image> pictures;
  for (const int azimuth : {0, -135}) {
    render::Orbit orbit = known_orbit(subject, preset);
    orbit.azimuth_deg = static_cast<float>(azimuth);
    orbit.size = size;
    renderer.draw(scene, render::orbit_camera(orbit), {}, frame);
    pictures.push_back(render::to_image(frame));
  }
  return image::tile(pictures, 2, 0, {0, 0, 0});
}

Result<Outcome> dream(const Subject& subject, const Preset& preset, Guidance* guidance,
                      const DreamOptions& options, ThreadPool& pool) {
  LODE_TRY(Optimiser optimiser,
           Optimiser::begin(subject, preset, guidance, options.optimiser, pool));
  StepReport last;
  while (!optimiser.is_done()) {
    LODE_TRY(last, optimiser.step(options.stop));
    tell(options, optimiser, subject, preset, last, pool);
  }
  Outcome outcome{.cloud = optimiser.best(), .report = optimiser.report()};
  add_notes(preset, last, outcome.report);
  if (options.with_finish) {
    const Clock* clock = options.optimiser.clock;
    const Time begun = clock != nullptr ? clock->now() : Time{};
    try {
      LODE_TRY(outcome.cloud, finish(outcome.cloud, options.finish, pool, &outcome.finish));
    } catch (const std::bad_alloc&) {
      return fail(Errc::out_of_resource, "not enough memory to finish a cloud");
    }
    outcome.report.seconds.finish = clock != nullptr ? to_seconds(clock->now() - begun) : 0;
  }
  return outcome;
}

}  // namespace lode::dream

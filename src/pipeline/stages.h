// The steps between a request and a splat as interfaces, each of which several things can do.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cutout/cutout.h"
#include "dream/guidance.h"
#include "image/image.h"
#include "splat/cloud.h"

namespace lode::pipeline {

/// How far a stage is. What it points to lives until the call returns.
struct StageProgress {
  std::string_view stage;  ///< "paint", "cutout", "lift", "score"
  int step = 0;            ///< done; 0 where only the preview is new
  int of = 0;              ///< 0 where nobody knows
  std::optional<double> loss;
  std::size_t gaussians = 0;              ///< 0 where there are none yet
  const image::Image* preview = nullptr;  ///< what it looks like so far
};

/// Called on the thread that the stage runs on.
using ProgressSink = std::function<void(const StageProgress&)>;

/// What every stage is told besides its input.
struct StageContext {
  std::uint64_t seed = 0;  ///< the stage's own: the same input and seed give the same result
  std::stop_token stop{};
  ProgressSink progress{};      ///< may be empty
  bool wants_previews = false;  ///< whether progress is worth pictures
};

/// What all stages have in common. Used by one thread at a time (StageKeeper sees to it).
class Stage {
 public:
  virtual ~Stage() = default;

  /// As settings and reports call it: "flux", "birefnet", "dream".
  virtual std::string_view name() const = 0;

  /// The most bytes of weights that a run loads, and that may stay until release(). 0 for a stage
  /// without weights.
  virtual std::uint64_t weight_bytes() const { return 0; }

  /// Drops the weights; the next run loads them again. Not during a run.
  virtual void release() {}
};

/// A painted picture and what was done otherwise than asked.
struct Painting {
  image::Image picture;  ///< RGB or RGBA
  std::vector<std::string> notes;
};

/// Prompt to picture.
class Painter : public Stage {
 public:
  /// Errc::cancelled soon after a stop was requested, Errc::out_of_resource for lack of memory,
  /// damaged weights as their loader reports them.
  virtual Result<Painting> paint(std::string_view prompt, const StageContext& context) = 0;
};

/// Picture to its subject, framed on transparent ground.
class Cutter : public Stage {
 public:
  /// RGBA, square. Errc::invalid_input where there is no subject to be found, else as
  /// Painter::paint.
  virtual Result<cutout::Cutout> cut(const image::Image& picture, const StageContext& context) = 0;
};

struct Lifted {
  splat::GaussianCloud cloud;
  std::vector<std::string> notes;
};

/// Subject to splat.
class Lifter : public Stage {
 public:
  virtual bool needs_picture() const = 0;  ///< else it needs the prompt

  /// Errc::invalid_input when the subject lacks what is needed, else as Painter::paint.
  virtual Result<Lifted> lift(const dream::Subject& subject, const StageContext& context) = 0;
};

}  // namespace lode::pipeline

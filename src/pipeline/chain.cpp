#include "pipeline/chain.h"

#include <fmt/format.h>

#include <utility>

#include "base/assert.h"
#include "base/rng.h"
#include "image/codec.h"
#include "render/camera.h"
#include "render/render.h"
#include "splat/precondition.h"

namespace lode::pipeline {
namespace {

/// How often a picture of which nothing can be cut out is painted again.
constexpr int kRepaints = 1;

Error in_stage(std::string_view kind, const Stage& stage, const Error& error) {
  return annotate(error, fmt::format("{} '{}'", kind, stage.name()));
}

}  // namespace

/// One request on its way.
class ChainBackend::Run {
 public:
  Run(ChainBackend& chain, const Request& request, std::stop_token stop,
      const ProgressSink& progress)
      : stages_(chain.stages_),
        options_(chain.options_),
        keeper_(*chain.keeper_),
        request_(request),
        stop_(std::move(stop)),
        progress_(progress) {}

  Result<Asset> asset() {
    const bool is_text = request_.kind == Request::Kind::text;
    Lifter& lifter = is_text && stages_.text_lifter ? *stages_.text_lifter : *stages_.lifter;
    dream::Subject subject;
    subject.elevation_deg = options_.elevation_deg;
    if (is_text) {
      LODE_CHECK(check_prompt(request_.prompt));
      subject.prompt = request_.prompt;
    }
    if (!is_text && !lifter.needs_picture()) {
      return fail(Errc::unsupported, fmt::format("lifter '{}': makes splats of prompts, and the "
                                                 "request is a picture",
                                                 lifter.name()));
    }
    if (lifter.needs_picture()) {
      LODE_CHECK(is_text ? paint_subject() : read_subject());
      subject.picture = asset_.cutout;
    }
    LODE_CHECK(lift(lifter, subject));
    LODE_CHECK(look_at_result());
    asset_.stages = clock_.take();
    return std::move(asset_);
  }

 private:
  struct Liked {
    image::Image picture;
    double alignment = 0;
  };

  /// The stage's own seed, noted.
  StageContext context(const std::string& label) {
    const std::uint64_t seed = Rng(request_.seed).fork(label).next();
    asset_.seeds.push_back({label, seed});
    return {seed, stop_, progress_, options_.live_previews};
  }

  Result<void> cut(const image::Image& picture) {
    if (!stages_.cutter) {
      return fail(Errc::unsupported, "there is no cutter, and the lifter needs a subject cut out");
    }
    Cutter& cutter = *stages_.cutter;
    LODE_TRY(const StageKeeper::Loan loan, keeper_.borrow(cutter, stop_));
    clock_.lap("wait");
    Result<cutout::Cutout> subject = cutter.cut(picture, context("cutout"));
    clock_.lap("cutout");
    if (!subject) {
      return in_stage("cutter", cutter, subject.error());
    }
    asset_.notes.push_back("cut out: " + subject->report.reason);
    asset_.cutout = std::move(subject->picture);
    return {};
  }

  Result<void> read_subject() {
    LODE_TRY(image::Decoded decoded, image::decode_with_notes(request_.picture));
    clock_.lap("decode");
    asset_.notes = std::move(decoded.notes);
    asset_.picture = std::move(decoded.image);
    return cut(asset_.picture);
  }

  Result<void> paint_subject() {
    if (!stages_.painter) {
      return fail(Errc::unsupported,
                  fmt::format("lifter '{}' needs a picture, and there is no painter to make one of "
                              "the prompt",
                              stages_.lifter->name()));
    }
    for (int repaints = 0;; ++repaints) {
      LODE_TRY(asset_.picture, paint_until_liked());
      const Result<void> done = cut(asset_.picture);
      if (done || done.error().code != Errc::invalid_input || repaints == kRepaints) {
        return done;
      }
      asset_.notes.push_back(
          fmt::format("painting {}: {}; painted again", asset_.paintings, done.error().context));
    }
  }

  /// The first painting that is not hopeless, or the best of as many as are allowed.
  Result<image::Image> paint_until_liked() {
    std::optional<Liked> best;
    for (int tries = 1;; ++tries) {
      LODE_TRY(image::Image picture, paint());
      LODE_TRY(const std::optional<double> alignment, judge_painting(picture));
      if (!alignment || *alignment >= options_.hopeless_alignment) {
        return picture;
      }
      asset_.notes.push_back(
          fmt::format("painting {}: alignment {:.2f} with the prompt, below {:.2f}",
                      asset_.paintings, *alignment, options_.hopeless_alignment));
      if (!best || *alignment > best->alignment) {
        best = Liked{std::move(picture), *alignment};
      }
      if (tries >= options_.most_paintings) {
        return std::move(best->picture);
      }
    }
  }

  Result<image::Image> paint() {
    Painter& painter = *stages_.painter;
    LODE_TRY(const StageKeeper::Loan loan, keeper_.borrow(painter, stop_));
    clock_.lap("wait");
    ++asset_.paintings;
    const std::string label =
        asset_.paintings == 1 ? "paint" : fmt::format("paint {}", asset_.paintings);
    Result<Painting> painted = painter.paint(request_.prompt, context(label));
    clock_.lap("paint");
    if (!painted) {
      return in_stage("painter", painter, painted.error());
    }
    asset_.notes.insert(asset_.notes.end(), painted->notes.begin(), painted->notes.end());
    return std::move(painted->picture);
  }

  /// What the critic thinks of a painting. One that fails at it is no reason to give up the task.
  Result<std::optional<double>> judge_painting(const image::Image& picture) {
    if (!stages_.critic) {
      return std::optional<double>();
    }
    Critic& critic = *stages_.critic;
    LODE_TRY(const StageKeeper::Loan loan, keeper_.borrow(critic, stop_));
    clock_.lap("wait");
    auto alignment = critic.judge_painting(picture, request_.prompt, stop_);
    clock_.lap("judge painting");
    if (!alignment && alignment.error().code != Errc::cancelled) {
      asset_.notes.push_back(
          in_stage("critic", critic, annotate(alignment.error(), "painting not judged")).context);
      return std::optional<double>();
    }
    return alignment;
  }

  Result<void> lift(Lifter& lifter, const dream::Subject& subject) {
    LODE_TRY(const StageKeeper::Loan loan, keeper_.borrow(lifter, stop_));
    clock_.lap("wait");
    Result<Lifted> lifted = lifter.lift(subject, context("lift"));
    clock_.lap("lift");
    if (!lifted) {
      return in_stage("lifter", lifter, lifted.error());
    }
    asset_.notes.insert(asset_.notes.end(), lifted->notes.begin(), lifted->notes.end());
    asset_.cloud = std::move(lifted->cloud);
    return {};
  }

  Result<void> look_at_result() {
    if (options_.preview_side <= 0 && !(options_.judges_result && stages_.critic)) {
      return {};
    }
    LODE_TRY(asset_.prepared, prepare(asset_.cloud, request_.seed));
    LODE_TRY(const splat::Scene scene, open_prepared(*asset_.prepared));
    clock_.lap("prepare");
    if (options_.preview_side > 0) {
      asset_.preview = preview_of(scene);
      clock_.lap("draw");
    }
    return options_.judges_result && stages_.critic ? judge(scene) : Result<void>();
  }

  image::Image preview_of(splat::Scene scene) const {
    constexpr int kColumns = 2, kGap = 2;
    splat::frame(scene);
    ThreadPool alone(1);
    render::Renderer renderer(alone);
    render::Frame frame;
    std::vector<image::Image> views;
    for (const render::Camera& camera : render::duel_cameras(options_.preview_side)) {
      renderer.draw(scene, camera, {}, frame);
      views.push_back(render::to_image(frame));
    }
    return image::tile(views, kColumns, kGap, {0, 0, 0});
  }

  Result<void> judge(const splat::Scene& scene) {
    Critic& critic = *stages_.critic;
    LODE_TRY(const StageKeeper::Loan loan, keeper_.borrow(critic, stop_));
    clock_.lap("wait");
    Result<Judgement> judgement = request_.kind == Request::Kind::text
                                      ? critic.judge_text(scene, request_.prompt, stop_)
                                      : critic.judge_image(scene, asset_.picture, stop_);
    clock_.lap("score");
    if (!judgement) {
      return in_stage("critic", critic, judgement.error());
    }
    asset_.judgement = *std::move(judgement);
    return {};
  }

  const ChainStages& stages_;
  const ChainOptions& options_;
  StageKeeper& keeper_;
  const Request& request_;
  const std::stop_token stop_;
  const ProgressSink& progress_;
  Asset asset_;
  StageClock clock_;
};

ChainBackend::ChainBackend(ChainStages stages, const ChainOptions& options,
                           std::shared_ptr<StageKeeper> keeper)
    : stages_(std::move(stages)), options_(options), keeper_(std::move(keeper)) {
  LODE_ASSERT(stages_.lifter != nullptr && keeper_ != nullptr, "a chain has a lifter and a keeper");
}

std::string ChainBackend::description() const {
  std::string names;
  const auto note = [&](const Stage* stage, std::string_view between) {
    if (stage != nullptr) {
      names += (names.empty() ? "" : std::string(between)) + std::string(stage->name());
    }
  };
  note(stages_.painter.get(), ", ");
  note(stages_.cutter.get(), ", ");
  note(stages_.lifter.get(), ", ");
  note(stages_.text_lifter.get(), "; prompts: ");
  note(stages_.critic.get(), "; critic: ");
  return names;
}

Result<Asset> ChainBackend::generate(const Request& request, std::stop_token stop) {
  return generate(request, std::move(stop), {});
}

Result<Asset> ChainBackend::generate(const Request& request, std::stop_token stop,
                                     const ProgressSink& progress) {
  return Run(*this, request, std::move(stop), progress).asset();
}

namespace {

class SharedCritic final : public Critic {
 public:
  SharedCritic(std::shared_ptr<Critic> critic, std::shared_ptr<StageKeeper> keeper)
      : critic_(std::move(critic)), keeper_(std::move(keeper)) {}

  std::string_view name() const override { return critic_->name(); }

  Result<Judgement> judge_text(const splat::Scene& scene, std::string_view prompt,
                               const JudgeOptions& options) override {
    LODE_TRY(const StageKeeper::Loan loan, keeper_->borrow(*critic_, options.stop));
    return critic_->judge_text(scene, prompt, options);
  }
  Result<Judgement> judge_image(const splat::Scene& scene, const image::Image& prompt,
                                const JudgeOptions& options) override {
    LODE_TRY(const StageKeeper::Loan loan, keeper_->borrow(*critic_, options.stop));
    return critic_->judge_image(scene, prompt, options);
  }
  Result<std::optional<double>> judge_painting(const image::Image& picture, std::string_view prompt,
                                               const std::stop_token& stop) override {
    LODE_TRY(const StageKeeper::Loan loan, keeper_->borrow(*critic_, stop));
    return critic_->judge_painting(picture, prompt, stop);
  }

 private:
  std::shared_ptr<Critic> critic_;
  std::shared_ptr<StageKeeper> keeper_;
};

}  // namespace

std::unique_ptr<Critic> make_shared_critic(std::shared_ptr<Critic> critic,
                                           std::shared_ptr<StageKeeper> keeper) {
  return std::make_unique<SharedCritic>(std::move(critic), std::move(keeper));
}

}  // namespace lode::pipeline

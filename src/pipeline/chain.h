// The whole chain as one backend: prompt, picture, subject, splat, views, score.
#pragma once

#include <memory>

#include "pipeline/backend.h"
#include "pipeline/critic.h"
#include "pipeline/stage_keeper.h"
#include "pipeline/stages.h"

namespace lode::pipeline {

/// Who does which step. Shared, for the critic also serves those who send splats to be scored.
struct ChainStages {
  std::shared_ptr<Painter> painter;     ///< none: prompts go straight to a lifter
  std::shared_ptr<Cutter> cutter;       ///< needed wherever there are pictures
  std::shared_ptr<Lifter> lifter;       ///< required
  std::shared_ptr<Lifter> text_lifter;  ///< of prompts, instead of painting; none: `lifter`
  std::shared_ptr<Critic> critic;       ///< none: nothing is judged
};

struct ChainOptions {
  /// A painted picture below this alignment with its prompt, where the critic can tell, is painted
  /// again with the next seed. The validators give 0 to splats below it (score/formula.h), and a
  /// splat seldom shows better what its picture does not.
  double hopeless_alignment = 0.3;
  int most_paintings = 3;  ///< of one prompt, for want of alignment; then the best of them is used
  /// Of a picture that is lifted, see dream::Subject.
  float elevation_deg = 0;
  bool judges_result = false;  ///< whether the critic scores the splat as it would be sent
  bool live_previews = false;  ///< whether stages that can draw for the progress sink shall
  int preview_side = 0;        ///< pixels of one of the four views in Asset::preview; 0: none
};

/// Runs requests through the stages. A text goes to the text lifter (or the lifter, when that needs
/// no picture), else to painter, cutter and lifter; a picture to cutter and lifter. A painting of
/// which nothing can be cut out is painted once more.
///
/// Errors name the stage: "cutter 'grabcut': ...". Errc::unsupported for a request that the stages
/// at hand cannot serve. From several threads at once, each stage works for one of them at a time.
class ChainBackend final : public Backend {
 public:
  /// The keeper is shared with others who use the same stages.
  ChainBackend(ChainStages stages, const ChainOptions& options,
               std::shared_ptr<StageKeeper> keeper);

  std::string_view name() const override { return "chain"; }
  /// "flux, birefnet, dream; engine"
  std::string description() const override;

  Result<Asset> generate(const Request& request, std::stop_token stop) override;
  /// The same, telling how far it is.
  Result<Asset> generate(const Request& request, std::stop_token stop,
                         const ProgressSink& progress);

 private:
  class Run;

  ChainStages stages_;
  ChainOptions options_;
  std::shared_ptr<StageKeeper> keeper_;
};

/// The critic for any number of threads: borrowed of the keeper for each judgement.
std::unique_ptr<Critic> make_shared_critic(std::shared_ptr<Critic> critic,
                                           std::shared_ptr<StageKeeper> keeper);

}  // namespace lode::pipeline

#include "pipeline/registry.h"

namespace lode::pipeline {
namespace {

template <class Step>
Result<std::shared_ptr<Step>> named(const StageTable<Step>& table, const std::string& name) {
  if (name.empty()) {
    return std::shared_ptr<Step>();
  }
  LODE_TRY(std::shared_ptr<Step> step, table.make(name));
  return step;
}

}  // namespace

StageRegistry weightless_stages() {
  StageRegistry registry;
  registry.painters.add("sketch",
                        [] { return Result<std::unique_ptr<Painter>>(make_sketch_painter()); });
  registry.cutters.add("grabcut", [] {
    return make_cutter({"grabcut", [] {
                          std::vector<std::unique_ptr<cutout::Matter>> matters;
                          matters.push_back(cutout::alpha_matter());
                          matters.push_back(cutout::grabcut_matter());
                          return Result(std::move(matters));
                        }});
  });
  registry.cutters.add("none", [] { return Result(make_no_cutter()); });
  registry.lifters.add("sketch",
                       [] { return Result<std::unique_ptr<Lifter>>(make_sketch_lifter()); });
  registry.critics.add("likeness",
                       [] { return Result<std::unique_ptr<Critic>>(make_likeness_critic()); });
  return registry;
}

Result<ChainStages> open_stages(const StageRegistry& registry, const StageChoice& choice) {
  if (choice.lifter.empty()) {
    return fail(Errc::invalid_input,
                "lifter: one of " + registry.lifters.names() + " was expected");
  }
  ChainStages stages;
  LODE_TRY(stages.lifter, named(registry.lifters, choice.lifter));
  LODE_TRY(stages.text_lifter, named(registry.lifters, choice.text_lifter));
  const Lifter& of_prompts = stages.text_lifter ? *stages.text_lifter : *stages.lifter;
  if (of_prompts.needs_picture()) {
    LODE_TRY(stages.painter, named(registry.painters, choice.painter));
  }
  if (of_prompts.needs_picture() || stages.lifter->needs_picture()) {
    LODE_TRY(stages.cutter, named(registry.cutters, choice.cutter));
  }
  LODE_TRY(stages.critic, named(registry.critics, choice.critic));
  return stages;
}

Result<std::unique_ptr<Backend>> make_weightless_chain(const StageChoice& choice) {
  LODE_TRY(ChainStages stages, open_stages(weightless_stages(), choice));
  return std::unique_ptr<Backend>(std::make_unique<ChainBackend>(std::move(stages), ChainOptions(),
                                                                 std::make_shared<StageKeeper>()));
}

}  // namespace lode::pipeline

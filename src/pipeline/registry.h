// Stages by name.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "pipeline/chain.h"

namespace lode::pipeline {

/// The ways to do one step that can be named.
template <class Step>
class StageTable {
 public:
  using Make = std::function<Result<std::unique_ptr<Step>>()>;

  /// `kind` is what errors call the step: "painter".
  explicit StageTable(std::string kind) : kind_(std::move(kind)) {}

  void add(std::string name, Make make) { ways_.emplace_back(std::move(name), std::move(make)); }

  /// "sketch, flux"
  std::string names() const {
    std::string names;
    for (const auto& [name, make] : ways_) {
      names += (names.empty() ? "" : ", ") + name;
    }
    return names;
  }

  /// Errc::not_found lists the known names; what the way itself fails with names kind and stage.
  Result<std::unique_ptr<Step>> make(std::string_view wanted) const {
    for (const auto& [name, make] : ways_) {
      if (name == wanted) {
        auto made = make();
        return made ? std::move(made) : annotate(made.error(), kind_ + " '" + name + "'");
      }
    }
    return fail(Errc::not_found, kind_ + " '" + std::string(wanted) + "': known are: " + names());
  }

 private:
  std::string kind_;
  std::vector<std::pair<std::string, Make>> ways_;
};

struct StageRegistry {
  StageTable<Painter> painters{"painter"};
  StageTable<Cutter> cutters{"cutter"};
  StageTable<Lifter> lifters{"lifter"};
  StageTable<Critic> critics{"critic"};
};

/// Painter "sketch", cutters "grabcut" and "none", lifter "sketch", critic "likeness".
StageRegistry weightless_stages();

/// The painter that draws the sketch's object of a prompt on plain ground. Same seed, same bytes.
std::unique_ptr<Painter> make_sketch_painter();

/// The cutter for pictures that are cut out and framed already: takes them as they are.
/// Errc::invalid_input where they are not RGBA and square.
std::unique_ptr<Cutter> make_no_cutter();

/// A cutter that asks these matters in their order (cutout::cut_out) and frames the subject as 3D
/// stages want it. `weight_bytes` is what the matters load; they are made anew after a release.
struct CutterParts {
  std::string name;
  std::function<Result<std::vector<std::unique_ptr<cutout::Matter>>>()> open;
  std::uint64_t weight_bytes = 0;
};
/// Opens the matters once. Errors as of `open`.
Result<std::unique_ptr<Cutter>> make_cutter(CutterParts parts);

/// The lifter that inflates a silhouette (sketch::lift).
std::unique_ptr<Lifter> make_sketch_lifter();

/// Names of stages; an empty one is left out.
struct StageChoice {
  std::string painter = "sketch";
  std::string cutter = "grabcut";
  std::string lifter = "sketch";
  std::string text_lifter;
  std::string critic = "likeness";
};

/// Makes the stages that are named. A painter is not made where prompts go to a lifter that needs
/// no picture, nor a cutter where no lifter needs one. Errc::invalid_input without a lifter; else
/// as StageTable::make.
Result<ChainStages> open_stages(const StageRegistry& registry, const StageChoice& choice);

/// A chain of stages that need no weights. Errors as of open_stages.
Result<std::unique_ptr<Backend>> make_weightless_chain(const StageChoice& choice);

}  // namespace lode::pipeline

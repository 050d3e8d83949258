// A prompt to pictures with FLUX.1.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "flux/options.h"
#include "image/image.h"

namespace lode::flux {

struct FluxRequest {
  std::string prompt;
  int steps = 4;  ///< 1 to models::kMaxSteps; schnell is made for 4
  /// Pixels: multiples of 16, up to kMaxSide.
  int width = 1024, height = 1024;
  std::uint64_t seed = 0;
  int pictures = 1;  ///< up to kMaxPictures, made side by side
  /// The number of the first: picture n of a seed begins from the same noise whatever it is made
  /// beside.
  int first_picture = 0;
  float guidance = 3.5F;  ///< for "dev" alone, 0 to 100
  /// Start from these instead of noise: [pictures, height / 16 * width / 16, 64] packed latents.
  std::vector<float> latents;
};

struct FluxProgress {
  std::string_view stage;  ///< "encode", "modulate", "denoise", "decode"
  int step = 0;            ///< steps of the stage that are done
  int of = 0;
};

struct FluxResult {
  std::vector<image::Image> pictures;
  std::vector<std::string> notes;  ///< what was done otherwise than asked: a prompt cut off
  std::vector<float> latents;      ///< the last, packed as FluxRequest::latents
  /// The most bytes of weights that each part had at once (0 where the prompt was known).
  std::array<std::uint64_t, kParts> peak_weight_bytes{};
  bool prompt_was_known = false;
  bool decoded_in_tiles = false;
};

/// Used by one thread at a time. After any error, cancelling and lack of memory among them, it can
/// be run again.
class FluxPipeline {
 public:
  /// A folder as diffusers lays it out. Reads no weights but checks every name and shape. Errors
  /// name the file, or the fields in which parts disagree; Errc::unsupported for a device or format
  /// that this libtorch does not have.
  static Result<FluxPipeline> open(const std::filesystem::path& folder, const FluxOptions& options);

  FluxPipeline(FluxPipeline&&) noexcept;
  FluxPipeline& operator=(FluxPipeline&&) noexcept;
  ~FluxPipeline();

  /// Errc::invalid_input for a size, number of steps or the like out of bounds, saying what would
  /// do; Errc::cancelled at the next block after `stop`; Errc::out_of_resource for lack of memory,
  /// with what to change; a damaged weight as its loader reports it.
  Result<FluxResult> run(const FluxRequest& request,
                         const std::function<void(const FluxProgress&)>& progress = {},
                         const std::stop_token& stop = {});

  /// What a request of that size would need, and who stays: errors as of plan_flux.
  Result<FluxPlan> plan(int width, int height, int pictures = 1) const;

 private:
  class State;
  explicit FluxPipeline(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

}  // namespace lode::flux

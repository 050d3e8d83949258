// The subject of a picture by BiRefNet or RMBG-2.0: a Matter over the network.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "cutout/matter.h"
#include "nn/compute.h"

namespace lode::birefnet {

/// What the network computes in. `automatic`: float32 on a processor, float16 on a GPU, of which
/// BiRefNet's authors report no loss.
using nn::Compute;

/// How the picture's tiles are stacked as channels (models::PatchOrder). `automatic`: as the
/// weights show, else as the birefnet.py beside them says.
enum class Patches { automatic, tile_major, channel_major };

struct BirefnetOptions {
  std::string device = "auto";  ///< "cpu", "cuda", "cuda:1", or "auto": the first GPU, else "cpu"
  Compute compute = Compute::automatic;
  /// Most bytes of weights on the device at any time; nothing: all of them stay. Activations come
  /// on top of them: about 700 bytes a pixel of the network's picture in float32 for Swin-L.
  std::optional<std::uint64_t> memory_budget_bytes;
  Patches patches = Patches::automatic;
  /// Side in pixels of the square that the picture is brought to, a multiple of 32: 1024 as
  /// RMBG-2.0 is used. Nothing: the picture's own size, sides rounded up to multiples of 32 and the
  /// longer one at most kMostSide, as BiRefNet_dynamic is used.
  std::optional<int> side = 1024;
};

/// Largest side of what the network is given: BiRefNet_dynamic was trained on up to 2304.
inline constexpr int kMostSide = 2304;
/// Of which sides are multiples.
inline constexpr int kMultiple = 32;

/// What of a folder of weights was found out.
struct BirefnetDescription {
  std::string backbone;  ///< "Swin-L", or its sizes where they are nobody's
  std::uint64_t parameters = 0;
  std::string patch_order;  ///< "tile_major"
  std::string told_by;      ///< how that is known: "as asked", "by the weights"
};

class BirefnetMatter final : public cutout::Matter {
 public:
  /// `folder`: model.safetensors (or what weights::Checkpoint::open takes) with the official names.
  /// Checks every name and shape and reads no other weights. Errors name the file and what was
  /// expected: those of Checkpoint::open, Errc::unsupported for weights of another network, and
  /// Errc::invalid_input for tensors that are missing or too many, an option out of range, or a
  /// patch order that nothing tells.
  static Result<std::unique_ptr<BirefnetMatter>> open(const std::filesystem::path& folder,
                                                      const BirefnetOptions& options = {});
  ~BirefnetMatter() override;

  std::string_view name() const override { return "birefnet"; }

  /// Colours under transparent pixels count as the reference's do: alpha is dropped.
  /// Errc::cancelled at the next block after a stop, Errc::out_of_resource for lack of memory,
  /// Errc::invalid_input for damaged weights, Errc::internal where the result is no number. After
  /// any of them it can be asked again.
  Result<cutout::Matte> matte(const image::Image& picture, std::stop_token stop) override;

  const BirefnetDescription& description() const;

 private:
  class State;
  explicit BirefnetMatter(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

}  // namespace lode::birefnet

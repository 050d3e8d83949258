// A picture's subject on transparent ground, ready for the 3D stage, and a report of how.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.h"
#include "cutout/clean.h"
#include "cutout/foreground.h"
#include "cutout/framing.h"
#include "cutout/inspect.h"
#include "cutout/matter.h"

namespace lode::cutout {

struct CutoutOptions {
  /// Pictures are first shrunk to this longest side: twice what any 3D stage takes, and the bound
  /// on memory (about 100 bytes a pixel).
  int most_side = 2048;
  InspectLimits limits;
  CleanOptions clean;
  ForegroundOptions foreground;
  std::optional<FrameOptions> frame = FrameOptions();  ///< without: the picture's own extent
  const Clock* clock = nullptr;                        ///< times the stages; none without
};

/// What one matter had to say.
struct Opinion {
  std::string matter;
  std::string note;  ///< of the matte, or why there is none
  bool has_matte = false;
  Inspection inspection;  ///< of the matte, before it is cleaned
};

struct StageSeconds {
  std::string stage;
  double seconds = 0;
};

struct Report {
  std::string matter;             ///< whose matte was taken
  std::string reason;             ///< why that one, in a line for people
  std::vector<Opinion> opinions;  ///< in the order they were asked
  /// Intersection over union of the taken matte and the other one, when two were made.
  std::optional<double> agreement;
  Inspection cleaned;  ///< of the matte that was used
  int filled_holes = 0, removed_parts = 0;
  int width = 0, height = 0;  ///< of the picture the box is in: the input, shrunk to most_side
  Box box;                    ///< the subject's, there
  std::vector<StageSeconds> seconds;
};

struct Cutout {
  image::Image picture;  ///< RGBA; RGB when the frame has a background
  Report report;
};

/// Asks the matters in order. The first whose matte has nothing odd is taken; after an odd one the
/// next is asked for a second opinion, and of mattes that are all odd the one with the fewest
/// findings is taken, the earlier of equals. Its holes and specks are cleaned away, the colours at
/// its soft edges estimated (not for the picture's own alpha: they are the subject's already), and
/// the subject framed. Errc::invalid_input with every matter's reason when none is usable, or the
/// picture is fully transparent; Errc::cancelled soon after a stop was requested.
Result<Cutout> cut_out(const image::Image& picture,
                       std::span<const std::unique_ptr<Matter>> matters,
                       const CutoutOptions& options = {}, std::stop_token stop = {});

/// The picture unchanged where it carries alpha; otherwise its subject cut out by GrabCut, of the
/// picture's extent. What the weight-free lift and the judge see of a photo.
Result<Cutout> subject_of(const image::Image& picture, std::stop_token stop = {});

}  // namespace lode::cutout

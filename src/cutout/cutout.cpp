#include "cutout/cutout.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace lode::cutout {
namespace {

/// Names the stage that ended at each lap.
class Laps {
 public:
  explicit Laps(const Clock* clock) : clock_(clock) {
    if (clock_ != nullptr) {
      last_ = clock_->now();
    }
  }
  void lap(const char* stage, Report& report) {
    if (clock_ != nullptr) {
      const Time now = clock_->now();
      report.seconds.push_back({stage, to_seconds(now - last_)});
      last_ = now;
    }
  }

 private:
  const Clock* clock_;
  Time last_{};
};

image::Image shrunk(const image::Image& picture, int most_side) {
  const int side = std::max(picture.width, picture.height);
  if (side <= most_side) {
    return picture;
  }
  const auto scaled = [&](int length) {
    return std::max(1,
                    static_cast<int>(std::lround(static_cast<double>(length) * most_side / side)));
  };
  return image::resize(picture, scaled(picture.width), scaled(picture.height));
}

bool is_transparent(const image::Image& picture) {
  for (std::size_t i = 3; i < picture.pixels.size(); i += 4) {
    if (picture.pixels[i] != 0) {
      return false;
    }
  }
  return picture.channels == 4;
}

std::string findings_text(const Inspection& inspection) {
  std::string text;
  for (const Finding& finding : inspection.findings) {
    text += (text.empty() ? "" : "; ") + finding.text;
  }
  return text;
}

/// "alpha: the picture has no alpha channel; grabcut: ..."
std::string reasons_of(const std::vector<Opinion>& opinions) {
  std::string text;
  for (const Opinion& opinion : opinions) {
    text += (text.empty() ? "" : "; ") + opinion.matter + ": " +
            (opinion.has_matte ? findings_text(opinion.inspection) : opinion.note);
  }
  return text;
}

/// The matte that was taken, and whose.
struct Chosen {
  image::GreyImage alpha;
  std::size_t opinion = 0;
};

/// The index of the usable opinion with the fewest findings.
std::optional<std::size_t> best_of(const std::vector<Opinion>& opinions) {
  std::optional<std::size_t> best;
  for (std::size_t i = 0; i < opinions.size(); ++i) {
    const Opinion& opinion = opinions[i];
    if (opinion.has_matte && opinion.inspection.is_usable() &&
        (!best ||
         opinion.inspection.findings.size() < opinions[*best].inspection.findings.size())) {
      best = i;
    }
  }
  return best;
}

/// Why opinion `taken` was taken.
std::string reason_for(const std::vector<Opinion>& opinions, std::size_t taken) {
  std::string reason = opinions[taken].note;
  std::vector<Opinion> others = opinions;
  others.erase(others.begin() + static_cast<std::ptrdiff_t>(taken));
  if (!opinions[taken].inspection.findings.empty()) {
    reason += " (odd: " + findings_text(opinions[taken].inspection) + ")";
  }
  return others.empty() ? reason : reason + "; " + reasons_of(others);
}

Result<Chosen> ask(const image::Image& picture, std::span<const std::unique_ptr<Matter>> matters,
                   const InspectLimits& limits, Report& report, const std::stop_token& stop) {
  std::vector<image::GreyImage> mattes;  // of each opinion; empty where there is none
  for (const auto& matter : matters) {
    if (stop.stop_requested()) {
      return fail(Errc::cancelled, "cutting out was cancelled");
    }
    Result<Matte> matte = matter->matte(picture, stop);
    if (!matte && matte.error().code == Errc::cancelled) {
      return matte.error();
    }
    Opinion opinion{std::string(matter->name()), {}, matte.has_value(), {}};
    opinion.note = matte ? matte->note : matte.error().context;
    mattes.push_back(matte ? std::move(matte->alpha) : image::GreyImage());
    if (matte) {
      opinion.inspection = inspect_matte(mattes.back(), limits);
    }
    report.opinions.push_back(std::move(opinion));
    if (matte && report.opinions.back().inspection.findings.empty()) {
      break;
    }
  }
  const std::optional<std::size_t> taken = best_of(report.opinions);
  if (!taken) {
    return fail(Errc::invalid_input,
                "picture: no subject could be cut out: " + reasons_of(report.opinions));
  }
  for (std::size_t i = 0; i < mattes.size(); ++i) {
    if (i != *taken && report.opinions[i].has_matte) {
      report.agreement = agreement(mattes[*taken], mattes[i]);
    }
  }
  report.matter = report.opinions[*taken].matter;
  report.reason = reason_for(report.opinions, *taken);
  return Chosen{std::move(mattes[*taken]), *taken};
}

/// The picture's own colours under the matte.
image::Image with_alpha(const image::Image& picture, const image::GreyImage& alpha) {
  image::Image out(picture.width, picture.height, 4);
  for (std::size_t i = 0; i < alpha.pixels.size(); ++i) {
    std::copy_n(&picture.pixels[i * static_cast<std::size_t>(picture.channels)], 3,
                &out.pixels[4 * i]);
    out.pixels[4 * i + 3] = alpha.pixels[i];
  }
  return out;
}

}  // namespace

Result<Cutout> cut_out(const image::Image& original,
                       std::span<const std::unique_ptr<Matter>> matters,
                       const CutoutOptions& options, std::stop_token stop) {
  if (is_transparent(original)) {
    return fail(Errc::invalid_input, "picture: fully transparent, there is nothing to cut out");
  }
  Cutout result;
  Report& report = result.report;
  Laps laps(options.clock);
  const image::Image picture = shrunk(original, options.most_side);
  report.width = picture.width;
  report.height = picture.height;
  LODE_TRY(const Chosen chosen, ask(picture, matters, options.limits, report, stop));
  laps.lap("matte", report);
  const Cleaned cleaned = clean_matte(chosen.alpha, options.clean);
  report.filled_holes = cleaned.filled_holes;
  report.removed_parts = cleaned.removed_parts;
  report.cleaned = inspect_matte(cleaned.alpha, options.limits);
  laps.lap("clean", report);
  if (stop.stop_requested()) {
    return fail(Errc::cancelled, "cutting out was cancelled");
  }
  result.picture = report.matter == "alpha"
                       ? with_alpha(picture, cleaned.alpha)
                       : estimate_foreground(picture, cleaned.alpha, options.foreground);
  laps.lap("foreground", report);
  const std::optional<Box> box = subject_box(result.picture);
  if (!box) {
    return fail(Errc::invalid_input, "picture: nothing is left of the subject after cleaning");
  }
  report.box = *box;
  if (options.frame) {
    LODE_TRY(result.picture, frame_subject(result.picture, *options.frame));
    laps.lap("frame", report);
  }
  return result;
}

Result<Cutout> subject_of(const image::Image& picture, std::stop_token stop) {
  if (carries_alpha(picture)) {
    Cutout same{picture, {}};
    same.report.matter = "alpha";
    same.report.reason = "the picture's own alpha";
    return same;
  }
  const std::unique_ptr<Matter> matters[] = {grabcut_matter()};
  CutoutOptions options;
  options.frame.reset();
  return cut_out(picture, matters, options, std::move(stop));
}

}  // namespace lode::cutout

// Judges one splat: which views are looked at by which network, and when that is enough.
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/matmul.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "nn/device.h"
#include "score/proxy.h"
#include "score/ssim.h"
#include "scorer/networks_internal.h"
#include "scorer/views.h"
#include "splat/checks.h"

namespace lode::scorer {

namespace {

std::vector<double> cosines(const at::Tensor& views, const at::Tensor& prompt) {
  const at::Tensor values = at::matmul(views, prompt.t()).flatten().to(at::kDouble).contiguous();
  return {values.data_ptr<double>(), values.data_ptr<double>() + values.numel()};
}

/// The engine's NaN, where weights are damaged or values too large for their type.
Result<void> check_finite(const std::vector<double>& values, std::string_view part) {
  if (!std::ranges::all_of(values, [](double v) { return std::isfinite(v); })) {
    return fail(Errc::internal,
                fmt::format("{} is no number for some view: the weights are damaged, or their "
                            "values too large for the type that is computed in",
                            part));
  }
  return {};
}

using Reduce = double (*)(std::span<const double>);

/// A part's value over all views; none where it was not judged.
struct WholePart {
  std::optional<double> operator()(const std::vector<double>& values, Reduce reduce) const {
    return values.empty() ? std::nullopt : std::optional(reduce(values));
  }
};

/// A part's value as if all views were like one.
struct PartOfView {
  std::size_t view;
  std::optional<double> operator()(const std::vector<double>& values, Reduce reduce) const {
    return values.empty() ? std::nullopt : std::optional(reduce(std::span(&values[view], 1)));
  }
};

template <class PartOf>
score::Components components_of(const score::ViewValues& values, bool of_picture,
                                const PartOf& part_of) {
  score::Components components;
  components.alignment =
      part_of(values.alignment, of_picture ? score::image_alignment : score::text_alignment);
  components.quality = part_of(values.quality, score::mean_quality);
  components.ssim = part_of(values.ssim, score::pairwise_ssim);
  components.lpips = part_of(values.lpips, score::pairwise_lpips);
  return components;
}

/// The views of one splat in the engine's order. Those of a scene are drawn when they are needed.
class Pictures {
 public:
  explicit Pictures(std::span<const image::Image> given)
      : views_(given.begin(), given.end()),
        distinct_(given.front().pixels == given.back().pixels ? kViews - 1 : kViews) {}
  Pictures(splat::Scene scene, int threads)
      : drawer_(std::in_place, std::move(scene), threads), views_(kViews), distinct_(kViews - 1) {}

  /// How many come before the first one comes again.
  int distinct() const { return distinct_; }

  /// Copies of these, drawn now where they were not.
  Result<std::vector<image::Image>> some(std::span<const int> which, const std::stop_token& stop) {
    std::vector<image::Image> copies;
    for (const int view : which) {
      image::Image& picture = views_[static_cast<std::size_t>(view)];
      if (picture.pixels.empty()) {
        LODE_TRY(picture, drawer_->draw(view, stop));
      }
      copies.push_back(picture);
    }
    return copies;
  }

  /// All kViews, once every distinct one was asked for.
  std::span<const image::Image> all() {
    if (views_.back().pixels.empty()) {
      views_.back() = views_.front();
    }
    return views_;
  }

 private:
  std::optional<ViewDrawer> drawer_;
  std::vector<image::Image> views_;
  int distinct_;
};

class Appraisal {
 public:
  Appraisal(Networks& networks, Pictures& pictures, const Prompt& prompt, const Scrutiny& scrutiny)
      : networks_(networks), pictures_(pictures), prompt_(prompt), scrutiny_(scrutiny) {}

  Result<Verdict> run();

 private:
  Result<void> judge();
  Result<bool> is_settled_by_few();
  Result<void> look_at(std::vector<int> views);
  Result<void> align();
  Result<void> judge_quality();
  Result<void> compare_neighbours();
  bool is_given_up();
  void put_in_order(std::vector<double>& values) const;
  score::Glimpse glimpse() const;
  void conclude();

  Networks& networks_;
  Pictures& pictures_;
  const Prompt& prompt_;
  const Scrutiny& scrutiny_;
  Verdict verdict_;
  Networks::Wanted wanted_;
  std::vector<int> order_;            ///< views in the order in which they were looked at
  std::vector<image::Image> newest_;  ///< those that were looked at last
  std::optional<double> ssim_;        ///< the part, once it is known
};

/// Draws and aligns these views, after those before.
Result<void> Appraisal::look_at(std::vector<int> views) {
  {
    const Stopwatch watch(verdict_.seconds.draw);
    LODE_TRY(newest_, pictures_.some(views, scrutiny_.stop));
  }
  order_.insert(order_.end(), views.begin(), views.end());
  return align();
}

Result<void> Appraisal::align() {
  if (wanted_.tower == nullptr) {
    return {};
  }
  const Stopwatch watch(verdict_.seconds.alignment);
  LODE_TRY(const at::Tensor seen, wanted_.tower->features(newest_, scrutiny_.stop));
  const std::vector<double> values = cosines(seen, wanted_.feature);
  verdict_.views.alignment.insert(verdict_.views.alignment.end(), values.begin(), values.end());
  return check_finite(values, "the alignment");
}

/// Of the views that were looked at last.
Result<void> Appraisal::judge_quality() {
  if (!networks_.quality) {
    return {};
  }
  const Stopwatch watch(verdict_.seconds.quality);
  LODE_TRY(const std::vector<double> values, networks_.quality->judge(newest_, scrutiny_.stop));
  verdict_.views.quality.insert(verdict_.views.quality.end(), values.begin(), values.end());
  return check_finite(values, "the quality");
}

/// From the order of looking to that of the views, and on to the one that closes the ring.
void Appraisal::put_in_order(std::vector<double>& values) const {
  if (values.empty()) {
    return;
  }
  std::vector<double> sorted(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    sorted[static_cast<std::size_t>(order_[i])] = values[i];
  }
  if (sorted.size() + 1 == kViews) {
    sorted.push_back(sorted.front());
  }
  values = std::move(sorted);
}

score::Glimpse Appraisal::glimpse() const {
  score::Glimpse glimpse;
  glimpse.cosines = verdict_.views.alignment;
  glimpse.qualities = verdict_.views.quality;
  glimpse.ssim = ssim_;
  glimpse.of_picture = prompt_.picture != nullptr;
  glimpse.has_alignment = wanted_.tower != nullptr;
  glimpse.has_quality = networks_.quality.has_value();
  glimpse.has_lpips = networks_.lpips.has_value();
  return glimpse;
}

/// Whether the floor is out of reach; then the verdict is given.
bool Appraisal::is_given_up() {
  const auto reason = score::reason_to_discard(glimpse(), *scrutiny_.floor);
  if (!reason) {
    return false;
  }
  const double foretold = score::foretold_score(glimpse()).value_or(0);
  const bool of_picture = prompt_.picture != nullptr;
  verdict_.is_discarded = true;
  verdict_.value = std::min(foretold, *scrutiny_.floor);
  verdict_.components = components_of(verdict_.views, of_picture, WholePart());
  verdict_.components.ssim = ssim_;
  std::vector<std::string> parts;
  if (verdict_.components.quality) {
    parts.push_back(fmt::format("quality {:.2f}", *verdict_.components.quality));
  }
  if (verdict_.components.alignment) {
    parts.push_back(fmt::format("alignment {:.2f}", *verdict_.components.alignment));
  }
  const auto seen = static_cast<int>(order_.size());
  verdict_.line =
      fmt::format("discarded on {} views: {}; {}",
                  seen < pictures_.distinct() ? std::to_string(seen) : std::string("all"), *reason,
                  fmt::join(parts, ", "));
  return true;
}

/// Looks at a few views first, where there is a floor.
Result<bool> Appraisal::is_settled_by_few() {
  if (scrutiny_.floor.value_or(0) <= 0) {
    return false;  // no score is below
  }
  LODE_CHECK(look_at({score::kProxyViews.begin(), score::kProxyViews.end()}));
  if (is_given_up()) {
    return true;
  }
  LODE_CHECK(judge_quality());
  return is_given_up();
}

Result<void> Appraisal::compare_neighbours() {
  const Stopwatch watch(verdict_.seconds.ssim);
  LODE_TRY(verdict_.views.ssim, score::neighbour_ssim(pictures_.all()));
  ssim_ = score::pairwise_ssim(verdict_.views.ssim);
  return {};
}

Result<void> Appraisal::judge() {
  const at::NoGradGuard no_gradients;
  LODE_TRY(wanted_, networks_.wanted_by(prompt_, scrutiny_.stop, verdict_));
  LODE_TRY(const bool is_settled, is_settled_by_few());
  if (is_settled) {
    return {};
  }
  std::vector<int> rest;
  for (int view = 0; view < pictures_.distinct(); ++view) {
    if (!std::ranges::count(order_, view)) {
      rest.push_back(view);
    }
  }
  LODE_CHECK(look_at(std::move(rest)));
  put_in_order(verdict_.views.alignment);
  const bool scores_nothing = score::highest_score(glimpse()) <= 0;
  if (scrutiny_.floor && scores_nothing) {
    verdict_.views.quality.clear();  // of a few views
    conclude();
    return {};
  }
  LODE_CHECK(compare_neighbours());
  if (scrutiny_.floor && is_given_up()) {
    return {};
  }
  LODE_CHECK(judge_quality());
  put_in_order(verdict_.views.quality);
  if (networks_.lpips) {
    const Stopwatch watch(verdict_.seconds.lpips);
    const auto distinct = pictures_.all().first(static_cast<std::size_t>(pictures_.distinct()));
    LODE_TRY(verdict_.views.lpips, networks_.lpips->neighbour_distances(distinct, scrutiny_.stop));
    LODE_CHECK(check_finite(verdict_.views.lpips, "LPIPS"));
    if (distinct.size() < kViews) {  // the last pair is the first view with itself
      verdict_.views.lpips.push_back(0);
    }
  }
  conclude();
  return {};
}

/// The verdict from the values of all views.
void Appraisal::conclude() {
  const score::ViewValues& values = verdict_.views;
  const bool of_picture = prompt_.picture != nullptr;
  verdict_.components = components_of(values, of_picture, WholePart());
  if (!verdict_.components.alignment && !verdict_.components.quality) {
    verdict_.line = "the data checks pass; no weights to judge alignment or quality by";
    return;
  }
  verdict_.value = score::final_score(verdict_.components).value;
  verdict_.line = score::explain(verdict_.components, values);
  for (std::size_t view = 0; view < kViews; ++view) {
    const auto alone = components_of(values, of_picture, PartOfView{view});
    verdict_.view_scores.push_back(score::final_score(alone).value.value_or(0));
  }
}

Result<Verdict> Appraisal::run() {
  Result<void> outcome;
  LODE_CHECK(nn::guard("scoring a splat", [&] { outcome = judge(); }));
  LODE_CHECK(outcome);
  if (scrutiny_.stop.stop_requested()) {
    return fail(Errc::cancelled, "scoring was cancelled");
  }
  return std::move(verdict_);
}

}  // namespace

Result<std::optional<double>> alignment_of(Networks& networks, const image::Image& picture,
                                           std::string_view text, const std::stop_token& stop) {
  const auto look = [&]() -> Result<std::optional<double>> {
    const at::NoGradGuard no_gradients;
    Verdict ignored;
    LODE_TRY(const Networks::Wanted wanted, networks.wanted_by({text}, stop, ignored));
    if (wanted.tower == nullptr) {
      return std::optional<double>();
    }
    const image::Image opaque = image::composite_over(picture, {255, 255, 255});
    LODE_TRY(const at::Tensor seen, wanted.tower->features({&opaque, 1}, stop));
    const std::vector<double> cosine = cosines(seen, wanted.feature);
    LODE_CHECK(check_finite(cosine, "alignment"));
    return std::optional(score::text_alignment(cosine));
  };
  Result<std::optional<double>> value(std::nullopt);
  LODE_CHECK(nn::guard("judging a picture", [&] { value = look(); }));
  if (stop.stop_requested()) {
    return fail(Errc::cancelled, "judging a picture was cancelled");
  }
  return value;
}

Verdict refused(std::vector<std::string> reasons) {
  Verdict verdict;
  verdict.value = 0;
  verdict.line = fmt::format("0: {}", fmt::join(reasons, "; "));
  verdict.refusals = std::move(reasons);
  return verdict;
}

Result<Verdict> appraise(Networks& networks, const splat::Scene& scene, const Prompt& prompt,
                         const Scrutiny& scrutiny) {
  const splat::CheckReport report = splat::check(scene);
  if (!report.valid()) {
    return refused(report.reasons);
  }
  Pictures pictures(scene, networks.threads());
  return Appraisal(networks, pictures, prompt, scrutiny).run();
}

Result<Verdict> appraise(Networks& networks, std::span<const image::Image> views,
                         const Prompt& prompt, const Scrutiny& scrutiny) {
  Pictures pictures(views);
  return Appraisal(networks, pictures, prompt, scrutiny).run();
}

}  // namespace lode::scorer

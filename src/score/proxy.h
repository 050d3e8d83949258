// When a model can be given up after some of its views: what they tell of the whole score.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>

#include "score/formula.h"

namespace lode::score {

/// The views to look at first: the four that duels are judged by, at 24, 120, 216 and 312 degrees,
/// nearly a quarter turn apart.
inline constexpr std::array<int, 4> kProxyViews{1, 5, 9, 13};
/// Of the engine's 16 views the last repeats the first.
inline constexpr int kAllViews = 16;
inline constexpr int kDistinctViews = 15;

/// Of models that reach the floor, at most this share is given up; of those that just reach it too,
/// unless they look differently four times a turn, which four views cannot see (up to 8 % of
/// models within 0.01 of the floor: proxy_test.cpp).
inline constexpr double kDiscardRisk = 0.02;

/// What is thought of the scatter between a model's views before they are seen: a standard
/// deviation of qualities and of alignments, which counts as two views more.
inline constexpr double kViewSpread = 0.1;

/// What is known of a model some of whose views were judged.
struct Glimpse {
  std::span<const double> cosines;    ///< of the views that were aligned, as in ViewValues
  std::span<const double> qualities;  ///< of the views whose quality was judged
  std::optional<double> ssim;         ///< the component, once it is known
  bool of_picture = false;            ///< the prompt is a picture: alignments are plain cosines
  // The parts that make the score in the end.
  bool has_alignment = true;
  bool has_quality = true;
  bool has_lpips = true;
};

/// Nobody can score more: the views to come and the parts not judged yet are given full marks.
/// Sure, whatever the views to come are. The engine drops two outlying alignments at most, here the
/// two lowest; so four views bound little, but 16 alignments much.
double highest_score(const Glimpse& glimpse);

/// What the score may be, from the means of the views seen, the parts not seen taken to be as good
/// as those seen (final_score()); nothing when no view was judged.
std::optional<double> foretold_score(const Glimpse& glimpse);

/// An upper estimate of the probability that the score reaches `floor`. Parts of which no view was
/// seen have full marks. A mean of n of N views drawn without replacement has the standard error
/// s / sqrt(n) sqrt(1 - n / N) (Cochran, Sampling Techniques, 1977, 2.15), s^2 is drawn to
/// kViewSpread^2, and the deviation in these errors is Student's with five degrees of freedom for
/// four views (three, and the prior's two). Errors of quality and alignment are added, since a view
/// that looks bad is badly aligned too. That alignment is above its own floor of 0.3 is a condition
/// besides; the less probable one counts. The engine's outlier filter and its geometric mean are
/// left out: proxy_test.cpp measures what that does.
double reach_probability(const Glimpse& glimpse, double floor);

/// Why a model that must score `floor` can be given up, or nothing. It can when highest_score() is
/// below, or reach_probability() is under half of kDiscardRisk: it is asked twice, of alignments
/// and with qualities, and may err each time. Once all alignments are known only the bound counts.
std::optional<std::string> reason_to_discard(const Glimpse& glimpse, double floor);

}  // namespace lode::score

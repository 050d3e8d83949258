#include "miner/policy.h"

#include <algorithm>
#include <boost/math/distributions/normal.hpp>

#include "subnet/rating.h"

namespace lode::miner {

double TaskTiming::overrun(double time) const { return std::max(0.0, time + submission - window); }

double TaskTiming::cost_of_waiting(double finish) const {
  return (overrun(finish) - overrun(now)) / (cooldown + overrun(now));
}

double expected_best_of(int n) {
  return n <= 1 ? 0.0 : boost::math::quantile(boost::math::normal(), (n - 0.375) / (n + 0.25));
}

double expected_improvement(double best) {
  const boost::math::normal standard;
  return boost::math::pdf(standard, best) -
         best * boost::math::cdf(boost::math::complement(standard, best));
}

double gain_of_another(const QualityModel& model, double best) {
  const double rating = std::max(model.rating, 1.0);
  return expected_improvement(best) * model.correlation * model.rating_per_deviation / rating *
         rating_speed(model.deviation);
}

double rating_speed(double deviation) {
  constexpr double kSettled = 60;
  constexpr double kMost = 3;
  constexpr double kVolatility = 0.06;  // Glickman's usual value; it hardly matters for one game
  const auto step = [](double rd) {
    return subnet::after_duel({1500, rd, kVolatility}, {1500, kSettled, kVolatility},
                              subnet::DuelOutcome::win)
               .rating -
           1500;
  };
  return std::clamp(step(deviation) / step(kSettled), 1.0, kMost);
}

double least_acceptance(double acceptance, double penalty, double cooldown) {
  const double lost = penalty * acceptance / cooldown;  // results that the penalty's time is worth
  return lost / (1 + lost);
}

bool is_retry_worth(const TaskTiming& timing, double finish, double pass_probability,
                    double acceptance) {
  const double added = timing.overrun(finish) - timing.overrun(timing.now);
  return pass_probability > acceptance / timing.cooldown * added;
}

}  // namespace lode::miner

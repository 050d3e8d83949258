// How well our score tells which result a validator's judge prefers, from how its rating of us
// moves.
//
// What validators tell: with each answer to a submission, our duel rating as it is then. That it
// rose or fell says that a duel was judged since the answer before, and whether it was won or lost:
// a win always raises a rating, a loss lowers it. A draw moves it towards the opponent's, either
// way whatever our result was like, and so counts as half a win on average. How far it moved says
// more of the rating's deviation, which is not told, than of the duel, and is left alone. What they
// do not tell: which of our results it was, the opponent, and how long the judge took. A duel can
// only concern results sent before, so a move is held against the last kDuelLags results together;
// results it did not concern are noise, which costs precision and no truth. A judge who is further
// behind than that looks like one who does not care for our score: therefore learning never goes
// below kLeastCorrelation. Several duels between two answers count as one.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>

namespace lode::miner {

/// Results before an answer that a move of the rating may be of: a quarter of an hour.
inline constexpr int kDuelLags = 3;
/// Moves before the prior is touched.
inline constexpr int kEnoughMoves = 30;
/// Standard deviation of the prior: after some 200 moves they weigh as much as it does.
inline constexpr double kCorrelationSpread = 0.25;
inline constexpr double kLeastCorrelation = 0.1;

struct CorrelationEstimate {
  int moves = 0;
  double measured = 0;     ///< from moves alone; any sign
  double error = 0;        ///< its standard error; 0 until it can be told
  double correlation = 0;  ///< what to go by: drawn to the prior, kLeastCorrelation..1
};

/// A fold, in the order of the journal's events.
class DuelLearner {
 public:
  /// A result is sent. `standing`: its score in standard deviations of our candidates' scores;
  /// nothing when it was not judged or these are not known yet.
  void on_sent(const std::string& hotkey, std::optional<double> standing);
  /// The validator answered and told our rating; `accepted`: whether the result may be in a duel
  /// by its quality (an empty or rejected one loses whatever its score).
  void on_answer(const std::string& hotkey, bool accepted, double rating);

  /// The regression of moves on standings, in units of Config::rating_per_deviation: a correlation
  /// of 1 is what rating_per_deviation says of the chance of winning, with draws counted as half.
  /// So judges that mostly find a draw have a low correlation, which is right: what a better result
  /// gains there is little. Combined with a normal prior around `prior` of kCorrelationSpread by
  /// their precisions.
  CorrelationEstimate estimate(double prior) const;

 private:
  struct Row {
    double rating = 0;                ///< as told last; 0 before
    std::optional<double> under_way;  ///< the standing of what was sent last
    std::deque<std::optional<double>> sent;
  };
  std::map<std::string, Row> rows_;
  // Sums over moves: of 1 for up and -1 for down, of the standings held against it, their squares
  // and products.
  double n_ = 0, m_ = 0, s_ = 0, ss_ = 0, ms_ = 0;
  // Of single standings.
  double z_count_ = 0, z_ = 0, zz_ = 0;
};

}  // namespace lode::miner

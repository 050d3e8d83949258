// Glicko-2 ratings of duels, with the validators' bounds.
#pragma once

namespace lode::subnet {

/// A player's Glicko-2 state, at the values validators start a miner with.
struct Rating {
  double rating = 1500;
  double deviation = 350;
  double volatility = 0.5;
};

/// What a duel meant for the player: the score of Glickman's formulas.
enum class DuelOutcome { loss, draw, win };

/// `player` after one duel against `opponent`: one rating period of a single game, as Glickman,
/// "Example of the Glicko-2 system" (2013), steps 2 to 8 with tau = 0.5, then clamped as validators
/// clamp: rating to [0, 3000], deviation to [30, 350], volatility to [0.03, 0.2].
Rating after_duel(const Rating& player, const Rating& opponent, DuelOutcome outcome);

}  // namespace lode::subnet

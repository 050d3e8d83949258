#include "chain/merlin.h"

#include <gtest/gtest.h>

#include "base/encoding.h"

namespace lode::chain {
namespace {

std::string challenge(Transcript& transcript, std::size_t length = 32) {
  Bytes out(length);
  transcript.challenge_bytes("challenge", out);
  return hex_encode(out);
}

TEST(Merlin, MatchesThePublishedTranscript) {
  Transcript transcript("test protocol");
  transcript.append_message("some label", as_bytes("some data"));
  EXPECT_EQ(challenge(transcript),
            "d5a21972d0d5fe320c0d263fac7fffb8145aa640af6e9bca177c03c7efcf0615");
}

TEST(Merlin, ChallengesDependOnLabelMessageAndHistory) {
  const auto first_challenge = [](std::string_view label, std::string_view message) {
    Transcript transcript("test protocol");
    transcript.append_message(label, as_bytes(message));
    return challenge(transcript);
  };
  const std::string base = first_challenge("some label", "some data");
  EXPECT_NE(first_challenge("some labeL", "some data"), base);
  EXPECT_NE(first_challenge("some label", "some datA"), base);
  EXPECT_NE(first_challenge("some labels", "ome data"), base);

  Transcript transcript("test protocol");
  EXPECT_NE(challenge(transcript), challenge(transcript));
}

TEST(Merlin, AbsorbsAcrossBlockBoundaries) {
  // 166 bytes fill one block: lengths around it take every path of the duplex.
  std::string seen;
  for (std::size_t length = 100; length < 360; ++length) {
    Transcript transcript("lengths");
    transcript.append_message("m", Bytes(length, 0x5a));
    const std::string now = challenge(transcript, 200);
    EXPECT_NE(now, seen) << length;
    seen = now;
  }
}

TEST(Merlin, WitnessBytesDependOnEveryInputAndLeaveTheTranscriptAlone) {
  Transcript transcript("test protocol");
  const auto draw = [&](std::string_view label, std::uint8_t witness, std::uint8_t random) {
    std::array<std::uint8_t, 32> randomness;
    randomness.fill(random);
    Bytes out(64);
    transcript.witness_bytes(label, Bytes(32, witness), randomness, out);
    return out;
  };
  const Bytes base = draw("signing", 1, 2);
  EXPECT_EQ(draw("signing", 1, 2), base);
  EXPECT_NE(draw("signinG", 1, 2), base);
  EXPECT_NE(draw("signing", 3, 2), base);
  EXPECT_NE(draw("signing", 1, 3), base);
  Transcript untouched("test protocol");
  EXPECT_EQ(challenge(transcript), challenge(untouched));
}

}  // namespace
}  // namespace lode::chain

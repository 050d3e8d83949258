#include "miner/verdict_reply.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lode::miner {
namespace {

using testing::HasSubstr;

TEST(VerdictReply, ReadsScoreReasonAndWhetherJudgingStopped) {
  const auto verdict =
      parse_verdict(R"({"score": 0.41, "discarded": true, "reason": "discarded on 4 views"})");
  ASSERT_TRUE(verdict);
  EXPECT_EQ(verdict->score, 0.41);
  EXPECT_TRUE(verdict->is_discarded);
  EXPECT_EQ(verdict->reason, "discarded on 4 views");
}

TEST(VerdictReply, TheValidatorsOwnAnswerIsEnough) {
  const auto verdict = parse_verdict(R"({"score": 1, "iqa": 0.5, "preview": null})");
  ASSERT_TRUE(verdict);
  EXPECT_FALSE(verdict->is_discarded);
  EXPECT_FALSE(parse_verdict(R"({"score": 1, "discarded": "yes"})")->is_discarded);
}

TEST(VerdictReply, RefusesWhatIsNoScore) {
  for (const char* body : {"", "[]", "null", "{}", R"({"score": "0.9"})", R"({"score": null})",
                           R"({"score": 1e999})", R"({"score": NaN})", "{\"score\": 0.9"}) {
    EXPECT_EQ(parse_verdict(body).error().code, Errc::peer_failure) << body;
  }
  EXPECT_THAT(parse_verdict(R"({"score": 1e300})").error().context, HasSubstr("from -1 to 10"));
  EXPECT_FALSE(parse_verdict(R"({"score": -2})"));
}

TEST(VerdictReply, LongTextsAreCut) {
  const std::string body = R"({"score": 0.5, "reason": ")" + std::string(5000, 'x') + "\"}";
  EXPECT_EQ(parse_verdict(body)->reason.size(), 300U);
  EXPECT_LT(describe_refusal(422, R"({"detail": ")" + std::string(5000, 'x') + "\"}").size(), 250U);
}

TEST(VerdictReply, RefusalsAreToldWithTheirDetailHoweverItLooks) {
  EXPECT_EQ(describe_refusal(422, R"({"detail": "too long"})"), "status 422: too long");
  EXPECT_EQ(describe_refusal(422, R"({"detail": [{"loc": 1}]})"), "status 422: [{\"loc\":1}]");
  EXPECT_EQ(describe_refusal(500, "<html>"), "status 500: no detail given");
}

}  // namespace
}  // namespace lode::miner

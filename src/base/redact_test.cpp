#include "base/redact.h"

#include <gtest/gtest.h>

namespace lode {
namespace {

TEST(RedactUrl, HidesUserInformationQueryAndFragment) {
  EXPECT_EQ(redact_url("http://user:pass@node.example:443/x"), "http://***@node.example:443/x");
  EXPECT_EQ(redact_url("http://node.example/?key=abc"), "http://node.example/?***");
  EXPECT_EQ(redact_url("http://node.example?key=abc#d"), "http://node.example?***");
  EXPECT_EQ(redact_url("http://node.example/a#secret"), "http://node.example/a#***");
  EXPECT_EQ(redact_url("http://token@node.example"), "http://***@node.example");
}

TEST(RedactUrl, HidesTheKeysInPathsOfNodes) {
  EXPECT_EQ(redact_url("wss://node.example:443/v1/secret"), "wss://node.example:443/***");
  EXPECT_EQ(redact_url("ws://127.0.0.1:9944/"), "ws://127.0.0.1:9944/");
  EXPECT_EQ(redact_url("wss://u:p@node/v1/k?x=1"), "wss://***@node/***?***");
}

TEST(RedactUrl, HidesPasswordsThatBreakTheGrammar) {
  for (const char* text : {"wss://user:se/cret@node:443", "wss://user:se?cret@node:443",
                           "wss://user:se#cret@node:443", "wss://user:se@cret@node:443"}) {
    EXPECT_EQ(redact_url(text), "wss://***@node:443") << text;
  }
}

TEST(RedactUrl, LeavesWhatHoldsNoSecret) {
  for (const char* text : {"finney", "", "http://127.0.0.1:8093/generate/", "http://a/@b",
                           "ws://[::1]:9944", "ws://[::1]", "/run/lode/signer", "wss://"}) {
    EXPECT_EQ(redact_url(text), text);
  }
}

}  // namespace
}  // namespace lode

#include "net/endpoint.h"

#include <gtest/gtest.h>

namespace lode::net {
namespace {

TEST(Endpoint, ParsesEveryFormAndPrintsItBack) {
  EXPECT_EQ(*parse_endpoint("10.0.0.7:8091"), (Endpoint{"10.0.0.7", 8091}));
  EXPECT_EQ(*parse_endpoint("[::1]:8091"), (Endpoint{"::1", 8091}));
  EXPECT_EQ(*parse_endpoint("gpu-box:8091"), (Endpoint{"gpu-box", 8091}));
  EXPECT_EQ(*parse_endpoint(":8091"), (Endpoint{"127.0.0.1", 8091}));
  EXPECT_EQ(*parse_endpoint("8091"), (Endpoint{"127.0.0.1", 8091}));
  EXPECT_EQ(parse_endpoint("[::1]:8091")->to_string(), "[::1]:8091");
}

TEST(Endpoint, RefusesBadPortsAndBareIpv6) {
  for (const char* bad : {"", "host:", "host:x", "host:65536", "host:-1", "::1:80", "h:80 "}) {
    EXPECT_FALSE(parse_endpoint(bad)) << bad;
  }
}

TEST(HttpUrl, ParsesHostPortAndPath) {
  const auto full = parse_http_url("http://127.0.0.1:8093/base?x=1");
  ASSERT_TRUE(full);
  EXPECT_EQ(full->endpoint, (Endpoint{"127.0.0.1", 8093}));
  EXPECT_EQ(full->path, "/base?x=1");
  const auto bare = parse_http_url("http://gpu-box");
  ASSERT_TRUE(bare);
  EXPECT_EQ(bare->endpoint, (Endpoint{"gpu-box", 80}));
  EXPECT_EQ(bare->path, "/");
  EXPECT_EQ(parse_http_url("http://[::1]:9")->endpoint, (Endpoint{"::1", 9}));
}

TEST(HttpUrl, RefusesOtherSchemesUsersAndNonsense) {
  for (const char* bad : {"https://h", "ftp://h", "h:80", "http://", "http://u:p@h", "http://h#f",
                          "http://h:99999", ""}) {
    EXPECT_FALSE(parse_http_url(bad)) << bad;
  }
}

TEST(WsUrl, ParsesBothSchemesWithTheirPortsAndHidesThePath) {
  const auto finney = parse_ws_url("wss://entrypoint-finney.opentensor.ai:443");
  ASSERT_TRUE(finney);
  EXPECT_TRUE(finney->is_tls);
  EXPECT_EQ(finney->endpoint, (Endpoint{"entrypoint-finney.opentensor.ai", 443}));
  EXPECT_EQ(finney->target, "/");
  const auto keyed = parse_ws_url("wss://node.example/v1/secret?x=1");
  ASSERT_TRUE(keyed);
  EXPECT_EQ(keyed->endpoint.port, 443);
  EXPECT_EQ(keyed->target, "/v1/secret?x=1");
  EXPECT_EQ(keyed->to_string(), "wss://node.example:443");
  EXPECT_EQ(parse_ws_url("ws://[::1]")->to_string(), "ws://[::1]:80");
}

TEST(WsUrl, RefusesOtherSchemesUsersAndNonsense) {
  for (const char* bad :
       {"http://h", "finey", "ws://", "wss://u:p@h", "ws://h#f", "ws://h:99999"}) {
    EXPECT_FALSE(parse_ws_url(bad)) << bad;
  }
}

TEST(WsUrl, QuotesNoSecretOfABadAddress) {
  for (const char* bad : {"wss://user:hunter2@h", "wss://h:99999/hunter2", "ws://h#hunter2"}) {
    const auto refused = parse_ws_url(bad);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().context.find("hunter2"), std::string::npos) << bad;
  }
  EXPECT_EQ(parse_http_url("http://user:hunter2@h").error().context.find("hunter2"),
            std::string::npos);
}

}  // namespace
}  // namespace lode::net

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "miner/worker_endpoint_io.h"

namespace lode::miner {
namespace {

TEST(WorkerEndpoint, ReadsOptionsInOneTextOrApart) {
  const std::vector<std::string> together{
      "http://a:1,weight=2.5,concurrency=3,validation=http://v:2/x", "http://b"};
  const std::vector<std::string> apart{"http://a:1", "weight=2.5", "concurrency=3",
                                       "validation=http://v:2/x", "http://b"};
  for (const auto& texts : {together, apart}) {
    const auto endpoints = parse_worker_endpoints(texts);
    ASSERT_TRUE(endpoints) << endpoints.error().message();
    ASSERT_EQ(endpoints->size(), 2U);
    const WorkerEndpoint& first = endpoints->front();
    EXPECT_EQ(first.generation, (net::HttpUrl{{"a", 1}, "/"}));
    EXPECT_EQ(first.weight, 2.5);
    EXPECT_EQ(first.concurrency, 3);
    EXPECT_EQ(first.validation, (net::HttpUrl{{"v", 2}, "/x"}));
    EXPECT_EQ(endpoints->back(), (WorkerEndpoint{{{"b", 80}, "/"}}));
  }
}

TEST(WorkerEndpoint, NamesWhatIsWrongWithAnOption) {
  const auto problem = [](const std::string& text) {
    const auto endpoints = parse_worker_endpoints({text});
    return endpoints ? std::string("none") : endpoints.error().message();
  };
  using testing::HasSubstr;
  EXPECT_THAT(problem("http://a,weight=0"), HasSubstr("from 0.01 to 100"));
  EXPECT_THAT(problem("http://a,weight=nan"), HasSubstr("from 0.01 to 100"));
  EXPECT_THAT(problem("http://a,concurrency=65"), HasSubstr("from 1 to 64"));
  EXPECT_THAT(problem("http://a,concurrency=2x"), HasSubstr("concurrency=2x"));
  EXPECT_THAT(problem("http://a,speed=3"), HasSubstr("weight="));
  EXPECT_THAT(problem("http://a,validation=ftp://b"), HasSubstr("ftp://b"));
  EXPECT_THAT(problem("weight=3"), HasSubstr("weight=3"));
}

}  // namespace
}  // namespace lode::miner

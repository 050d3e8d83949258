#include "chain/address.h"

#include <gtest/gtest.h>

namespace lode::chain {
namespace {

TEST(Address, WritesNumbersAsTheSdkDoes) {
  EXPECT_EQ(ip_text(0), "0.0.0.0");
  EXPECT_EQ(ip_text(0xc6336404), "198.51.100.4");
  EXPECT_EQ(ip_text(0xffffffff), "255.255.255.255");
  EXPECT_EQ(ip_text(scale::U128{1} << 32), "::1:0:0");
  EXPECT_EQ(ip_text(scale::U128{0x20010db8} << 96 | 7), "2001:db8::7");
}

TEST(Address, ReadsBackWhatItWrote) {
  for (const scale::U128 number : {scale::U128{1}, scale::U128{0x7f000001},
                                   scale::U128{0x20010db8} << 96 | 7, ~scale::U128{0}}) {
    EXPECT_TRUE(ip_number(ip_text(number)) == number) << ip_text(number);
  }
  EXPECT_TRUE(ip_number("validator.example") == 0);
}

TEST(Address, TellsWhatThePublicNetworkReaches) {
  const struct {
    const char* ip;
    Reach reach;
  } cases[] = {
      {"0.0.0.0", Reach::nowhere},
      {"::", Reach::nowhere},
      {"", Reach::nowhere},
      {"127.0.0.1", Reach::loopback},
      {"::1", Reach::loopback},
      {"10.1.2.3", Reach::local},
      {"172.15.255.255", Reach::anywhere},
      {"172.16.0.0", Reach::local},
      {"172.31.255.255", Reach::local},
      {"172.32.0.0", Reach::anywhere},
      {"192.168.0.1", Reach::local},
      {"169.254.169.254", Reach::local},
      {"100.64.0.1", Reach::local},
      {"100.128.0.1", Reach::anywhere},
      {"224.0.0.1", Reach::not_a_host},
      {"255.255.255.255", Reach::not_a_host},
      {"8.8.8.8", Reach::anywhere},
      {"fd00::1", Reach::local},
      {"fe80::1", Reach::local},
      {"ff02::1", Reach::not_a_host},
      {"2606:4700::1", Reach::anywhere},
      {"::ffff:10.0.0.1", Reach::local},
      {"::ffff:8.8.8.8", Reach::anywhere},
  };
  for (const auto& [ip, reach] : cases) {
    EXPECT_EQ(reach_of(ip), reach) << ip;
  }
}

}  // namespace
}  // namespace lode::chain

#include "chain/address.h"

#include <arpa/inet.h>

#include <array>

namespace lode::chain {
namespace {

using scale::U128;

struct Range {
  U128 first;
  unsigned prefix;  ///< bits that count
  Reach reach;
};

constexpr U128 v6(std::uint64_t high, std::uint64_t low) { return U128{high} << 64 | low; }

// IANA's special-purpose registries, as far as a server could carry the address.
constexpr Range kV4[] = {
    {0x00000000, 8, Reach::nowhere},    {0x7f000000, 8, Reach::loopback},
    {0x0a000000, 8, Reach::local},      {0xac100000, 12, Reach::local},
    {0xc0a80000, 16, Reach::local},     {0xa9fe0000, 16, Reach::local},
    {0x64400000, 10, Reach::local},     {0xc0000200, 24, Reach::local},
    {0xc6336400, 24, Reach::local},     {0xcb007100, 24, Reach::local},
    {0xc6120000, 15, Reach::local},     {0xe0000000, 4, Reach::not_a_host},
    {0xf0000000, 4, Reach::not_a_host},
};
const Range kV6[] = {
    {v6(0, 0), 128, Reach::nowhere},
    {v6(0, 1), 128, Reach::loopback},
    {v6(0xfc00000000000000, 0), 7, Reach::local},
    {v6(0xfe80000000000000, 0), 10, Reach::local},
    {v6(0x20010db800000000, 0), 32, Reach::local},
    {v6(0xff00000000000000, 0), 8, Reach::not_a_host},
};
constexpr U128 kMappedV4 = U128{0xffff} << 32;  // ::ffff:0:0/96

Reach reach_of_v4(U128 ip) {
  for (const Range& range : kV4) {
    if (ip >> (32 - range.prefix) == range.first >> (32 - range.prefix)) {
      return range.reach;
    }
  }
  return Reach::anywhere;
}

U128 big_endian(const std::uint8_t* bytes, std::size_t count) {
  U128 value = 0;
  for (std::size_t i = 0; i < count; ++i) {
    value = value << 8 | bytes[i];
  }
  return value;
}

}  // namespace

std::string ip_text(U128 ip) {
  const bool is_v4 = ip >> 32 == 0;
  std::array<std::uint8_t, 16> bytes{};
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<std::uint8_t>(ip >> (8 * (15 - i)));
  }
  char text[INET6_ADDRSTRLEN] = {};
  ::inet_ntop(is_v4 ? AF_INET : AF_INET6, bytes.data() + (is_v4 ? 12 : 0), text, sizeof(text));
  return text;
}

U128 ip_number(std::string_view text) {
  std::uint8_t bytes[16] = {};
  const std::string terminated(text);
  if (::inet_pton(AF_INET, terminated.c_str(), bytes) == 1) {
    return big_endian(bytes, 4);
  }
  return ::inet_pton(AF_INET6, terminated.c_str(), bytes) == 1 ? big_endian(bytes, 16) : 0;
}

Reach reach_of(std::string_view ip) {
  const U128 number = ip_number(ip);
  if (ip.find(':') == ip.npos) {
    return reach_of_v4(number);
  }
  if (number >> 32 == kMappedV4 >> 32) {
    return reach_of_v4(number & 0xffffffff);
  }
  for (const Range& range : kV6) {
    const unsigned shift = 128 - range.prefix;
    if (number >> shift == range.first >> shift) {
      return range.reach;
    }
  }
  return Reach::anywhere;
}

}  // namespace lode::chain

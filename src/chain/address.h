// Axon addresses: the chain's number as text, and whether the public network reaches it.
#pragma once

#include <string>
#include <string_view>

#include "scale/scale.h"

namespace lode::chain {

/// As the SDK writes it, which does not look at `ip_type`: a number below 2^32 is a dotted quad,
/// most significant byte first; a larger one is IPv6 text.
std::string ip_text(scale::U128 ip);

/// The number of such a text; 0 for what is no address.
scale::U128 ip_number(std::string_view text);

/// Where an address leads.
enum class Reach {
  nowhere,     ///< 0.0.0.0, ::, or no address at all
  loopback,    ///< this machine
  local,       ///< a private, link-local, shared or documentation range
  not_a_host,  ///< multicast, broadcast or reserved
  anywhere     ///< the public network
};

/// IPv4 addresses inside IPv6 ones count as what they hold.
Reach reach_of(std::string_view ip);

}  // namespace lode::chain

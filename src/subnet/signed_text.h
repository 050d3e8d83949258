// Which texts a subnet-17 hotkey signs: the two shapes of the protocol, told from everything else.
#pragma once

#include <string_view>

#include "base/clock.h"
#include "base/result.h"

namespace lode::subnet {

/// How far from now a text's time may lie: beyond any clock skew that an axon tolerates.
inline constexpr Duration kMaxSignedTimeOffset = std::chrono::hours(1);

/// Largest text that is signed. An image task's prompt is a whole picture in base64.
inline constexpr std::size_t kMaxSignedTextBytes = 64 << 20;

/// Success when `text` is, to the last byte, one of
/// - a request's "<nonce>.<hotkey>.<axon hotkey>.<version-1 uuid>.<hash of an empty body>",
/// - a result's declaration + <submit time> + <prompt in UTF-8> + <validator hotkey> + <hotkey>,
/// of this `hotkey` and a time in nanoseconds near `now`. Otherwise Errc::unsupported with the
/// reason, which quotes nothing. A transfer, an extrinsic or a remark is neither.
Result<void> check_signed_text(std::string_view text, std::string_view hotkey, Time now);

}  // namespace lode::subnet

// The three messages of the subnet as JSON: PullTask, SubmitResults and GetVersion.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/http_message.h"

namespace lode::subnet {

/// A validator's task. For an image task `prompt` is base64 of the encoded picture file.
struct Task {
  enum class Type { text, image };
  Type type = Type::text;
  std::string id;
  std::string prompt;
};

/// Who sends a request to whom: the parts of the dendrite's and axon's TerminalInfo that matter.
struct Terminals {
  std::string dendrite_hotkey;  ///< ss58 of the miner
  std::string dendrite_ip;      ///< the miner's own external address, as text; informational
  std::string dendrite_uuid;    ///< version-1 UUID text, fresh per request
  std::int64_t nonce = 0;       ///< nanoseconds since the epoch
  std::string axon_hotkey;      ///< ss58 of the validator
  std::string axon_ip;
  std::uint16_t axon_port = 0;
};

/// The SDK version a request claims: 9.9.0 (major*10^6 + minor*10^3 + patch).
inline constexpr int kSdkVersion = 9'009'000;

/// SHA3-256 of the empty string: the computed_body_hash of all three messages.
inline constexpr std::string_view kEmptyBodyHash =
    "a7ffc6f8bf1ed76651c14756a061d662f580ff4de43b49fa82d80a4b80f8434a";

// ---- PullTask ----------------------------------------------------------------------------------

struct PullReply {
  std::optional<Task> task;
  double validation_threshold = 0.6;
  std::int64_t throttle_period = 0;  ///< seconds
  std::int64_t cooldown_until = 0;   ///< seconds since the epoch; 0 when none
  std::int64_t cooldown_violations = 0;
};

// ---- SubmitResults -----------------------------------------------------------------------------

struct Submission {
  Task task;                     ///< echoed in full for validators v44 and older, which match on it
  std::string results;           ///< base64 of the SPZ, or empty to skip the task
  std::int64_t submit_time = 0;  ///< nanoseconds; part of the signed text
  std::string signature;         ///< base64, from sign_result()
};

struct Feedback {
  bool validation_failed = false;
  double task_fidelity_score = 0;
  double average_fidelity_score = 0;
  std::int64_t generations_within_the_window = 0;
  double current_duel_rating = 0;
  double current_miner_reward = 0;
};

struct SubmitReply {
  std::optional<Feedback> feedback;
  std::int64_t cooldown_until = 0;
};

// ---- GetVersion --------------------------------------------------------------------------------

struct VersionReply {
  std::int64_t version = 0;
  std::string validation_version;
};

}  // namespace lode::subnet

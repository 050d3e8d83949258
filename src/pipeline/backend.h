// What turns a request into a cloud.
#pragma once

#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "pipeline/stage.h"
#include "splat/cloud.h"

namespace lode::pipeline {

/// Longest text prompt that is read at all; the validators' scorer refuses more than 1024
/// characters, so a longer one can never be accepted (64 KiB leaves room for any encoding).
inline constexpr std::size_t kMaxPromptBytes = 64 << 10;

/// A text or a picture, and the seed that makes the result repeatable.
struct Request {
  enum class Kind { text, image };
  Kind kind = Kind::text;
  std::string prompt;  ///< text requests
  Bytes picture;       ///< image requests: an encoded PNG, JPEG, WebP or GIF file
  std::uint64_t seed = 0;
};

/// A request from the one `prompt` string that the subnet uses for both: base64 of a picture file
/// (as image tasks carry it) or, failing that, text.
Request request_from_prompt(std::string_view prompt, std::uint64_t seed);

struct Asset {
  splat::GaussianCloud cloud;
  std::vector<StageTime> stages;
  /// What was done to a picture first, a line each: converted, turned, cut out by what and why.
  std::vector<std::string> notes;
};

/// One way to generate. Same request, same bytes. Used by one thread at a time.
class Backend {
 public:
  virtual ~Backend() = default;
  virtual std::string_view name() const = 0;

  /// Errc::invalid_input for a request that cannot be served (an empty prompt, a picture that is
  /// none), Errc::cancelled soon after a stop was requested.
  virtual Result<Asset> generate(const Request& request, std::stop_token stop) = 0;
};

/// The backends that can be named: "sketch".
std::vector<std::string> backend_names();

/// Errc::not_found lists the known names.
Result<std::unique_ptr<Backend>> make_backend(std::string_view name);

}  // namespace lode::pipeline

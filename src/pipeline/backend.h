// What turns a request into a cloud.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "image/image.h"
#include "pipeline/critic.h"
#include "pipeline/prepare.h"
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

/// Errc::invalid_input for a blank prompt, Errc::limit_exceeded above kMaxPromptBytes.
Result<void> check_prompt(std::string_view prompt);

/// A stage's own seed, made of the request's.
struct StageSeed {
  std::string stage;
  std::uint64_t seed = 0;
};

/// A cloud and what it came from. Pictures that were not made are 0 x 0.
struct Asset {
  splat::GaussianCloud cloud;
  std::vector<StageTime> stages;
  std::vector<StageSeed> seeds;
  /// What was done on the way, a line each: a picture converted, turned, cut out by what and why,
  /// painted again.
  std::vector<std::string> notes;
  image::Image picture;  ///< as painted, or the request's
  image::Image cutout;   ///< RGBA, square
  image::Image preview;  ///< four views of the cloud as it would be sent
  int paintings = 0;
  std::optional<Prepared> prepared;  ///< where it was drawn or judged
  std::optional<Judgement> judgement;
};

/// One way to generate. Same request, same bytes. May be used by several threads at once.
class Backend {
 public:
  virtual ~Backend() = default;
  virtual std::string_view name() const = 0;
  /// The name, and what works behind it.
  virtual std::string description() const { return std::string(name()); }

  /// Errc::invalid_input for a request that cannot be served (an empty prompt, a picture that is
  /// none), Errc::cancelled soon after a stop was requested.
  virtual Result<Asset> generate(const Request& request, std::stop_token stop) = 0;
};

/// The backends that need no weights: "sketch", and "chain" of the stages that need none.
/// Errc::not_found lists the known names.
Result<std::unique_ptr<Backend>> make_backend(std::string_view name);

}  // namespace lode::pipeline

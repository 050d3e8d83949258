// The generation and validation service: the work behind its routes, without sockets.
#pragma once

#include <memory>
#include <stop_token>
#include <string>

#include "base/http_message.h"
#include "pipeline/backend.h"
#include "pipeline/critic.h"

namespace lode::service {

/// The longest request body: a picture of 16 MB in base64, or an SPZ of half a million gaussians.
inline constexpr std::size_t kMaxRequestBytes = 64 << 20;

/// Routes that are answered at once, on the I/O thread, and routes that are work for job threads.
enum class RouteKind { quick, job, unknown };

class GenerationService {
 public:
  /// `judge` scores what the validation routes are sent. Jobs may run on several threads where the
  /// judge may be asked by several (pipeline::make_shared_critic); a backend always may.
  explicit GenerationService(
      std::unique_ptr<pipeline::Backend> backend,
      std::unique_ptr<pipeline::Critic> judge = pipeline::make_likeness_critic());

  /// Who works here, in a line: the backend's description.
  std::string description() const { return backend_->description(); }

  /// Which thread a request belongs to.
  static RouteKind route_kind(const HttpRequest& request);

  /// Health and version. `queued` and `running` are the job threads' counts.
  HttpResponse answer_quick(const HttpRequest& request, int queued, int running) const;

  /// Generates, validates or draws. Never throws for bad input: 400, 413, 422 and 405 say what is
  /// wrong as JSON `{"detail": ...}`. Ends with 503 soon after a requested stop: lifting a picture
  /// of 512 pixels or 12 megapixels took 1 ms more of the processor in the median and 0.11 s at
  /// most, judging one of 512 pixels 26 ms and 60 ms (50 stops at random moments each). The
  /// decoding of files and one iteration of the search for a picture's subject are not interrupted.
  HttpResponse run_job(const HttpRequest& request, std::stop_token stop);

 private:
  HttpResponse generate(const HttpRequest& request, std::stop_token stop);

  std::unique_ptr<pipeline::Backend> backend_;
  std::unique_ptr<pipeline::Critic> judge_;
};

}  // namespace lode::service

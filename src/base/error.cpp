#include "base/error.h"

namespace lode {

std::string_view to_string(Errc code) {
  switch (code) {
    case Errc::invalid_input:
      return "invalid input";
    case Errc::limit_exceeded:
      return "limit exceeded";
    case Errc::not_found:
      return "not found";
    case Errc::unsupported:
      return "unsupported";
    case Errc::io_failure:
      return "I/O failure";
    case Errc::peer_failure:
      return "peer failure";
    case Errc::timed_out:
      return "timed out";
    case Errc::out_of_resource:
      return "out of resource";
    case Errc::cancelled:
      return "cancelled";
    case Errc::internal:
      return "internal";
  }
  return "unknown";
}

std::string Error::message() const { return context + " (" + std::string(to_string(code)) + ")"; }

Error annotate(Error error, std::string_view where) {
  error.context.insert(0, std::string(where) + ": ");
  return error;
}

}  // namespace lode

// The one error type of Lode: what kind of failure, and one line a person can act on.
#pragma once

#include <string>
#include <string_view>

namespace lode {

/// What kind of failure. Callers branch on the kind; people read the context.
enum class Errc {
  invalid_input = 1,  ///< data from outside breaks its format or its rules
  limit_exceeded,     ///< data from outside is larger than we accept
  not_found,          ///< a named file, peer or key does not exist
  unsupported,        ///< well-formed, but of a form or version we do not handle
  io_failure,         ///< the operating system failed a read or a write
  peer_failure,       ///< a peer closed, refused or broke the protocol
  timed_out,          ///< a deadline passed
  out_of_resource,    ///< a disk, a quota or a table is full: the same call may succeed later
  cancelled,          ///< whoever asked has withdrawn the request
  internal            ///< a fault of ours that is not worth aborting for
};

std::string_view to_string(Errc code);

/// A failure as a value. `context` is one line that names the file or peer, the field, and what
/// was expected; it never holds a key or a request body.
struct Error {
  Errc code = Errc::internal;
  std::string context;

  /// "<context> (<kind>)"
  std::string message() const;
};

/// `error` with "<where>: " before its context, for callers that know the file or peer.
Error annotate(Error error, std::string_view where);

}  // namespace lode

// Texts without what may be a secret, for pages, logs and errors.
#pragma once

#include <string>
#include <string_view>

namespace lode {

/// A URL without what may be a secret: user information, query, fragment, and for `ws` and `wss`
/// the path too, where node services have their customers' keys. Other texts stay as they are;
/// where a password breaks the URL's grammar, all up to the last `@` is hidden.
std::string redact_url(std::string_view text);

}  // namespace lode

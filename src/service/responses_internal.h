// Responses that the routes share.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "base/http_message.h"
#include "base/result.h"

namespace lode::service {

/// JSON text; bytes that are no UTF-8 are replaced.
std::string dump(const nlohmann::json& json);

/// `{"detail": ...}`
HttpResponse problem(int status, const std::string& detail);

/// 413, 503 (cancelled), 422 for bad input, else 500.
int status_of(Errc code);

}  // namespace lode::service

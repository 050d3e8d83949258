// Errors as responses.
#include <nlohmann/json.hpp>

#include "service/responses_internal.h"

namespace lode::service {

std::string dump(const nlohmann::json& json) {
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

HttpResponse problem(int status, const std::string& detail) {
  return make_response(status, "application/json", dump({{"detail", detail}}));
}

int status_of(Errc code) {
  switch (code) {
    case Errc::limit_exceeded:
      return 413;
    case Errc::cancelled:
      return 503;
    case Errc::invalid_input:
    case Errc::unsupported:
      return 422;
    default:
      return 500;
  }
}

}  // namespace lode::service

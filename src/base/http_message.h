// HTTP requests and responses as plain values: what protocol code speaks, without any socket.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace lode {

/// Header fields in order; names compare without case.
class HttpHeaders {
 public:
  HttpHeaders() = default;
  HttpHeaders(std::initializer_list<std::pair<std::string, std::string>> fields)
      : fields_(fields) {}

  void add(std::string name, std::string value) {
    fields_.emplace_back(std::move(name), std::move(value));
  }
  /// The first value under `name`, or nullptr.
  const std::string* find(std::string_view name) const;
  auto begin() const { return fields_.begin(); }
  auto end() const { return fields_.end(); }
  std::size_t size() const { return fields_.size(); }

 private:
  std::vector<std::pair<std::string, std::string>> fields_;
};

struct HttpRequest {
  std::string method = "GET";
  std::string target = "/";  ///< path and query, e.g. "/PullTask"
  HttpHeaders headers;
  std::string body;
  std::string peer_ip;  ///< server side only: the socket's address
  std::uint16_t peer_port = 0;
};

struct HttpResponse {
  int status = 200;
  HttpHeaders headers;
  std::string body;
};

/// A response with a body of the given content type.
HttpResponse make_response(int status, std::string content_type, std::string body);

using FormFields = std::vector<std::pair<std::string, std::string>>;

/// `application/x-www-form-urlencoded` text of the fields.
std::string form_encode(const FormFields& fields);

/// The fields of a form body: urlencoded or multipart/form-data, as its content type says. Fields
/// are bounded by the body, which the server has bounded already; at most 64 fields.
Result<FormFields> form_decode(const HttpRequest& request);

/// The value of the first field called `name`, or nullptr.
const std::string* find_field(const FormFields& fields, std::string_view name);

}  // namespace lode

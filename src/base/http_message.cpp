#include "base/http_message.h"

#include <algorithm>
#include <cctype>

namespace lode {
namespace {

constexpr std::size_t kMaxFormFields = 64;

bool equal_without_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](unsigned char x, unsigned char y) {
    return std::tolower(x) == std::tolower(y);
  });
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') {
    return c - '0';
  }
  const int lower = std::tolower(static_cast<unsigned char>(c));
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

void percent_encode(std::string_view text, std::string& out) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0 || c == '-' || c == '_' || c == '.' || c == '~') {
      out += c;
    } else {
      out += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
    }
  }
}

Result<std::string> percent_decode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+') {
      out += ' ';
    } else if (text[i] != '%') {
      out += text[i];
    } else {
      const int high = i + 2 < text.size() ? hex_value(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? hex_value(text[i + 2]) : -1;
      if (high < 0 || low < 0) {
        return fail(Errc::invalid_input, "form: a '%' without two hexadecimal digits");
      }
      out += static_cast<char>(high * 16 + low);
      i += 2;
    }
  }
  return out;
}

Result<FormFields> decode_urlencoded(std::string_view body) {
  FormFields fields;
  while (!body.empty()) {
    if (fields.size() == kMaxFormFields) {
      return fail(Errc::limit_exceeded, "form: more than 64 fields");
    }
    const std::string_view pair = body.substr(0, body.find('&'));
    body.remove_prefix(std::min(body.size(), pair.size() + 1));
    const std::size_t equals = pair.find('=');
    LODE_TRY(std::string name, percent_decode(pair.substr(0, equals)));
    LODE_TRY(std::string value,
             percent_decode(equals == pair.npos ? std::string_view() : pair.substr(equals + 1)));
    fields.emplace_back(std::move(name), std::move(value));
  }
  return fields;
}

/// The value of `key="..."` or `key=...` in a header's parameters, or empty.
std::string_view parameter(std::string_view header, std::string_view key) {
  for (std::size_t at = header.find(';'); at != header.npos; at = header.find(';', at + 1)) {
    std::string_view rest = header.substr(at + 1);
    rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
    if (rest.size() <= key.size() || !equal_without_case(rest.substr(0, key.size()), key) ||
        rest[key.size()] != '=') {
      continue;
    }
    rest.remove_prefix(key.size() + 1);
    if (rest.starts_with('"')) {
      rest.remove_prefix(1);
      return rest.substr(0, rest.find('"'));
    }
    return rest.substr(0, rest.find_first_of("; \r\n"));
  }
  return {};
}

/// The name that one part's header block gives its field, or empty.
std::string_view part_name(std::string_view headers) {
  while (!headers.empty()) {
    const std::string_view line = headers.substr(0, headers.find("\r\n"));
    headers.remove_prefix(std::min(headers.size(), line.size() + 2));
    const std::size_t colon = line.find(':');
    if (colon != line.npos && equal_without_case(line.substr(0, colon), "content-disposition")) {
      return parameter(line, "name");
    }
  }
  return {};
}

Result<FormFields> decode_multipart(std::string_view body, std::string_view boundary) {
  if (boundary.empty()) {
    return fail(Errc::invalid_input, "form: multipart without a boundary");
  }
  const std::string delimiter = "--" + std::string(boundary);
  const std::string next_part = "\r\n" + delimiter;
  FormFields fields;
  if (!body.starts_with(delimiter)) {
    return fail(Errc::invalid_input, "form: multipart body does not begin with its boundary");
  }
  body.remove_prefix(delimiter.size());
  while (!body.starts_with("--")) {
    if (fields.size() == kMaxFormFields) {
      return fail(Errc::limit_exceeded, "form: more than 64 fields");
    }
    const std::size_t headers_end = body.find("\r\n\r\n");
    const std::size_t part_end = body.find(next_part, headers_end);
    if (!body.starts_with("\r\n") || headers_end == body.npos || part_end == body.npos ||
        part_end < headers_end + 4) {
      return fail(Errc::invalid_input, "form: a multipart part is cut short");
    }
    const std::string_view name = part_name(body.substr(2, headers_end));
    fields.emplace_back(std::string(name),
                        std::string(body.substr(headers_end + 4, part_end - headers_end - 4)));
    body.remove_prefix(part_end + next_part.size());
  }
  return fields;
}

}  // namespace

const std::string* HttpHeaders::find(std::string_view name) const {
  for (const auto& [key, value] : fields_) {
    if (equal_without_case(key, name)) {
      return &value;
    }
  }
  return nullptr;
}

HttpResponse make_response(int status, std::string content_type, std::string body) {
  return {status, {{"content-type", std::move(content_type)}}, std::move(body)};
}

std::string form_encode(const FormFields& fields) {
  std::string text;
  for (const auto& [name, value] : fields) {
    if (!text.empty()) {
      text += '&';
    }
    percent_encode(name, text);
    text += '=';
    percent_encode(value, text);
  }
  return text;
}

Result<FormFields> form_decode(const HttpRequest& request) {
  const std::string* type = request.headers.find("content-type");
  if (type != nullptr && type->starts_with("application/x-www-form-urlencoded")) {
    return decode_urlencoded(request.body);
  }
  if (type != nullptr && type->starts_with("multipart/form-data")) {
    return decode_multipart(request.body, parameter(*type, "boundary"));
  }
  return fail(Errc::invalid_input, "form: content type " + (type ? "'" + *type + "'" : "absent") +
                                       ", a urlencoded or multipart form was expected");
}

const std::string* find_field(const FormFields& fields, std::string_view name) {
  for (const auto& [key, value] : fields) {
    if (key == name) {
      return &value;
    }
  }
  return nullptr;
}

}  // namespace lode

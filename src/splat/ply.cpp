#include "splat/ply.h"

#include <array>
#include <charconv>
#include <cmath>
#include <optional>

#include "base/assert.h"

namespace lode::splat {
namespace {

/// Far above any real header: 62 properties of 40 characters are 2.5 KB.
constexpr std::size_t kMaxHeaderBytes = 64U << 10;
constexpr std::size_t kMaxProperties = 1024;

/// Indices into Header::required.
enum Required : std::size_t {
  kX,
  kY,
  kZ,
  kDc0,
  kDc1,
  kDc2,
  kOpacity,
  kScale0,
  kScale1,
  kScale2,
  kRot0,
  kRot1,
  kRot2,
  kRot3,
  kRequiredCount
};
constexpr std::array<std::string_view, kRequiredCount> kRequiredNames = {
    "x",       "y",       "z",       "f_dc_0", "f_dc_1", "f_dc_2", "opacity",
    "scale_0", "scale_1", "scale_2", "rot_0",  "rot_1",  "rot_2",  "rot_3"};

struct Header {
  std::size_t vertices = 0;
  std::size_t body_offset = 0;
  std::size_t stride = 0;  // bytes a vertex
  bool has_later_elements = false;
  std::array<std::optional<std::size_t>, kRequiredCount> required;  // byte offsets in a vertex
  std::array<std::optional<std::size_t>, 45> sh_rest;
  int sh_degree = 0;
};

Error bad(const std::string& what) { return fail(Errc::invalid_input, "PLY: " + what); }

/// Reads a header line by line, without its line end.
class Lines {
 public:
  explicit Lines(std::string_view text) : text_(text) {}

  std::optional<std::string_view> next() {
    const std::size_t end = text_.substr(0, kMaxHeaderBytes).find('\n', offset_);
    if (end == text_.npos) {
      return std::nullopt;
    }
    std::string_view line = text_.substr(offset_, end - offset_);
    offset_ = end + 1;
    if (line.ends_with('\r')) {
      line.remove_suffix(1);
    }
    return line;
  }
  std::size_t offset() const { return offset_; }

 private:
  std::string_view text_;
  std::size_t offset_ = 0;
};

std::string_view next_word(std::string_view& line) {
  line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
  const std::string_view word = line.substr(0, line.find(' '));
  line.remove_prefix(word.size());
  return word;
}

std::optional<std::size_t> parse_count(std::string_view text) {
  std::size_t value = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
  return ec == std::errc() && end == text.data() + text.size() ? std::optional(value)
                                                               : std::nullopt;
}

/// Bytes of a scalar type by either of its names; 0 for anything else.
std::size_t scalar_bytes(std::string_view type) {
  struct Scalar {
    std::string_view name, alias;
    std::size_t bytes;
  };
  static constexpr Scalar kScalars[] = {{"char", "int8", 1},     {"uchar", "uint8", 1},
                                        {"short", "int16", 2},   {"ushort", "uint16", 2},
                                        {"int", "int32", 4},     {"uint", "uint32", 4},
                                        {"float", "float32", 4}, {"double", "float64", 8}};
  for (const Scalar& scalar : kScalars) {
    if (type == scalar.name || type == scalar.alias) {
      return scalar.bytes;
    }
  }
  return 0;
}

/// The place where this property's byte offset is kept, or nullptr for one we skip.
std::optional<std::size_t>* slot_of(Header& header, std::string_view name) {
  for (std::size_t i = 0; i < kRequiredCount; ++i) {
    if (name == kRequiredNames[i]) {
      return &header.required[i];
    }
  }
  if (name.starts_with("f_rest_")) {
    const auto index = parse_count(name.substr(7));
    if (index && *index < header.sh_rest.size()) {
      return &header.sh_rest[*index];
    }
  }
  return nullptr;
}

Result<void> add_property(Header& header, std::string_view line) {
  const std::string_view type = next_word(line);
  const std::string name(next_word(line));
  const std::size_t bytes = scalar_bytes(type);
  if (bytes == 0 || name.empty()) {
    return fail(Errc::unsupported, "PLY: property '" + name + "' of type '" + std::string(type) +
                                       "', scalars were expected");
  }
  if (auto* slot = slot_of(header, name)) {
    if (type != "float" && type != "float32") {
      return fail(Errc::unsupported,
                  "PLY: property '" + name + "' is " + std::string(type) + ", float was expected");
    }
    if (*slot) {
      return bad("property '" + name + "' is declared twice");
    }
    *slot = header.stride;
  }
  header.stride += bytes;
  return {};
}

Result<void> set_element(Header& header, std::string_view line) {
  const std::string name(next_word(line));
  const auto count = parse_count(next_word(line));
  if (name != "vertex" || !count || *count == 0) {
    return bad("'element vertex' with a positive count expected first, got '" + name + "'");
  }
  if (*count > kMaxGaussians) {
    return fail(Errc::limit_exceeded, "PLY: " + std::to_string(*count) + " vertices, at most " +
                                          std::to_string(kMaxGaussians) + " are read");
  }
  header.vertices = *count;
  return {};
}

/// Sets the SH degree from the f_rest_* that were declared: 0, 9, 24 or 45 without a hole.
Result<void> set_sh_degree(Header& header) {
  std::size_t declared = 0;
  bool has_hole = false;
  for (std::size_t i = 0; i < header.sh_rest.size(); ++i) {
    if (header.sh_rest[i]) {
      has_hole |= declared != i;
      ++declared;
    }
  }
  for (int degree = 0; degree <= 3; ++degree) {
    if (!has_hole && declared == static_cast<std::size_t>(sh_rest_count(degree)) * 3) {
      header.sh_degree = degree;
      return {};
    }
  }
  return bad("0, 9, 24 or 45 properties f_rest_0.. expected, " + std::to_string(declared) +
             " are declared" + (has_hole ? " with a gap" : ""));
}

Result<void> check_format(std::string_view line) {
  if (line == "format binary_little_endian 1.0") {
    return {};
  }
  const std::string found(line.substr(0, 60));
  if (line.starts_with("format ascii") || line.starts_with("format binary_big_endian")) {
    return fail(Errc::unsupported, "PLY: '" + found + "', binary_little_endian was expected");
  }
  return bad("'format binary_little_endian 1.0' expected on line 2, got '" + found + "'");
}

Result<void> read_declarations(Lines& lines, Header& header) {
  std::size_t n_properties = 0;
  while (const auto next = lines.next()) {
    std::string_view line = *next;
    const std::string_view keyword = next_word(line);
    if (keyword == "end_header") {
      header.body_offset = lines.offset();
      return {};
    }
    if (keyword == "comment" || keyword == "obj_info" || header.has_later_elements) {
      continue;
    }
    if (keyword == "element") {
      if (header.vertices != 0) {
        header.has_later_elements = true;  // stored after the vertices, which are all we read
      } else {
        LODE_CHECK(set_element(header, line));
      }
    } else if (keyword == "property" && header.vertices != 0) {
      if (++n_properties > kMaxProperties) {
        return fail(Errc::limit_exceeded, "PLY: more than 1024 properties");
      }
      LODE_CHECK(add_property(header, line));
    } else {
      return bad("header line '" + std::string(next->substr(0, 60)) + "' was not expected");
    }
  }
  return bad("no end_header within the first 64 KiB");
}

Result<Header> read_header(ByteView file) {
  Lines lines(as_text(file));
  if (lines.next() != "ply") {
    return bad("does not begin with 'ply'");
  }
  const auto format = lines.next();
  if (!format) {
    return bad("the header is cut short");
  }
  LODE_CHECK(check_format(*format));
  Header header;
  LODE_CHECK(read_declarations(lines, header));
  for (std::size_t i = 0; i < kRequiredCount; ++i) {
    if (!header.required[i]) {
      return bad("property '" + std::string(kRequiredNames[i]) + "' is missing");
    }
  }
  LODE_CHECK(set_sh_degree(header));
  return header;
}

/// Fails unless the body holds what the header promises; called before any allocation.
Result<void> validate_body(const Header& header, std::size_t file_bytes) {
  const std::size_t body = file_bytes - header.body_offset;
  const std::size_t expected = header.vertices * header.stride;
  if (body < expected || (body > expected && !header.has_later_elements)) {
    return bad(std::to_string(header.vertices) + " vertices of " + std::to_string(header.stride) +
               " bytes need " + std::to_string(expected) + " bytes after the header, there are " +
               std::to_string(body));
  }
  return {};
}

float load(const std::uint8_t* bytes) {
  float value = 0;
  std::memcpy(&value, bytes, sizeof(value));
  return value;
}

Error not_finite(std::size_t index, std::string_view property) {
  return bad("gaussian " + std::to_string(index) + ": " + std::string(property) +
             " is not a finite number");
}

}  // namespace

Result<GaussianCloud> decode_ply(ByteView file) {
  LODE_TRY(const Header header, read_header(file));
  LODE_CHECK(validate_body(header, file.size()));
  GaussianCloud cloud;
  cloud.sh_degree = header.sh_degree;
  cloud.resize(header.vertices);
  const std::size_t n_rest = sh_rest_count(header.sh_degree);
  std::array<float, kRequiredCount> v{};
  for (std::size_t i = 0; i < header.vertices; ++i) {
    const std::uint8_t* vertex = &file[header.body_offset + i * header.stride];
    for (std::size_t k = 0; k < kRequiredCount; ++k) {
      v[k] = load(vertex + *header.required[k]);
      if (!std::isfinite(v[k]) && (k != kOpacity || std::isnan(v[k]))) {
        return not_finite(i, kRequiredNames[k]);
      }
    }
    cloud.positions[i] = {v[kX], v[kY], v[kZ]};
    cloud.f_dc[i] = {v[kDc0], v[kDc1], v[kDc2]};
    cloud.opacity_logits[i] = v[kOpacity];
    cloud.log_scales[i] = {v[kScale0], v[kScale1], v[kScale2]};
    cloud.rotations[i] = glm::quat(v[kRot0], v[kRot1], v[kRot2], v[kRot3]);
    // The file holds all coefficients of red, then green, then blue.
    for (std::size_t k = 0; k < n_rest * 3; ++k) {
      const float value = load(vertex + *header.sh_rest[k]);
      if (!std::isfinite(value)) {
        return not_finite(i, "f_rest_" + std::to_string(k));
      }
      cloud.sh_rest[(i * n_rest + k % n_rest) * 3 + k / n_rest] = value;
    }
  }
  return cloud;
}

Bytes encode_ply(const GaussianCloud& cloud, const PlyOptions& options) {
  const std::size_t n_rest = sh_rest_count(cloud.sh_degree);
  std::string header =
      "ply\nformat binary_little_endian 1.0\nelement vertex " + std::to_string(cloud.size()) + "\n";
  std::size_t stride = 0;
  const auto declare = [&](std::string_view name) {
    header.append("property float ").append(name).append("\n");
    stride += sizeof(float);
  };
  for (std::size_t k = 0; k < kRequiredCount; ++k) {
    if (k == kDc0 && options.normals) {
      for (const char* name : {"nx", "ny", "nz"}) {
        declare(name);
      }
    }
    if (k == kOpacity) {
      for (std::size_t j = 0; j < n_rest * 3; ++j) {
        declare("f_rest_" + std::to_string(j));
      }
    }
    declare(kRequiredNames[k]);
  }
  header += "end_header\n";

  Bytes file(header.size() + cloud.size() * stride);
  std::memcpy(file.data(), header.data(), header.size());
  std::uint8_t* out = file.data() + header.size();
  const auto put = [&out](auto... values) {
    const float floats[] = {values...};
    std::memcpy(out, floats, sizeof(floats));
    out += sizeof(floats);
  };
  for (std::size_t i = 0; i < cloud.size(); ++i) {
    const glm::vec3 &p = cloud.positions[i], &c = cloud.f_dc[i], &s = cloud.log_scales[i];
    const glm::quat& q = cloud.rotations[i];
    put(p.x, p.y, p.z);
    if (options.normals) {
      put(0.0F, 0.0F, 0.0F);
    }
    put(c.x, c.y, c.z);
    for (std::size_t k = 0; k < n_rest * 3; ++k) {
      put(cloud.sh_rest[(i * n_rest + k % n_rest) * 3 + k / n_rest]);
    }
    put(cloud.opacity_logits[i], s.x, s.y, s.z, q.w, q.x, q.y, q.z);
  }
  LODE_ASSERT(out == file.data() + file.size(), "a PLY body fills its declared size");
  return file;
}

}  // namespace lode::splat

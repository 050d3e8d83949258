#include "splat/ply.h"

#include <array>
#include <charconv>
#include <cmath>
#include <optional>

#include "splat/kernels_internal.h"

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

/// Vertices that are taken apart at a time: with all spherical harmonics they fit into a
/// first-level cache, and the cloud's arrays are then appended to without being zeroed first.
constexpr std::size_t kBlock = 128;

/// Some vertices as the cloud stores them.
struct Block {
  std::array<glm::vec3, kBlock> positions, f_dc, log_scales;
  std::array<glm::quat, kBlock> rotations;
  std::array<float, kBlock> opacity_logits;
  std::array<float, kBlock * 45> sh_rest;
};
static_assert(sizeof(glm::vec3) == 12 && sizeof(glm::quat) == 16, "seen as flat arrays below");

/// Whether the components of each parameter lie side by side, as every trainer writes them.
bool is_grouped(const Header& header) {
  const auto follows = [&](const auto& slots, std::size_t k) {
    return *slots[k] == *slots[k - 1] + sizeof(float);
  };
  for (const std::size_t k : {kY, kZ, kDc1, kDc2, kScale1, kScale2, kRot1, kRot2, kRot3}) {
    if (!follows(header.required, k)) {
      return false;
    }
  }
  const std::size_t n_rest = sh_rest_count(header.sh_degree) * 3;
  for (std::size_t k = 1; k < n_rest; ++k) {
    if (!follows(header.sh_rest, k)) {
      return false;
    }
  }
  return true;
}

glm::vec3 load_vec3(const std::uint8_t* bytes) {
  float v[3];
  std::memcpy(v, bytes, sizeof(v));
  return {v[0], v[1], v[2]};
}

void gather_grouped(const Header& header, const std::uint8_t* vertex, std::size_t count,
                    Block& block) {
  const std::size_t position = *header.required[kX], colour = *header.required[kDc0],
                    opacity = *header.required[kOpacity], scale = *header.required[kScale0],
                    rotation = *header.required[kRot0], stride = header.stride;
  for (std::size_t i = 0; i < count; ++i, vertex += stride) {
    block.positions[i] = load_vec3(vertex + position);
    block.f_dc[i] = load_vec3(vertex + colour);
    block.opacity_logits[i] = load(vertex + opacity);
    block.log_scales[i] = load_vec3(vertex + scale);
    float q[4];
    std::memcpy(q, vertex + rotation, sizeof(q));
    block.rotations[i] = glm::quat(q[0], q[1], q[2], q[3]);
  }
}

void gather_scattered(const Header& header, const std::uint8_t* vertex, std::size_t count,
                      Block& block) {
  for (std::size_t i = 0; i < count; ++i, vertex += header.stride) {
    const auto at = [&](std::size_t k) { return load(vertex + *header.required[k]); };
    block.positions[i] = {at(kX), at(kY), at(kZ)};
    block.f_dc[i] = {at(kDc0), at(kDc1), at(kDc2)};
    block.opacity_logits[i] = at(kOpacity);
    block.log_scales[i] = {at(kScale0), at(kScale1), at(kScale2)};
    block.rotations[i] = glm::quat(at(kRot0), at(kRot1), at(kRot2), at(kRot3));
  }
}

/// The file holds all coefficients of red, then green, then blue.
void gather_sh_rest(const Header& header, bool grouped, const std::uint8_t* vertex,
                    std::size_t count, Block& block) {
  const std::size_t n_rest = sh_rest_count(header.sh_degree);
  float* out = block.sh_rest.data();
  std::array<float, 45> row{};
  for (std::size_t i = 0; i < count && n_rest != 0; ++i, vertex += header.stride) {
    if (grouped) {
      std::memcpy(row.data(), vertex + *header.sh_rest[0], n_rest * 3 * sizeof(float));
    } else {
      for (std::size_t k = 0; k < n_rest * 3; ++k) {
        row[k] = load(vertex + *header.sh_rest[k]);
      }
    }
    for (std::size_t k = 0; k < n_rest; ++k) {
      *out++ = row[k];
      *out++ = row[n_rest + k];
      *out++ = row[n_rest * 2 + k];
    }
  }
}

bool is_finite(const Block& block, std::size_t count, std::size_t rest_width) {
  return kernels::all_finite(&block.positions[0].x, count * 3) &&
         kernels::all_finite(&block.f_dc[0].x, count * 3) &&
         kernels::none_nan(block.opacity_logits.data(), count) &&
         kernels::all_finite(&block.log_scales[0].x, count * 3) &&
         kernels::all_finite(&block.rotations[0].x, count * 4) &&
         kernels::all_finite(block.sh_rest.data(), count * rest_width);
}

/// Names the first value of a vertex that is not finite (an opacity that is NaN).
Result<void> check_vertex(const Header& header, const std::uint8_t* vertex, std::size_t index) {
  for (std::size_t k = 0; k < kRequiredCount; ++k) {
    const float value = load(vertex + *header.required[k]);
    if (!std::isfinite(value) && (k != kOpacity || std::isnan(value))) {
      return not_finite(index, kRequiredNames[k]);
    }
  }
  const std::size_t n_rest = sh_rest_count(header.sh_degree) * 3;
  for (std::size_t k = 0; k < n_rest; ++k) {
    if (!std::isfinite(load(vertex + *header.sh_rest[k]))) {
      return not_finite(index, "f_rest_" + std::to_string(k));
    }
  }
  return {};
}

template <class T>
void append(std::vector<T>& to, const T* from, std::size_t count) {
  to.insert(to.end(), from, from + count);
}

void append(GaussianCloud& cloud, const Block& block, std::size_t count, std::size_t rest_width) {
  append(cloud.positions, block.positions.data(), count);
  append(cloud.f_dc, block.f_dc.data(), count);
  append(cloud.opacity_logits, block.opacity_logits.data(), count);
  append(cloud.log_scales, block.log_scales.data(), count);
  append(cloud.rotations, block.rotations.data(), count);
  append(cloud.sh_rest, block.sh_rest.data(), count * rest_width);
}

void reserve(GaussianCloud& cloud, std::size_t count, std::size_t rest_width) {
  cloud.positions.reserve(count);
  cloud.f_dc.reserve(count);
  cloud.opacity_logits.reserve(count);
  cloud.log_scales.reserve(count);
  cloud.rotations.reserve(count);
  cloud.sh_rest.reserve(count * rest_width);
}

/// Writes a vertex and returns where it ends.
std::uint8_t* put_vertex(std::uint8_t* out, const GaussianCloud& cloud, std::size_t i,
                         bool normals) {
  const auto put = [&out](auto... values) {
    const float floats[] = {values...};
    std::memcpy(out, floats, sizeof(floats));
    out += sizeof(floats);
  };
  const glm::vec3 &p = cloud.positions[i], &c = cloud.f_dc[i], &s = cloud.log_scales[i];
  const glm::quat& q = cloud.rotations[i];
  put(p.x, p.y, p.z);
  if (normals) {
    put(0.0F, 0.0F, 0.0F);
  }
  put(c.x, c.y, c.z);
  const std::size_t n_rest = sh_rest_count(cloud.sh_degree);
  const float* rest = cloud.sh_rest.data() + i * n_rest * 3;
  for (std::size_t channel = 0; channel < 3; ++channel) {
    for (std::size_t k = 0; k < n_rest; ++k) {
      put(rest[k * 3 + channel]);
    }
  }
  put(cloud.opacity_logits[i], s.x, s.y, s.z, q.w, q.x, q.y, q.z);
  return out;
}

}  // namespace

Result<GaussianCloud> decode_ply(ByteView file) {
  LODE_TRY(const Header header, read_header(file));
  LODE_CHECK(validate_body(header, file.size()));
  GaussianCloud cloud;
  cloud.sh_degree = header.sh_degree;
  const std::size_t rest_width = sh_rest_count(header.sh_degree) * 3;
  reserve(cloud, header.vertices, rest_width);
  const bool grouped = is_grouped(header);
  const auto gather = grouped ? gather_grouped : gather_scattered;
  Block block;
  for (std::size_t first = 0; first < header.vertices; first += kBlock) {
    const std::size_t count = std::min(kBlock, header.vertices - first);
    const std::uint8_t* vertex = &file[header.body_offset + first * header.stride];
    gather(header, vertex, count, block);
    gather_sh_rest(header, grouped, vertex, count, block);
    if (!is_finite(block, count, rest_width)) {
      for (std::size_t i = 0; i < count; ++i) {
        LODE_CHECK(check_vertex(header, vertex + i * header.stride, first + i));
      }
    }
    append(cloud, block, count, rest_width);
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

  Bytes file;
  file.reserve(header.size() + cloud.size() * stride);
  append(file, as_bytes(header).data(), header.size());
  std::array<std::uint8_t, kBlock * 62 * sizeof(float)> rows;
  for (std::size_t first = 0; first < cloud.size(); first += kBlock) {
    const std::size_t end = std::min(first + kBlock, cloud.size());
    std::uint8_t* out = rows.data();
    for (std::size_t i = first; i < end; ++i) {
      out = put_vertex(out, cloud, i, options.normals);
    }
    append(file, rows.data(), static_cast<std::size_t>(out - rows.data()));
  }
  return file;
}

}  // namespace lode::splat

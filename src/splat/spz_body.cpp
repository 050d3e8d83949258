#include <algorithm>
#include <array>
#include <cmath>

#include "base/assert.h"
#include "splat/finite_internal.h"
#include "splat/kernels_internal.h"
#include "splat/spz_body_internal.h"

namespace lode::splat {
namespace {

using kernels::round_half_away;

constexpr int kFractionalBits = 12;
constexpr float kFixedScale = 1 << kFractionalBits;
/// Shifts above this leave no bit of a 24-bit position for the integer part.
constexpr int kMaxFractionalBits = 24;
constexpr float kColourScale = 0.15F;
constexpr float kMaxFixed = 0x1p23F - 1;

/// Gaussians that are checked, packed and reported at a time: what is checked is still in a
/// second-level cache when it is packed.
constexpr std::size_t kSlice = 8192;

// The kernels see clouds as flat arrays.
static_assert(sizeof(glm::vec3) == 12 && sizeof(glm::quat) == 16);
static_assert(offsetof(glm::quat, x) == 0 && offsetof(glm::quat, w) == 12);

const float* flat(const std::vector<glm::vec3>& values) { return &values.front().x; }
float* flat(std::vector<glm::vec3>& values) { return &values.front().x; }

Error bad(const std::string& what) { return fail(Errc::invalid_input, "SPZ: " + what); }

/// Bytes a gaussian of each block.
std::array<std::size_t, kSpzBlockCount> block_widths(const SpzHeader& header) {
  const std::size_t position = header.version == 1 ? 6 : 9;
  const std::size_t rotation = header.version >= 3 ? 4 : 3;
  return {position, 1,        3,
          3,        rotation, static_cast<std::size_t>(sh_rest_count(header.sh_degree)) * 3};
}

// ---- the codes, one value at a time: what the kernels must equal ----

/// Rounds half away from zero and clamps, as the reference packer's toUint8.
std::uint8_t to_byte(float value) {
  return static_cast<std::uint8_t>(round_half_away(std::clamp(value, 0.0F, 255.0F)));
}

void put_fixed24(std::uint8_t* out, float value) {
  const float scaled = std::clamp(value * kFixedScale, -kMaxFixed - 1, kMaxFixed);
  const auto fixed = static_cast<std::int32_t>(round_half_away(scaled));
  out[0] = static_cast<std::uint8_t>(fixed);
  out[1] = static_cast<std::uint8_t>(fixed >> 8);
  out[2] = static_cast<std::uint8_t>(fixed >> 16);
}

float get_fixed24(const std::uint8_t* in, float step) {
  const std::uint32_t bits = (std::uint32_t{in[2]} << 24) | (in[1] << 16) | (in[0] << 8);
  const std::int32_t fixed = static_cast<std::int32_t>(bits) >> 8;  // extends the sign
  return static_cast<float>(fixed) * step;
}

/// Version 1's positions: IEEE half precision.
float from_half(std::uint16_t half) {
  const int exponent = (half >> 10) & 0x1f;
  const auto mantissa = static_cast<float>(half & 0x3ff);
  float value = 0;
  if (exponent == 0) {
    value = std::ldexp(mantissa, -24);
  } else if (exponent == 31) {
    value = mantissa > 0 ? NAN : INFINITY;
  } else {
    value = std::ldexp(1024 + mantissa, exponent - 25);
  }
  return (half & 0x8000) != 0 ? -value : value;
}

float get_half(const std::uint8_t* in) {
  std::uint16_t half = 0;
  std::memcpy(&half, in, sizeof(half));
  return from_half(half);
}

/// The unit quaternion; the identity for one without direction. Squares are summed in x, y, z, w
/// order: the rounding at code boundaries depends on it.
glm::quat normalised(const glm::quat& rotation) {
  const float norm = std::sqrt(rotation.x * rotation.x + rotation.y * rotation.y +
                               rotation.z * rotation.z + rotation.w * rotation.w);
  return norm > 0 ? rotation / norm : glm::quat(1, 0, 0, 0);
}

/// Versions 1 and 2: x, y, z of the quaternion with w >= 0, 8 bits each.
void put_first_three(std::uint8_t* out, const glm::quat& rotation) {
  const glm::quat unit = normalised(rotation);
  const float scale = unit.w < 0 ? -127.5F : 127.5F;
  out[0] = to_byte(unit.x * scale + 127.5F);
  out[1] = to_byte(unit.y * scale + 127.5F);
  out[2] = to_byte(unit.z * scale + 127.5F);
}

glm::quat get_first_three(const std::uint8_t* in) {
  const glm::vec3 v = glm::vec3(in[0], in[1], in[2]) * (1 / 127.5F) - 1.0F;
  const float square = v.x * v.x + v.y * v.y + v.z * v.z;
  return {std::sqrt(std::max(0.0F, 1.0F - square)), v.x, v.y, v.z};
}

constexpr float kSqrtHalf = 0.707106781186547524401F;
constexpr std::uint32_t kMagnitudeMask = (1U << 9) - 1;

/// Versions 3 and 4, 32 bits: from the top the index of the largest of x, y, z, w, then the other
/// three in that order, each a sign and 9 bits of its magnitude over sqrt(1/2), the largest it can
/// have. The largest is made positive.
void put_smallest_three(std::uint8_t* out, const glm::quat& rotation) {
  const glm::quat unit = normalised(rotation);
  const float parts[] = {unit.x, unit.y, unit.z, unit.w};
  std::uint32_t largest = 0;
  for (std::uint32_t i = 1; i < 4; ++i) {
    largest = std::abs(parts[i]) > std::abs(parts[largest]) ? i : largest;
  }
  const bool negate = parts[largest] < 0;
  std::uint32_t code = largest;
  for (std::uint32_t i = 0; i < 4; ++i) {
    if (i != largest) {
      const float magnitude = static_cast<float>(kMagnitudeMask) * (std::abs(parts[i]) / kSqrtHalf);
      const std::uint32_t sign = (parts[i] < 0) != negate ? 1 : 0;
      code = (code << 10) | (sign << 9) | static_cast<std::uint32_t>(magnitude + 0.5F);
    }
  }
  std::memcpy(out, &code, sizeof(code));
}

glm::quat get_smallest_three(const std::uint8_t* in) {
  std::uint32_t code = 0;
  std::memcpy(&code, in, sizeof(code));
  const int largest = static_cast<int>(code >> 30);
  float parts[4];
  float square = 0;
  for (int i = 3; i >= 0; --i) {
    if (i != largest) {
      const float magnitude = kSqrtHalf * static_cast<float>(code & kMagnitudeMask) /
                              static_cast<float>(kMagnitudeMask);
      parts[i] = (code & (1U << 9)) != 0 ? -magnitude : magnitude;
      square += parts[i] * parts[i];
      code >>= 10;
    }
  }
  // Three codes at their limit would leave a negative rest, which no unit quaternion has.
  parts[largest] = std::sqrt(std::max(0.0F, 1.0F - square));
  return {parts[3], parts[0], parts[1], parts[2]};
}

/// Rounds a coefficient to the centre of a bucket of 2^drop_bits codes; zero stays exact.
std::uint8_t quantise_sh(float value, int drop_bits) {
  const int bucket = 1 << drop_bits;
  const float scaled = std::clamp(value * 128.0F, -640.0F, 640.0F);  // both ends clamp below
  const int code = static_cast<int>(round_half_away(scaled)) + 128;
  return static_cast<std::uint8_t>(std::clamp((code + bucket / 2) / bucket * bucket, 0, 255));
}

// ---- blocks: the kernels, then what they leave over ----

void pack_bytes(const float* in, std::size_t count, float scale, float offset, std::uint8_t* out) {
  for (std::size_t i = kernels::pack_bytes(in, count, scale, offset, out); i < count; ++i) {
    out[i] = to_byte(in[i] * scale + offset);
  }
}

void pack_positions(const float* in, std::size_t count, std::uint8_t* out) {
  for (std::size_t i = kernels::pack_fixed24(in, count, kFixedScale, out); i < count; ++i) {
    put_fixed24(out + i * 3, in[i]);
  }
}

void pack_alphas(const float* in, std::size_t count, std::uint8_t* out) {
  for (std::size_t i = kernels::pack_alphas(in, count, out); i < count; ++i) {
    out[i] = to_byte(1 / (1 + std::exp(-in[i])) * 255.0F);
  }
}

void pack_rotations(std::uint32_t version, const glm::quat* in, std::size_t count,
                    std::uint8_t* out) {
  if (version >= 3) {
    for (std::size_t i = 0; i < count; ++i) {
      put_smallest_three(out + i * 4, in[i]);
    }
    return;
  }
  for (std::size_t i = kernels::pack_rotations(&in->x, count, out); i < count; ++i) {
    put_first_three(out + i * 3, in[i]);
  }
}

/// The reference keeps 5 bits of degree 1 (9 values a gaussian) and 4 bits of the rest.
void pack_sh(const float* in, std::size_t count, std::size_t width, std::uint8_t* out) {
  for (std::size_t i = 0; i < count; ++i, in += width, out += width) {
    for (std::size_t k = 0; k < width; ++k) {
      out[k] = quantise_sh(in[k], k < 9 ? 3 : 4);
    }
  }
}

void unpack_positions(const SpzHeader& header, const std::uint8_t* in, std::size_t count,
                      float* out) {
  if (header.version == 1) {
    for (std::size_t i = 0; i < count; ++i) {
      out[i] = get_half(in + i * 2);
    }
    return;
  }
  const float step = std::ldexp(1.0F, -header.fractional_bits);
  for (std::size_t i = kernels::unpack_fixed24(in, count, step, out); i < count; ++i) {
    out[i] = get_fixed24(in + i * 3, step);
  }
}

void unpack_rotations(const SpzHeader& header, const std::uint8_t* in, std::size_t count,
                      glm::quat* out) {
  if (header.version >= 3) {
    for (std::size_t i = 0; i < count; ++i) {
      out[i] = get_smallest_three(in + i * 4);
    }
    return;
  }
  for (std::size_t i = kernels::unpack_rotations(in, count, &out->x); i < count; ++i) {
    out[i] = get_first_three(in + i * 3);
  }
}

/// The value of each code of the parameters that have 8 bits.
struct ByteTables {
  ByteTables() {
    for (std::size_t code = 0; code < 256; ++code) {
      const auto value = static_cast<float>(code);
      const float alpha = value / 255.0F;
      logits[code] = std::log(alpha / (1.0F - alpha));
      colours[code] = (value / 255.0F - 0.5F) / kColourScale;
      scales[code] = value / 16.0F - 10.0F;
      sh[code] = (value - 128.0F) / 128.0F;
    }
  }
  std::array<float, 256> logits{}, colours{}, scales{}, sh{};
};

void look_up(const std::array<float, 256>& table, const std::uint8_t* in, std::size_t count,
             float* out) {
  for (std::size_t i = 0; i < count; ++i) {
    out[i] = table[in[i]];
  }
}

/// `count` gaussians from `first` of one block, `width` codes each.
struct Slice {
  SpzBlock block;
  std::size_t first;
  std::size_t count;
  std::size_t width;
};

bool is_finite(const GaussianCloud& cloud, const Slice& slice) {
  const std::size_t first = slice.first, n = slice.count;
  switch (slice.block) {
    case kPositions:
      return kernels::all_finite(flat(cloud.positions) + first * 3, n * 3);
    case kAlphas:
      return kernels::none_nan(&cloud.opacity_logits[first], n);
    case kColours:
      return kernels::all_finite(flat(cloud.f_dc) + first * 3, n * 3);
    case kScales:
      return kernels::all_finite(flat(cloud.log_scales) + first * 3, n * 3);
    case kRotations:
      return kernels::all_finite(&cloud.rotations[first].x, n * 4);
    default:
      return kernels::all_finite(&cloud.sh_rest[first * slice.width], n * slice.width);
  }
}

void pack_slice(const GaussianCloud& cloud, std::uint32_t version, const Slice& slice,
                std::uint8_t* out) {
  const std::size_t first = slice.first, n = slice.count;
  switch (slice.block) {
    case kPositions:
      return pack_positions(flat(cloud.positions) + first * 3, n * 3, out);
    case kAlphas:
      return pack_alphas(&cloud.opacity_logits[first], n, out);
    case kColours:
      return pack_bytes(flat(cloud.f_dc) + first * 3, n * 3, kColourScale * 255.0F, 0.5F * 255.0F,
                        out);
    case kScales:  // (s + 10) 16: a factor of two commutes with rounding
      return pack_bytes(flat(cloud.log_scales) + first * 3, n * 3, 16.0F, 160.0F, out);
    case kRotations:
      return pack_rotations(version, &cloud.rotations[first], n, out);
    default:
      return pack_sh(&cloud.sh_rest[first * slice.width], n, slice.width, out);
  }
}

/// Unpacks one block, of which `in` begins the codes, into its array of the cloud.
void unpack_block(SpzBlock block, const SpzHeader& header, const std::uint8_t* in,
                  const ByteTables& tables, GaussianCloud& cloud) {
  const std::size_t n = header.n_gaussians;
  switch (block) {
    case kPositions:
      cloud.positions.resize(n);
      return unpack_positions(header, in, n * 3, flat(cloud.positions));
    case kAlphas:
      cloud.opacity_logits.resize(n);
      return look_up(tables.logits, in, n, cloud.opacity_logits.data());
    case kColours:
      cloud.f_dc.resize(n);
      return look_up(tables.colours, in, n * 3, flat(cloud.f_dc));
    case kScales:
      cloud.log_scales.resize(n);
      return look_up(tables.scales, in, n * 3, flat(cloud.log_scales));
    case kRotations:
      cloud.rotations.resize(n);
      return unpack_rotations(header, in, n, cloud.rotations.data());
    default:
      cloud.sh_rest.resize(n * sh_rest_count(header.sh_degree) * 3);
      return look_up(tables.sh, in, cloud.sh_rest.size(), cloud.sh_rest.data());
  }
}

}  // namespace

SpzLayout::SpzLayout(const SpzHeader& header) {
  offsets[0] = sizeof(SpzHeader);
  const auto widths = block_widths(header);
  for (std::size_t block = 0; block < kSpzBlockCount; ++block) {
    offsets[block + 1] = offsets[block] + header.n_gaussians * widths[block];
  }
}

Result<void> validate(const SpzHeader& header, std::uint32_t newest_version) {
  if (header.magic != kSpzMagic) {
    return bad("the body does not begin with 'NGSP'");
  }
  if (header.version < 1 || header.version > newest_version) {
    return fail(Errc::unsupported, "SPZ: version " + std::to_string(header.version) + ", 1 to " +
                                       std::to_string(newest_version) +
                                       " was expected in this container");
  }
  if (header.n_gaussians > kMaxSpzGaussians) {
    return fail(Errc::limit_exceeded, "SPZ: " + std::to_string(header.n_gaussians) +
                                          " gaussians, at most " +
                                          std::to_string(kMaxSpzGaussians) + " are read");
  }
  if (header.n_gaussians == 0 || header.sh_degree > 3) {
    return bad("at least one gaussian and SH degree 0..3 expected, got " +
               std::to_string(header.n_gaussians) + " and " + std::to_string(header.sh_degree));
  }
  if (header.fractional_bits > kMaxFractionalBits) {
    return bad("fractionalBits 0..24 expected, got " + std::to_string(header.fractional_bits));
  }
  return {};
}

Result<void> check_spz_extensions(ByteView records) {
  // SPZ_ADOBE_coordinate_system, and the values of its u32 that mean right, up, back.
  constexpr std::uint32_t kCoordinateSystem = 0xadbe0003, kUnspecified = 0, kRightUpBack = 4;
  ByteReader reader(records);
  while (reader.remaining() != 0) {
    LODE_TRY(const auto type, reader.read<std::uint32_t>("SPZ extension type"));
    LODE_TRY(const auto bytes, reader.read<std::uint32_t>("SPZ extension length"));
    LODE_TRY(const ByteView payload, reader.take(bytes, "SPZ extension payload"));
    if (type == kCoordinateSystem) {
      LODE_TRY(const auto system, ByteReader(payload).read<std::uint32_t>("SPZ coordinate system"));
      if (system != kUnspecified && system != kRightUpBack) {
        return fail(Errc::unsupported, "SPZ: coordinate system " + std::to_string(system) +
                                           ", 4 (right, up, back) was expected");
      }
    }
  }
  return {};
}

Result<void> pack_body(const GaussianCloud& cloud, const SpzHeader& header,
                       std::span<std::uint8_t> body,
                       const std::function<void(std::size_t)>& packed) {
  const std::size_t count = cloud.size();
  const SpzLayout layout(header);
  LODE_ASSERT(body.size() == layout.bytes() && header.n_gaussians == count && count > 0,
              "the body has the size that its header asks for");
  std::memcpy(body.data(), &header, sizeof(header));
  const auto widths = block_widths(header);
  for (std::size_t block = 0; block < kSpzBlockCount; ++block) {
    for (std::size_t first = 0; first < count && widths[block] != 0; first += kSlice) {
      const std::size_t n = std::min(kSlice, count - first);
      const Slice slice{static_cast<SpzBlock>(block), first, n, widths[block]};
      if (!is_finite(cloud, slice)) {
        return check_finite(cloud, "SPZ");  // names the gaussian
      }
      std::uint8_t* out = body.data() + layout.offsets[block] + first * widths[block];
      pack_slice(cloud, header.version, slice, out);
      packed(static_cast<std::size_t>(out - body.data()) + n * widths[block]);
    }
  }
  return {};
}

GaussianCloud unpack_body(const SpzHeader& header, ByteView body, GaussianCloud prepared) {
  const SpzLayout layout(header);
  LODE_ASSERT(body.size() == layout.bytes(), "the body has the size that its header asks for");
  GaussianCloud cloud = std::move(prepared);
  cloud.sh_degree = header.sh_degree;
  const ByteTables tables;
  for (std::size_t block = 0; block < kSpzBlockCount; ++block) {
    unpack_block(static_cast<SpzBlock>(block), header, body.data() + layout.offsets[block], tables,
                 cloud);
  }
  return cloud;
}

}  // namespace lode::splat

#include "splat/spz.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "splat/spz_internal.h"

namespace lode::splat {
namespace {

constexpr std::uint32_t kMagic = 0x5053474e;  // "NGSP"
constexpr int kFractionalBits = 12;
/// Shifts above this leave no bit of a 24-bit position for the integer part.
constexpr int kMaxFractionalBits = 24;
constexpr float kColourScale = 0.15F;
constexpr std::int32_t kMaxFixed = (1 << 23) - 1;

/// The 16 bytes at the front of the body.
struct Header {
  std::uint32_t magic = kMagic;
  std::uint32_t version = 2;
  std::uint32_t n_gaussians = 0;
  std::uint8_t sh_degree = 0;
  std::uint8_t fractional_bits = kFractionalBits;
  std::uint8_t flags = 0;  // 1: antialiased; without meaning here
  std::uint8_t reserved = 0;
};
static_assert(sizeof(Header) == 16);

std::size_t position_bytes(const Header& header) { return header.version == 1 ? 6 : 9; }

/// Bytes a gaussian: position, alpha, colour, scale, rotation, spherical harmonics.
std::size_t gaussian_bytes(const Header& header) {
  return position_bytes(header) + 1 + 3 + 3 + 3 +
         static_cast<std::size_t>(sh_rest_count(header.sh_degree)) * 3;
}

/// The largest body there can be: version 2, degree 3.
constexpr std::size_t kMaxBodyBytes = sizeof(Header) + kMaxSpzGaussians * (19 + 45);

Error bad(const std::string& what) { return fail(Errc::invalid_input, "SPZ: " + what); }

Result<void> validate(const Header& header, std::size_t body_bytes) {
  if (header.magic != kMagic) {
    return bad("the body does not begin with 'NGSP'");
  }
  if (header.version != 1 && header.version != 2) {
    return fail(Errc::unsupported,
                "SPZ: version " + std::to_string(header.version) + ", 1 or 2 was expected");
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
  const std::size_t expected = sizeof(Header) + header.n_gaussians * gaussian_bytes(header);
  if (body_bytes != expected) {
    return bad(std::to_string(header.n_gaussians) + " gaussians need a body of " +
               std::to_string(expected) + " bytes, there are " + std::to_string(body_bytes));
  }
  return {};
}

/// Rounds half away from zero and clamps, as the reference packer's toUint8.
std::uint8_t to_byte(float value) {
  return static_cast<std::uint8_t>(std::clamp(std::round(value), 0.0F, 255.0F));
}

bool is_packable(const GaussianCloud& cloud, std::size_t i) {
  const glm::vec3 &p = cloud.positions[i], &s = cloud.log_scales[i], &c = cloud.f_dc[i];
  const glm::quat& q = cloud.rotations[i];
  // A sum of finite numbers is NaN or infinite exactly when one of them is, or when they overflow,
  // which no meaningful parameter does.
  const float sum = p.x + p.y + p.z + s.x + s.y + s.z + c.x + c.y + c.z + q.w + q.x + q.y + q.z;
  return std::isfinite(sum) && !std::isnan(cloud.opacity_logits[i]);
}

void put_position(std::uint8_t* out, const glm::vec3& position) {
  for (int axis = 0; axis < 3; ++axis) {
    const float scaled = std::round(position[axis] * (1 << kFractionalBits));
    const auto fixed = static_cast<std::int32_t>(
        std::clamp(scaled, static_cast<float>(-kMaxFixed - 1), static_cast<float>(kMaxFixed)));
    *out++ = static_cast<std::uint8_t>(fixed);
    *out++ = static_cast<std::uint8_t>(fixed >> 8);
    *out++ = static_cast<std::uint8_t>(fixed >> 16);
  }
}

void put_rotation(std::uint8_t* out, const glm::quat& rotation) {
  // Summed in x, y, z, w order: the rounding at byte boundaries depends on it.
  const float norm = std::sqrt(rotation.x * rotation.x + rotation.y * rotation.y +
                               rotation.z * rotation.z + rotation.w * rotation.w);
  // A zero quaternion has no direction; the identity is packed for it.
  const glm::quat unit = norm > 0 ? rotation / norm : glm::quat(1, 0, 0, 0);
  const float scale = unit.w < 0 ? -127.5F : 127.5F;
  out[0] = to_byte(unit.x * scale + 127.5F);
  out[1] = to_byte(unit.y * scale + 127.5F);
  out[2] = to_byte(unit.z * scale + 127.5F);
}

/// Rounds a coefficient to the centre of a bucket of 2^drop_bits codes; zero stays exact.
std::uint8_t quantise_sh(float value, int drop_bits) {
  const int bucket = 1 << drop_bits;
  const float code = std::clamp(std::round(value * 128.0F) + 128.0F, -512.0F, 512.0F);
  const int rounded = (static_cast<int>(code) + bucket / 2) / bucket * bucket;
  return static_cast<std::uint8_t>(std::clamp(rounded, 0, 255));
}

/// IEEE half precision to float, for version 1.
float from_half(std::uint16_t half) {
  const int exponent = (half >> 10) & 31;
  const int mantissa = half & 1023;
  const float sign = (half & 0x8000) != 0 ? -1.0F : 1.0F;
  if (exponent == 0) {
    return sign * std::ldexp(static_cast<float>(mantissa), -24);
  }
  if (exponent == 31) {
    return mantissa == 0 ? sign * INFINITY : NAN;
  }
  return sign * std::ldexp(static_cast<float>(mantissa + 1024), exponent - 25);
}

glm::vec3 get_half_position(const std::uint8_t* in) {
  std::array<std::uint16_t, 3> halves{};
  std::memcpy(halves.data(), in, sizeof(halves));
  return {from_half(halves[0]), from_half(halves[1]), from_half(halves[2])};
}

glm::vec3 get_fixed_position(const std::uint8_t* in, float step) {
  glm::vec3 position;
  for (int axis = 0; axis < 3; ++axis, in += 3) {
    const std::uint32_t bits = (std::uint32_t{in[2]} << 24) | (in[1] << 16) | (in[0] << 8);
    const std::int32_t fixed = static_cast<std::int32_t>(bits) >> 8;  // extends the sign
    position[axis] = static_cast<float>(fixed) * step;
  }
  return position;
}

glm::quat get_rotation(const std::uint8_t* in) {
  const glm::vec3 v = glm::vec3(in[0], in[1], in[2]) * (1 / 127.5F) - 1.0F;
  const float square = v.x * v.x + v.y * v.y + v.z * v.z;
  return {std::sqrt(std::max(0.0F, 1.0F - square)), v.x, v.y, v.z};
}

Bytes pack(const GaussianCloud& cloud) {
  const std::size_t count = cloud.size();
  Header header;
  header.n_gaussians = static_cast<std::uint32_t>(count);
  header.sh_degree = static_cast<std::uint8_t>(cloud.sh_degree);
  Bytes body(sizeof(header) + count * gaussian_bytes(header));
  std::memcpy(body.data(), &header, sizeof(header));
  std::uint8_t* position = body.data() + sizeof(header);
  std::uint8_t* alpha = position + count * 9;
  std::uint8_t* colour = alpha + count;
  std::uint8_t* scale = colour + count * 3;
  std::uint8_t* rotation = scale + count * 3;
  std::uint8_t* sh = rotation + count * 3;
  for (std::size_t i = 0; i < count; ++i) {
    put_position(position + i * 9, cloud.positions[i]);
    alpha[i] = to_byte(1 / (1 + std::exp(-cloud.opacity_logits[i])) * 255.0F);
    for (int c = 0; c < 3; ++c) {
      colour[i * 3 + c] = to_byte(cloud.f_dc[i][c] * (kColourScale * 255.0F) + 0.5F * 255.0F);
      scale[i * 3 + c] = to_byte((cloud.log_scales[i][c] + 10.0F) * 16.0F);
    }
    put_rotation(rotation + i * 3, cloud.rotations[i]);
  }
  // The reference keeps 5 bits of degree 1 (9 values a gaussian) and 4 bits of the rest.
  const std::size_t rest = static_cast<std::size_t>(sh_rest_count(cloud.sh_degree)) * 3;
  for (std::size_t i = 0; i < cloud.sh_rest.size(); ++i) {
    sh[i] = quantise_sh(cloud.sh_rest[i], i % rest < 9 ? 3 : 4);
  }
  return body;
}

GaussianCloud unpack(const Header& header, ByteView body) {
  const std::size_t count = header.n_gaussians;
  GaussianCloud cloud;
  cloud.sh_degree = header.sh_degree;
  cloud.resize(count);
  const std::uint8_t* position = body.data() + sizeof(header);
  const std::uint8_t* alpha = position + count * position_bytes(header);
  const std::uint8_t* colour = alpha + count;
  const std::uint8_t* scale = colour + count * 3;
  const std::uint8_t* rotation = scale + count * 3;
  const std::uint8_t* sh = rotation + count * 3;
  const float step = std::ldexp(1.0F, -header.fractional_bits);
  std::array<float, 256> logits{};
  for (std::size_t code = 0; code < logits.size(); ++code) {
    const float a = static_cast<float>(code) / 255.0F;
    logits[code] = std::log(a / (1.0F - a));
  }
  for (std::size_t i = 0; i < count; ++i) {
    cloud.positions[i] = header.version == 1 ? get_half_position(position + i * 6)
                                             : get_fixed_position(position + i * 9, step);
    cloud.opacity_logits[i] = logits[alpha[i]];
    for (int c = 0; c < 3; ++c) {
      cloud.f_dc[i][c] = (static_cast<float>(colour[i * 3 + c]) / 255.0F - 0.5F) / kColourScale;
      cloud.log_scales[i][c] = static_cast<float>(scale[i * 3 + c]) / 16.0F - 10.0F;
    }
    cloud.rotations[i] = get_rotation(rotation + i * 3);
  }
  for (std::size_t i = 0; i < cloud.sh_rest.size(); ++i) {
    cloud.sh_rest[i] = (static_cast<float>(sh[i]) - 128.0F) / 128.0F;
  }
  return cloud;
}

}  // namespace

Result<Bytes> encode_spz(const GaussianCloud& cloud, const SpzOptions& options) {
  if (cloud.size() == 0 || cloud.size() > kMaxSpzGaussians) {
    return bad("1 to " + std::to_string(kMaxSpzGaussians) + " gaussians can be packed, not " +
               std::to_string(cloud.size()));
  }
  for (std::size_t i = 0; i < cloud.size(); ++i) {
    if (!is_packable(cloud, i)) {
      return bad("gaussian " + std::to_string(i) + " has a parameter that is not finite");
    }
  }
  if (!std::all_of(cloud.sh_rest.begin(), cloud.sh_rest.end(),
                   [](float value) { return std::isfinite(value); })) {
    return bad("a spherical-harmonic coefficient is not finite");
  }
  return compress_spz(pack(cloud), options);
}

Result<GaussianCloud> decode_spz(ByteView file) {
  LODE_TRY(const Bytes body, decompress_spz(file, kMaxBodyBytes));
  LODE_TRY(const Header header, ByteReader(body).read<Header>("SPZ header"));
  LODE_CHECK(validate(header, body.size()));
  GaussianCloud cloud = unpack(header, body);
  if (header.version == 1) {
    for (std::size_t i = 0; i < cloud.size(); ++i) {
      if (!is_packable(cloud, i)) {
        return bad("gaussian " + std::to_string(i) + " has a position that is not finite");
      }
    }
  }
  return cloud;
}

}  // namespace lode::splat

#include "splat/kernels_internal.h"

#include <cmath>

// Highway compiles this file once for each instruction set.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "splat/kernels.cpp"
#include <hwy/foreach_target.h>
// Must come after foreach_target.h.
#include <hwy/contrib/math/math-inl.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace lode::splat::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using Floats = hn::ScalableTag<float>;

bool all_finite(const float* values, std::size_t count) {
  const Floats d;
  const hn::RebindToUnsigned<Floats> bits;
  const std::size_t lanes = hn::Lanes(d);
  auto bad = hn::Zero(bits);
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    const auto v = hn::LoadU(d, values + i);
    bad = hn::Or(bad, hn::BitCast(bits, hn::Sub(v, v)));  // zero for finite values, else NaN
  }
  bool good = hn::AllTrue(bits, hn::Eq(bad, hn::Zero(bits)));
  for (; i < count; ++i) {
    good &= std::isfinite(values[i]);
  }
  return good;
}

bool none_nan(const float* values, std::size_t count) {
  const Floats d;
  const std::size_t lanes = hn::Lanes(d);
  bool good = true;
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    const auto v = hn::LoadU(d, values + i);
    good &= hn::AllTrue(d, hn::Eq(v, v));
  }
  for (; i < count; ++i) {
    good &= !std::isnan(values[i]);
  }
  return good;
}

/// Codes 0..255 of values, half rounded away from zero: below zero everything becomes 0.
template <class V>
HWY_INLINE auto to_bytes(Floats d, V value) {
  const auto clamped = hn::Min(hn::Max(value, hn::Zero(d)), hn::Set(d, 255.0F));
  const auto rounded =
      hn::ConvertTo(hn::RebindToSigned<Floats>(), hn::Add(clamped, hn::Set(d, 0x1.fffffep-2F)));
  return hn::DemoteTo(hn::Rebind<std::uint8_t, Floats>(), rounded);
}

std::size_t pack_bytes(const float* in, std::size_t count, float scale, float offset,
                       std::uint8_t* out) {
  const Floats d;
  const std::size_t lanes = hn::Lanes(d);
  const auto factor = hn::Set(d, scale), summand = hn::Set(d, offset);
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    const auto value = hn::Add(hn::Mul(hn::LoadU(d, in + i), factor), summand);
    hn::StoreU(to_bytes(d, value), hn::Rebind<std::uint8_t, Floats>(), out + i);
  }
  return i;
}

#if HWY_TARGET == HWY_SCALAR
// Has no vectors of four: everything is left to the caller.
std::size_t pack_fixed24(const float*, std::size_t, float, std::uint8_t*) { return 0; }
std::size_t unpack_fixed24(const std::uint8_t*, std::size_t, float, float*) { return 0; }
#else
using Four = hn::FixedTag<float, 4>;

/// Byte shuffles between four 32-bit lanes and four 24-bit codes.
alignas(16) constexpr std::uint8_t kDropHighBytes[16] = {0,  1,  2,  4,  5,    6,    8,    9,
                                                         10, 12, 13, 14, 0x80, 0x80, 0x80, 0x80};
alignas(16) constexpr std::uint8_t kToHighBytes[16] = {0x80, 0, 1, 2, 0x80, 3, 4,  5,
                                                       0x80, 6, 7, 8, 0x80, 9, 10, 11};

std::size_t pack_fixed24(const float* in, std::size_t count, float scale, std::uint8_t* out) {
  const Four d;
  const hn::Repartition<std::uint8_t, Four> bytes;
  const auto factor = hn::Set(d, scale);
  const auto low = hn::Set(d, -0x1p23F), high = hn::Set(d, 0x1p23F - 1);
  const auto shuffle = hn::Load(bytes, kDropHighBytes);
  std::size_t i = 0;
  for (; i + 6 <= count; i += 4) {  // stores 16 bytes, of which 12 count
    const auto value = hn::Min(hn::Max(hn::Mul(hn::LoadU(d, in + i), factor), low), high);
    const auto half = hn::CopySign(hn::Set(d, 0x1.fffffep-2F), value);
    const auto fixed = hn::ConvertTo(hn::RebindToSigned<Four>(), hn::Add(value, half));
    hn::StoreU(hn::TableLookupBytesOr0(hn::BitCast(bytes, fixed), shuffle), bytes, out + i * 3);
  }
  return i;
}

std::size_t unpack_fixed24(const std::uint8_t* in, std::size_t count, float step, float* out) {
  const Four d;
  const hn::RebindToSigned<Four> integers;
  const hn::Repartition<std::uint8_t, Four> bytes;
  const auto factor = hn::Set(d, step);
  const auto shuffle = hn::Load(bytes, kToHighBytes);
  std::size_t i = 0;
  for (; i + 6 <= count; i += 4) {  // loads 16 bytes, of which 12 count
    const auto codes = hn::TableLookupBytesOr0(hn::LoadU(bytes, in + i * 3), shuffle);
    const auto fixed = hn::ShiftRight<8>(hn::BitCast(integers, codes));  // extends the sign
    hn::StoreU(hn::Mul(hn::ConvertTo(d, fixed), factor), d, out + i);
  }
  return i;
}
#endif

std::size_t pack_alphas(const float* logits, std::size_t count, std::uint8_t* out) {
  const Floats d;
  const std::size_t lanes = hn::Lanes(d);
  const auto one = hn::Set(d, 1.0F), half = hn::Set(d, 0.5F), top = hn::Set(d, 255.0F);
  // Beyond +-88 the code is 0 or 255 anyway, and e^88 is still finite.
  const auto limit = hn::Set(d, 88.0F);
  // This exponential is within an ulp or two of std::exp, so 255 times the sigmoid is within 1e-4.
  // Only nearer than this to a boundary between codes could the two round apart.
  const auto doubt = hn::Set(d, 0x1p-10F);
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    const auto logit = hn::Max(hn::Min(hn::LoadU(d, logits + i), limit), hn::Neg(limit));
    const auto code = hn::Div(top, hn::Add(one, hn::Exp(d, hn::Neg(logit))));
    const auto fraction = hn::Sub(code, hn::Floor(code));
    if (HWY_UNLIKELY(!hn::AllFalse(d, hn::Lt(hn::Abs(hn::Sub(fraction, half)), doubt)))) {
      for (std::size_t k = i; k < i + lanes; ++k) {
        out[k] =
            static_cast<std::uint8_t>(round_half_away(1 / (1 + std::exp(-logits[k])) * 255.0F));
      }
    } else {
      hn::StoreU(to_bytes(d, code), hn::Rebind<std::uint8_t, Floats>(), out + i);
    }
  }
  return i;
}

std::size_t pack_rotations(const float* xyzw, std::size_t count, std::uint8_t* out) {
  const Floats d;
  const std::size_t lanes = hn::Lanes(d);
  const auto step = hn::Set(d, 127.5F);
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    auto x = hn::Undefined(d), y = x, z = x, w = x;
    hn::LoadInterleaved4(d, xyzw + i * 4, x, y, z, w);
    const auto square =
        hn::Add(hn::Add(hn::Add(hn::Mul(x, x), hn::Mul(y, y)), hn::Mul(z, z)), hn::Mul(w, w));
    const auto norm = hn::Sqrt(square);
    const auto has_direction = hn::Gt(norm, hn::Zero(d));
    const auto is_negative = hn::Lt(hn::Div(w, norm), hn::Zero(d));
    const auto scale = hn::IfThenElse(is_negative, hn::Neg(step), step);
    const auto code = [&](auto v) HWY_ATTR {
      const auto unit = hn::IfThenElseZero(has_direction, hn::Div(v, norm));
      return to_bytes(d, hn::Add(hn::Mul(unit, scale), step));
    };
    hn::StoreInterleaved3(code(x), code(y), code(z), hn::Rebind<std::uint8_t, Floats>(),
                          out + i * 3);
  }
  return i;
}

std::size_t unpack_rotations(const std::uint8_t* in, std::size_t count, float* xyzw) {
  const Floats d;
  const std::size_t lanes = hn::Lanes(d);
  constexpr std::size_t kBatch = 64;  // a multiple of the lanes of every instruction set
  alignas(64) float parts[3][kBatch];
  const auto one = hn::Set(d, 1.0F), zero = hn::Zero(d);
  const auto step = hn::Set(d, 1 / 127.5F);
  std::size_t i = 0;
  for (; i + kBatch <= count; i += kBatch) {
    for (std::size_t k = 0; k < kBatch; ++k) {
      parts[0][k] = in[(i + k) * 3];
      parts[1][k] = in[(i + k) * 3 + 1];
      parts[2][k] = in[(i + k) * 3 + 2];
    }
    for (std::size_t k = 0; k < kBatch; k += lanes) {
      const auto x = hn::Sub(hn::Mul(hn::Load(d, parts[0] + k), step), one);
      const auto y = hn::Sub(hn::Mul(hn::Load(d, parts[1] + k), step), one);
      const auto z = hn::Sub(hn::Mul(hn::Load(d, parts[2] + k), step), one);
      const auto square = hn::Add(hn::Add(hn::Mul(x, x), hn::Mul(y, y)), hn::Mul(z, z));
      const auto w = hn::Sqrt(hn::Max(zero, hn::Sub(one, square)));
      hn::StoreInterleaved4(x, y, z, w, d, xyzw + (i + k) * 4);
    }
  }
  return i;
}

}  // namespace lode::splat::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lode::splat::kernels {

HWY_EXPORT(all_finite);
HWY_EXPORT(none_nan);
HWY_EXPORT(pack_bytes);
HWY_EXPORT(pack_fixed24);
HWY_EXPORT(unpack_fixed24);
HWY_EXPORT(pack_alphas);
HWY_EXPORT(pack_rotations);
HWY_EXPORT(unpack_rotations);

bool all_finite(const float* values, std::size_t count) {
  return HWY_DYNAMIC_DISPATCH(all_finite)(values, count);
}

bool none_nan(const float* values, std::size_t count) {
  return HWY_DYNAMIC_DISPATCH(none_nan)(values, count);
}

std::size_t pack_bytes(const float* in, std::size_t count, float scale, float offset,
                       std::uint8_t* out) {
  return HWY_DYNAMIC_DISPATCH(pack_bytes)(in, count, scale, offset, out);
}

std::size_t pack_fixed24(const float* in, std::size_t count, float scale, std::uint8_t* out) {
  return HWY_DYNAMIC_DISPATCH(pack_fixed24)(in, count, scale, out);
}

std::size_t unpack_fixed24(const std::uint8_t* in, std::size_t count, float step, float* out) {
  return HWY_DYNAMIC_DISPATCH(unpack_fixed24)(in, count, step, out);
}

std::size_t pack_alphas(const float* logits, std::size_t count, std::uint8_t* out) {
  return HWY_DYNAMIC_DISPATCH(pack_alphas)(logits, count, out);
}

std::size_t pack_rotations(const float* xyzw, std::size_t count, std::uint8_t* out) {
  return HWY_DYNAMIC_DISPATCH(pack_rotations)(xyzw, count, out);
}

std::size_t unpack_rotations(const std::uint8_t* in, std::size_t count, float* xyzw) {
  return HWY_DYNAMIC_DISPATCH(unpack_rotations)(in, count, xyzw);
}

}  // namespace lode::splat::kernels
#endif  // HWY_ONCE

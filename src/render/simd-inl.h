// Vector arithmetic that the kernels share. Included once for every instruction set, by the rules
// of Highway's foreach_target.h; hence no ordinary include guard.
#if defined(LODE_RENDER_SIMD_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef LODE_RENDER_SIMD_INL_H_
#undef LODE_RENDER_SIMD_INL_H_
#else
#define LODE_RENDER_SIMD_INL_H_
#endif

#include <hwy/highway.h>

#include "render/render_internal.h"

HWY_BEFORE_NAMESPACE();
namespace lode::render::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// As many floats as a register holds, at most a block of pixels.
using F32 = hn::CappedTag<float, kBlockPixels>;
using I32 = hn::Rebind<std::int32_t, F32>;
using Vec = hn::Vec<F32>;
using Mask = hn::Mask<F32>;

/// While it lives, this thread computes 0 instead of denormals, which are slow, and which the
/// transmittance of a finished pixel, falling without end, becomes. Elsewhere than on x86 it does
/// nothing.
class FlushDenormals {
 public:
#if HWY_ARCH_X86
  FlushDenormals() : before_(_mm_getcsr()) {
    _mm_setcsr(before_ | kFlushToZero | kDenormalsAreZero);
  }
  ~FlushDenormals() { _mm_setcsr(before_); }

 private:
  static constexpr unsigned kFlushToZero = 0x8000, kDenormalsAreZero = 0x0040;
  unsigned before_;
#else
  FlushDenormals() {}
#endif
};

HWY_INLINE Vec set(float value) { return hn::Set(F32(), value); }

/// 2^x for -126 <= x <= 127, relative error below 3e-7; any other x gives some bits. The integer
/// part goes to the exponent by the addition of 1.5 * 2^23, the rest through a polynomial that
/// meets it at the Chebyshev nodes of [-1/2, 1/2].
HWY_INLINE Vec exp2(Vec x) {
  const Vec magic = set(12582912.0F);
  const Vec shifted = x + magic;
  const Vec f = x - (shifted - magic);
  Vec value = hn::MulAdd(f, set(1.33813025e-3F), set(9.66636852e-3F));
  value = hn::MulAdd(value, f, set(5.55038101e-2F));
  value = hn::MulAdd(value, f, set(2.40223490e-1F));
  value = hn::MulAdd(value, f, set(6.93147181e-1F));
  value = hn::MulAdd(value, f, set(1.0F));
  const auto whole = hn::ShiftLeft<23>(hn::BitCast(I32(), shifted));
  return hn::BitCast(F32(), hn::BitCast(I32(), value) + whole);
}

/// A splat's reach over the pixels of a register.
struct Reach {
  Vec dx, dy;
  Vec bent;   // dx - shear dy
  Vec power;  // log2 of the unclamped alpha
};

HWY_INLINE Reach reach(const Splat& splat, Vec pixel_x, Vec pixel_y) {
  Reach r;
  r.dx = set(splat.x) - pixel_x;
  r.dy = set(splat.y) - pixel_y;
  r.bent = hn::NegMulAdd(set(splat.shear), r.dy, r.dx);
  const Vec along = hn::NegMulAdd(set(splat.q) * r.dy, r.dy, set(splat.log_opacity));
  r.power = hn::NegMulAdd(set(splat.p) * r.bent, r.bent, along);
  return r;
}

/// Offsets of pixel centres in a block, row by row.
alignas(64) inline constexpr float kPixelX[kBlockPixels] = {
    0.5F, 1.5F, 2.5F, 3.5F, 0.5F, 1.5F, 2.5F, 3.5F, 0.5F, 1.5F, 2.5F, 3.5F, 0.5F, 1.5F, 2.5F, 3.5F};
alignas(64) inline constexpr float kPixelY[kBlockPixels] = {
    0.5F, 0.5F, 0.5F, 0.5F, 1.5F, 1.5F, 1.5F, 1.5F, 2.5F, 2.5F, 2.5F, 2.5F, 3.5F, 3.5F, 3.5F, 3.5F};

}  // namespace lode::render::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif

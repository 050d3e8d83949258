// GIF animations through giflib.
#include <gif_lib.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "image/animation.h"
#include "image/animation_internal.h"

namespace lode::image {
namespace {

constexpr int kColours = 256;
constexpr int kMaxSide = 65535;  // 16 bits in the file

int write_bytes(GifFileType* gif, const GifByteType* data, int count) {
  auto* bytes = static_cast<Bytes*>(gif->UserData);
  bytes->insert(bytes->end(), data, data + count);
  return count;
}

/// A frame in 256 colours.
struct Indexed {
  std::array<GifColorType, kColours> palette{};
  std::vector<GifByteType> indices;  // [H, W]
};

/// Pixels whose colours agree in their upper kCellBits bits, and the mean of those colours.
struct Cell {
  std::array<float, 3> colour{};
  float count = 0;
};
constexpr int kCellBits = 6;

std::size_t cell_of(const std::uint8_t* rgb) {
  constexpr int kDropped = 8 - kCellBits;
  return (static_cast<std::size_t>(rgb[0] >> kDropped) << (2 * kCellBits)) |
         (static_cast<std::size_t>(rgb[1] >> kDropped) << kCellBits) |
         static_cast<std::size_t>(rgb[2] >> kDropped);
}

/// A picture as the cells that occur in it, and which of them every pixel is in.
struct Cells {
  std::vector<Cell> cells;
  std::vector<std::uint32_t> of_pixel;  // [H, W], into `cells`
};

Cells count_cells(const Image& rgb) {
  constexpr std::uint32_t kNone = ~0U;
  std::vector<std::uint32_t> numbers(std::size_t{1} << (3 * kCellBits), kNone);
  Cells result;
  result.of_pixel.resize(rgb.pixels.size() / 3);
  for (std::size_t i = 0; i < result.of_pixel.size(); ++i) {
    const std::uint8_t* p = &rgb.pixels[3 * i];
    std::uint32_t& number = numbers[cell_of(p)];
    if (number == kNone) {
      number = static_cast<std::uint32_t>(result.cells.size());
      result.cells.emplace_back();
    }
    Cell& cell = result.cells[number];
    cell.count += 1;
    for (std::size_t c = 0; c < 3; ++c) {
      cell.colour[c] += (static_cast<float>(p[c]) - cell.colour[c]) / cell.count;
    }
    result.of_pixel[i] = number;
  }
  return result;
}

/// The palette as whole numbers, by channel, so that the search below is done in vectors.
struct Palette {
  std::array<std::array<std::int32_t, kColours>, 3> channels{};
};

/// giflib's median cut, which looks at five bits of a value only: no more than the first guess.
/// Cells count by the root of their pixels: by all of them the background takes the palette.
Result<Palette> first_palette(const std::vector<Cell>& cells) {
  std::array<std::vector<GifByteType>, 3> planes;
  for (const Cell& cell : cells) {
    const auto weight = static_cast<std::size_t>(1 + std::sqrt(cell.count));
    for (std::size_t c = 0; c < 3; ++c) {
      planes[c].insert(planes[c].end(), weight,
                       static_cast<GifByteType>(std::lround(cell.colour[c])));
    }
  }
  std::vector<GifByteType> indices(planes[0].size());
  std::array<GifColorType, kColours> colours{};
  int count = kColours;
  if (GifQuantizeBuffer(static_cast<unsigned>(indices.size()), 1, &count, planes[0].data(),
                        planes[1].data(), planes[2].data(), indices.data(),
                        colours.data()) != GIF_OK) {
    return fail(Errc::internal, "GIF: giflib could not choose colours");
  }
  Palette palette;
  for (std::size_t k = 0; k < kColours; ++k) {
    palette.channels[0][k] = colours[k].Red;
    palette.channels[1][k] = colours[k].Green;
    palette.channels[2][k] = colours[k].Blue;
  }
  return palette;
}

struct Nearest {
  std::uint8_t index = 0;
  std::int32_t squared_distance = 0;
};

Nearest nearest(const Palette& palette, const std::array<float, 3>& colour) {
  std::array<std::int32_t, 3> wanted{};
  std::transform(colour.begin(), colour.end(), wanted.begin(),
                 [](float value) { return static_cast<std::int32_t>(std::lround(value)); });
  // Squared distance, at most 3 * 255^2 < 2^18, and the colour's number in one word: the least word
  // is the answer.
  std::array<std::int32_t, kColours> words;
  for (std::size_t k = 0; k < kColours; ++k) {
    const std::int32_t r = palette.channels[0][k] - wanted[0];
    const std::int32_t g = palette.channels[1][k] - wanted[1];
    const std::int32_t b = palette.channels[2][k] - wanted[2];
    words[k] = (r * r + g * g + b * b) * kColours + static_cast<std::int32_t>(k);
  }
  std::int32_t least = words[0];
  for (const std::int32_t word : words) {
    least = std::min(least, word);
  }
  return {static_cast<std::uint8_t>(least % kColours), least / kColours};
}

double squared_error(const std::vector<Cell>& cells, const Palette& palette) {
  double sum = 0;
  for (const Cell& cell : cells) {
    sum += static_cast<double>(cell.count) * nearest(palette, cell.colour).squared_distance;
  }
  return sum;
}

/// One round of k-means: gives every cell to its nearest colour, then moves the colours to the mean
/// of their cells.
void refine(const std::vector<Cell>& cells, Palette& palette) {
  std::array<std::array<float, kColours>, 3> sums{};
  std::array<float, kColours> counts{};
  for (const Cell& cell : cells) {
    const std::uint8_t k = nearest(palette, cell.colour).index;
    counts[k] += cell.count;
    for (std::size_t c = 0; c < 3; ++c) {
      sums[c][k] += cell.count * cell.colour[c];
    }
  }
  for (std::size_t k = 0; k < kColours; ++k) {
    for (std::size_t c = 0; c < 3 && counts[k] > 0; ++c) {
      palette.channels[c][k] = static_cast<std::int32_t>(std::lround(sums[c][k] / counts[k]));
    }
  }
}

/// The frame's palette. It begins with that of the frame before, if there is one and the picture
/// has not changed so much that a first guess is better: colours that last do not flicker, and
/// k-means goes on where it stopped (of a turning hamburger 43 dB instead of 41).
Result<Palette> choose_palette(const std::vector<Cell>& cells, const Palette* before) {
  constexpr int kRounds = 8;
  LODE_TRY(Palette palette, first_palette(cells));
  if (before != nullptr && squared_error(cells, *before) < squared_error(cells, palette)) {
    palette = *before;
  }
  for (int round = 0; round < kRounds; ++round) {
    refine(cells, palette);
  }
  return palette;
}

Indexed apply(const Palette& palette, const Cells& picture) {
  Indexed indexed;
  for (std::size_t k = 0; k < kColours; ++k) {
    const auto byte = [&palette, k](std::size_t c) {
      return static_cast<GifByteType>(palette.channels[c][k]);
    };
    indexed.palette[k] = {byte(0), byte(1), byte(2)};
  }
  std::vector<std::uint8_t> owners;
  owners.reserve(picture.cells.size());
  for (const Cell& cell : picture.cells) {
    owners.push_back(nearest(palette, cell.colour).index);
  }
  indexed.indices.reserve(picture.of_pixel.size());
  for (const std::uint32_t cell : picture.of_pixel) {
    indexed.indices.push_back(owners[cell]);
  }
  return indexed;
}

class GifEncoder final : public AnimationEncoder {
 public:
  explicit GifEncoder(int frames_per_second) : frames_per_second_(frames_per_second) {
    gif_ = EGifOpen(&bytes_, write_bytes, &error_);
  }
  ~GifEncoder() override {
    if (gif_ != nullptr) {
      EGifCloseFile(gif_, &error_);
    }
  }
  GifEncoder(const GifEncoder&) = delete;
  GifEncoder& operator=(const GifEncoder&) = delete;

  Result<void> add(const Image& frame) override {
    LODE_CHECK(validate_frame("GIF", frame, {count_, width_, height_, kMaxSide}));
    if (count_ == 0 && !write_header(frame)) {
      return failure();
    }
    const Cells picture = count_cells(composite_over(frame, {255, 255, 255}));
    LODE_TRY(palette_, choose_palette(picture.cells, count_ > 0 ? &palette_ : nullptr));
    Indexed indexed = apply(palette_, picture);
    if (!write_frame(indexed)) {
      return failure();
    }
    ++count_;
    return {};
  }

  Result<Bytes> finish() override {
    if (count_ == 0) {
      return fail(Errc::invalid_input, "GIF: an animation without frames");
    }
    GifFileType* gif = std::exchange(gif_, nullptr);
    if (EGifCloseFile(gif, &error_) != GIF_OK) {
      return failure();
    }
    return std::move(bytes_);
  }

 private:
  Error failure() const {
    const char* text = GifErrorString(gif_ != nullptr ? gif_->Error : error_);
    return fail(Errc::internal,
                std::string("GIF: ") + (text != nullptr ? text : "giflib reported no reason"));
  }

  bool write_header(const Image& frame) {
    if (gif_ == nullptr) {
      return false;
    }
    width_ = frame.width;
    height_ = frame.height;
    constexpr int kBitsPerColour = 8;
    // Netscape's looping extension: sub-block 1, a 16-bit count, where 0 is for ever.
    constexpr std::array<GifByteType, 3> kLoopForEver = {1, 0, 0};
    EGifSetGifVersion(gif_, true);
    return EGifPutScreenDesc(gif_, width_, height_, kBitsPerColour, 0, nullptr) == GIF_OK &&
           EGifPutExtensionLeader(gif_, APPLICATION_EXT_FUNC_CODE) == GIF_OK &&
           EGifPutExtensionBlock(gif_, 11, "NETSCAPE2.0") == GIF_OK &&
           EGifPutExtensionBlock(gif_, kLoopForEver.size(), kLoopForEver.data()) == GIF_OK &&
           EGifPutExtensionTrailer(gif_) == GIF_OK;
  }

  bool write_frame(Indexed& indexed) {
    const auto hundredths_until = [this](int frame) {
      return static_cast<int>(std::lround(100.0 * frame / frames_per_second_));
    };
    const GraphicsControlBlock control{DISPOSE_DO_NOT, false,
                                       hundredths_until(count_ + 1) - hundredths_until(count_),
                                       NO_TRANSPARENT_COLOR};
    std::array<GifByteType, 4> packed{};
    EGifGCBToExtension(&control, packed.data());
    ColorMapObject* palette = GifMakeMapObject(kColours, indexed.palette.data());
    const bool begun =
        palette != nullptr &&
        EGifPutExtension(gif_, GRAPHICS_EXT_FUNC_CODE, packed.size(), packed.data()) == GIF_OK &&
        EGifPutImageDesc(gif_, 0, 0, width_, height_, false, palette) == GIF_OK;
    GifFreeMapObject(palette);
    for (int y = 0; begun && y < height_; ++y) {
      GifByteType* row = &indexed.indices[static_cast<std::size_t>(y) * width_];
      if (EGifPutLine(gif_, row, width_) != GIF_OK) {
        return false;
      }
    }
    return begun;
  }

  int frames_per_second_;
  int count_ = 0, width_ = 0, height_ = 0;
  Palette palette_;  // of the last frame
  Bytes bytes_;
  int error_ = 0;
  GifFileType* gif_ = nullptr;
};

}  // namespace

Result<std::unique_ptr<AnimationEncoder>> gif_encoder(int frames_per_second) {
  LODE_CHECK(validate_rate("GIF", frames_per_second, kMaxGifFramesPerSecond));
  return std::unique_ptr<AnimationEncoder>(std::make_unique<GifEncoder>(frames_per_second));
}

}  // namespace lode::image

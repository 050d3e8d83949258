// The first frame of a GIF, through giflib.
#include <gif_lib.h>

#include <cstring>
#include <memory>

#include "image/codec_internal.h"

namespace lode::image {
namespace {

struct CloseGif {
  void operator()(GifFileType* gif) const { DGifCloseFile(gif, nullptr); }
};
using Gif = std::unique_ptr<GifFileType, CloseGif>;

int read_bytes(GifFileType* gif, GifByteType* out, int count) {
  auto& rest = *static_cast<ByteView*>(gif->UserData);
  const std::size_t taken = std::min(rest.size(), static_cast<std::size_t>(count));
  std::memcpy(out, rest.data(), taken);
  rest = rest.subspan(taken);
  return static_cast<int>(taken);
}

Error broken(const Gif& gif) {
  const char* why = GifErrorString(gif ? gif->Error : D_GIF_ERR_READ_FAILED);
  return fail(Errc::invalid_input,
              std::string("GIF: broken or cut short: ") + (why != nullptr ? why : "unknown"));
}

/// Reads an extension block; the index of the transparent colour is kept if it holds one.
Result<void> read_extension(const Gif& gif, int& transparent) {
  int code = 0;
  GifByteType* block = nullptr;
  if (DGifGetExtension(gif.get(), &code, &block) != GIF_OK) {
    return broken(gif);
  }
  while (block != nullptr) {
    GraphicsControlBlock control{};
    if (code == GRAPHICS_EXT_FUNC_CODE &&
        DGifExtensionToGCB(block[0], block + 1, &control) == GIF_OK) {
      transparent = control.TransparentColor;
    }
    if (DGifGetExtensionNext(gif.get(), &block) != GIF_OK) {
      return broken(gif);
    }
  }
  return {};
}

/// Passes over the pixels of a later frame without decompressing them.
Result<void> skip_frame(const Gif& gif) {
  int code_size = 0;
  GifByteType* block = nullptr;
  if (DGifGetImageDesc(gif.get()) != GIF_OK ||
      DGifGetCode(gif.get(), &code_size, &block) != GIF_OK) {
    return broken(gif);
  }
  while (block != nullptr) {
    if (DGifGetCodeNext(gif.get(), &block) != GIF_OK) {
      return broken(gif);
    }
  }
  return {};
}

/// The order in which rows are stored: as they are, or in GIF's four interlaced passes.
std::vector<int> row_order(int height, bool is_interlaced) {
  std::vector<int> rows;
  if (!is_interlaced) {
    for (int y = 0; y < height; ++y) {
      rows.push_back(y);
    }
    return rows;
  }
  for (const auto& [first, step] :
       {std::pair(0, 8), std::pair(4, 8), std::pair(2, 4), std::pair(1, 2)}) {
    for (int y = first; y < height; y += step) {
      rows.push_back(y);
    }
  }
  return rows;
}

/// Draws the frame at hand on the canvas, which is transparent where no pixel lands.
Result<void> draw_frame(const Gif& gif, int transparent, Image& canvas) {
  if (DGifGetImageDesc(gif.get()) != GIF_OK) {
    return broken(gif);
  }
  const GifImageDesc& frame = gif->Image;
  LODE_CHECK(validate_size("GIF", frame.Width, frame.Height));
  const ColorMapObject* colours = frame.ColorMap != nullptr ? frame.ColorMap : gif->SColorMap;
  if (colours == nullptr) {
    return fail(Errc::invalid_input, "GIF: a frame without a palette");
  }
  std::vector<GifPixelType> line(static_cast<std::size_t>(frame.Width));
  for (const int y : row_order(frame.Height, frame.Interlace)) {
    if (DGifGetLine(gif.get(), line.data(), frame.Width) != GIF_OK) {
      return broken(gif);
    }
    for (int x = 0; x < frame.Width; ++x) {
      const int colour = line[static_cast<std::size_t>(x)];
      const int to_x = frame.Left + x, to_y = frame.Top + y;
      if (colour == transparent || colour >= colours->ColorCount || to_x >= canvas.width ||
          to_y >= canvas.height) {
        continue;
      }
      const GifColorType& rgb = colours->Colors[colour];
      std::uint8_t* pixel = canvas.at(to_x, to_y);
      pixel[0] = rgb.Red;
      pixel[1] = rgb.Green;
      pixel[2] = rgb.Blue;
      pixel[3] = 255;
    }
  }
  return {};
}

/// Without its alpha when every pixel is opaque.
Image without_useless_alpha(Image image) {
  for (std::size_t i = 3; i < image.pixels.size(); i += 4) {
    if (image.pixels[i] != 255) {
      return image;
    }
  }
  return composite_over(image, {0, 0, 0});
}

/// Reads records to the end of the file: the first frame is drawn, later ones are counted.
Result<int> read_records(const Gif& gif, Image& canvas) {
  int frames = 0, transparent = NO_TRANSPARENT_COLOR;
  GifRecordType record = UNDEFINED_RECORD_TYPE;
  while (record != TERMINATE_RECORD_TYPE) {
    if (DGifGetRecordType(gif.get(), &record) != GIF_OK) {
      return broken(gif);
    }
    if (record == EXTENSION_RECORD_TYPE) {
      LODE_CHECK(read_extension(gif, transparent));
    } else if (record == IMAGE_DESC_RECORD_TYPE) {
      LODE_CHECK(frames == 0 ? draw_frame(gif, transparent, canvas) : skip_frame(gif));
      ++frames;
    }
  }
  return frames;
}

}  // namespace

Result<StoredPicture> decode_gif(ByteView bytes) {
  int error = 0;
  const Gif gif(DGifOpen(&bytes, read_bytes, &error));
  if (!gif) {
    return broken(gif);
  }
  LODE_CHECK(validate_size("GIF", gif->SWidth, gif->SHeight));
  Image canvas(gif->SWidth, gif->SHeight, 4, 0);
  LODE_TRY(const int frames, read_records(gif, canvas));
  if (frames == 0) {
    return fail(Errc::invalid_input, "GIF: no frame");
  }
  StoredPicture picture;
  picture.image = without_useless_alpha(std::move(canvas));
  if (frames > 1) {
    picture.notes.push_back("the first of " + std::to_string(frames) + " frames of an animation");
  }
  return picture;
}

}  // namespace lode::image

#!/usr/bin/env python3
"""Writes tests/golden/image/odd/: small pictures in the forms that decoders trip over.

Usage: odd_images.py FOLDER    (needs Pillow)

Every one shows the same quarters (red, green, blue, white), 16x12 pixels, unless its name says otherwise.
"""
import pathlib
import sys

from PIL import Image, ImageCms

QUARTERS = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)]


def quarters(width=16, height=12):
    image = Image.new("RGB", (width, height))
    for i, colour in enumerate(QUARTERS):
        image.paste(colour, (i % 2 * width // 2, i // 2 * height // 2, (i % 2 + 1) * width // 2, (i // 2 + 1) * height // 2))
    return image


def exif(orientation):
    data = Image.Exif()
    data[0x0112] = orientation
    return data.tobytes()


def stored_for(orientation):
    """What a camera stores so that `orientation` turns it into the quarters."""
    backwards = {2: [Image.FLIP_LEFT_RIGHT], 3: [Image.ROTATE_180], 4: [Image.FLIP_TOP_BOTTOM], 5: [Image.TRANSPOSE],
                 6: [Image.ROTATE_90], 7: [Image.TRANSVERSE], 8: [Image.ROTATE_270]}
    image = quarters()
    for step in backwards.get(orientation, []):
        image = image.transpose(step)
    return image


def swapped_profile():
    """An sRGB profile whose red and blue primaries are exchanged: converting by it exchanges the channels."""
    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    for tag in range(int.from_bytes(data[128:132], "big")):
        at = 132 + 12 * tag
        if data[at:at + 4] in (b"rXYZ", b"bXYZ"):
            data[at:at + 4] = b"bXYZ" if data[at:at + 4] == b"rXYZ" else b"rXYZ"
    return bytes(data)


def main():
    out = pathlib.Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    picture = quarters()
    picture.convert("CMYK").save(out / "cmyk.jpg", quality=95, subsampling=0)
    for orientation in range(1, 9):
        stored_for(orientation).save(out / f"exif{orientation}.jpg", quality=95, subsampling=0, exif=exif(orientation))
    stored_for(6).save(out / "exif6.png", exif=exif(6))
    stored_for(6).save(out / "exif6.webp", lossless=True, exif=exif(6))
    picture.save(out / "swapped_profile.png", icc_profile=swapped_profile())
    picture.save(out / "swapped_profile.jpg", quality=95, subsampling=0, icc_profile=swapped_profile())
    picture.save(out / "swapped_profile.webp", lossless=True, icc_profile=swapped_profile())
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    picture.save(out / "srgb_profile.png", icc_profile=srgb)
    picture.save(out / "broken_profile.png", icc_profile=srgb[:200])
    later = [picture.transpose(Image.ROTATE_180), Image.new("RGB", picture.size)]
    picture.save(out / "animated.gif", save_all=True, append_images=later, duration=100)
    picture.save(out / "animated.webp", save_all=True, append_images=later, duration=100, lossless=True)
    picture.save(out / "animated.png", save_all=True, append_images=later, duration=100)
    palette = picture.quantize(4)
    palette.save(out / "still.gif")
    blue = palette.getpixel((0, 11))
    palette.save(out / "transparent_blue.gif", transparency=blue)
    palette.save(out / "transparent_blue.png", transparency=blue)
    Image.new("I;16", (3, 2), 0x8080).save(out / "grey16.png")
    Image.new("LA", (3, 2), (90, 128)).save(out / "grey_alpha.png")
    Image.new("1", (9, 2), 1).save(out / "one_bit.png")
    picture.convert("L").save(out / "grey.jpg", quality=95)


main()

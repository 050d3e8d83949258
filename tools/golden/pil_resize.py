#!/usr/bin/env python3
"""Writes tests/golden/image/pil_resize.txt: checksums of Pillow's resize for many sizes and filters.

Usage: pil_resize.py OUT    (needs Pillow below 13 and numpy)

Pillow 13 runs the columns first for some pictures that grow in width and shrink in height; everything before it runs the
rows first, which is what the networks were trained behind.

The pictures are made by a formula, so that the test makes the same ones and no pixels are stored.
A line: filter, mode, width, height, new width, new height, CRC-32 of the result's bytes.
"""
import sys
import zlib

import numpy
import PIL
from PIL import Image

FILTERS = {"box": Image.BOX, "bilinear": Image.BILINEAR, "bicubic": Image.BICUBIC, "lanczos": Image.LANCZOS}
MODES = {"L": 1, "RGB": 3, "RGBA": 4}
SIZES = [
    ((1, 1), (1, 1)), ((1, 1), (7, 5)), ((7, 5), (1, 1)), ((2, 3), (3, 2)), ((16, 16), (16, 16)),
    ((16, 16), (16, 9)), ((16, 16), (5, 16)), ((31, 17), (64, 64)), ((64, 64), (31, 17)), ((100, 3), (7, 90)),
    ((257, 129), (64, 64)), ((50, 50), (224, 224)), ((320, 240), (299, 224)), ((97, 89), (96, 88)), ((200, 200), (3, 199)),
]


def picture(width, height, channels):
    """Noise with flat runs and full-range edges."""
    i = numpy.arange(width * height * channels, dtype=numpy.uint64)
    values = ((i * 2654435761 % 2**32) >> 13) % 256
    values = numpy.where(i // 97 % 3 == 0, 255 * (i // 11 % 2), values)
    return values.astype(numpy.uint8).reshape(height, width, channels)


def main():
    lines = [f"# Pillow {PIL.__version__}"]
    for name, resample in FILTERS.items():
        for mode, channels in MODES.items():
            for (width, height), size in SIZES:
                image = Image.fromarray(picture(width, height, channels).squeeze(2) if channels == 1 else
                                        picture(width, height, channels), mode)
                out = image.resize(size, resample).tobytes()
                lines.append(f"{name} {mode} {width} {height} {size[0]} {size[1]} {zlib.crc32(out):08x}")
    open(sys.argv[1], "w").write("\n".join(lines) + "\n")


main()

#!/usr/bin/env python3
"""Makes tests/golden/birefnet/pictures: what Pillow, torchvision and BiRefNet's image_proc.py do around the network.

Usage: birefnet_pictures.py --reference CHECKOUT OUT

Small picture files with the pixels they decode to, resizing of pictures and masks, and the foreground's colour at
soft edges. tests/golden/birefnet/README.md lists the tensors.
"""
import argparse
import pathlib
import struct
import sys
import zlib

import numpy
import torch
from PIL import Image, ImageCms, ImageOps
from safetensors.torch import save_file
from torchvision import transforms

WIDTH, HEIGHT = 20, 12
EXIF_ORIENTATION = 0x0112


def picture(width, height, seed):
    """Smooth colour with a sharp disc and some grain, RGB."""
    draw = numpy.random.default_rng(seed)
    y, x = numpy.mgrid[0:height, 0:width].astype(numpy.float64)
    u, v = x / max(width - 1, 1), y / max(height - 1, 1)
    image = numpy.stack([255 * u, 255 * v, 255 * (1 - u) * (1 - v)], -1)
    disc = (u - 0.55) ** 2 + (v - 0.45) ** 2 < 0.09
    image[disc] = (250, 30, 60)
    return Image.fromarray((image + draw.normal(0, 8, image.shape)).clip(0, 255).astype(numpy.uint8))


def mask(width, height, edge):
    """A disc of 255 with a ramp of `edge` pixels to 0, L."""
    y, x = numpy.mgrid[0:height, 0:width].astype(numpy.float64)
    distance = numpy.hypot(x - 0.52 * width, y - 0.47 * height)
    ramp = (0.32 * min(width, height) - distance) / edge + 0.5
    return Image.fromarray((255 * ramp.clip(0, 1)).astype(numpy.uint8))


def pixels(image):
    return torch.from_numpy(numpy.array(image))


def png(width, height, depth, colour, rows, *chunks):
    """A PNG from raw scanlines: Pillow writes neither 16-bit colour nor interlacing."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    body = zlib.compress(b"".join(b"\0" + row for row in rows), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + b"".join(chunks) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def odd_profile():
    """sRGB with red and blue exchanged, without its date: whoever applies it shows."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for old, new in ((b"rXYZ", b"?XYZ"), (b"bXYZ", b"rXYZ"), (b"?XYZ", b"bXYZ")):
        assert profile.count(old) == 1
        profile = profile.replace(old, new)
    return profile[:24] + bytes(12) + profile[36:]


def write_jpegs(out):
    image = picture(WIDTH, HEIGHT, 1)
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[EXIF_ORIENTATION] = orientation
        image.save(out / f"exif{orientation}.jpg", quality=95, subsampling=0, exif=exif)
    image.save(out / "subsampled.jpg", quality=90, subsampling=2)
    image.save(out / "progressive.jpg", quality=90, subsampling=0, progressive=True)
    image.convert("L").save(out / "grey.jpg", quality=90)
    cmyk = numpy.dstack([numpy.array(image), numpy.array(mask(WIDTH, HEIGHT, 6)) // 2])
    Image.fromarray(cmyk, mode="CMYK").save(out / "cmyk.jpg", quality=95, subsampling=0)


def write_pngs(out):
    image, alpha = picture(WIDTH, HEIGHT, 2), mask(WIDTH, HEIGHT, 5)
    grey = image.convert("L")
    with_alpha = image.copy()
    with_alpha.putalpha(alpha)
    with_alpha.save(out / "rgba.png")
    Image.merge("LA", (grey, alpha)).save(out / "grey_alpha.png")
    grey.save(out / "grey.png")
    grey.convert("1").save(out / "bilevel.png")
    palette = image.quantize(16, dither=Image.Dither.NONE)
    palette.save(out / "palette.png")
    palette.save(out / "palette_transparent.png", transparency=bytes([0, 96, 255, 200] + [255] * 12))
    image.save(out / "icc.png", icc_profile=odd_profile())
    corner = image.getpixel((0, 0))
    image.save(out / "rgb_colour_key.png", transparency=corner)
    exif = Image.Exif()
    exif[EXIF_ORIENTATION] = 6
    image.save(out / "exif6.png", exif=exif)
    ramp = numpy.array(image).astype(numpy.uint32) * 257 + numpy.arange(WIDTH, dtype=numpy.uint32)[None, :, None] * 9
    deep = ramp.clip(0, 65535).astype(">u2")
    (out / "rgb16.png").write_bytes(png(WIDTH, HEIGHT, 16, 2, [row.tobytes() for row in deep]))
    (out / "grey16.png").write_bytes(png(WIDTH, HEIGHT, 16, 0, [row[:, 1].tobytes() for row in deep]))
    quad = numpy.dstack([deep, numpy.array(alpha).astype(">u2") * 257]).astype(">u2")
    (out / "rgba16.png").write_bytes(png(WIDTH, HEIGHT, 16, 6, [row.tobytes() for row in quad]))
    Image.new("RGB", (1, 1), (10, 200, 30)).save(out / "pixel.png")


def write_animations(out):
    frames = []
    for seed in (3, 4):
        frame = picture(WIDTH, HEIGHT, seed)
        frame.putalpha(mask(WIDTH, HEIGHT, 1))
        frames.append(frame)
    frames[0].save(out / "animated.png", save_all=True, append_images=frames[1:], duration=100)
    frames[0].save(out / "animated.webp", save_all=True, append_images=frames[1:], duration=100, lossless=True,
                   exact=True)
    opaque = [frame.convert("RGB").quantize(32, dither=Image.Dither.NONE) for frame in frames]
    opaque[0].save(out / "animated.gif", save_all=True, append_images=opaque[1:], duration=100)
    picture(WIDTH, HEIGHT, 5).save(out / "plain.webp", lossless=True)


def decoded(out):
    """`.rgb` as the network is given it; `.rgba` and `.raw` (without the turn) where they differ from it."""
    tensors = {}
    for path in sorted(out.glob("*.*")):
        if path.suffix == ".safetensors":
            continue
        assert path.stat().st_size < 10000, path
        path.chmod(0o644)
        with Image.open(path) as image:
            frames = getattr(image, "n_frames", 1)
            turned = ImageOps.exif_transpose(image)
            tensors[f"{path.name}.rgb"] = pixels(turned.convert("RGB"))
            if turned.has_transparency_data:
                tensors[f"{path.name}.rgba"] = pixels(turned.convert("RGBA"))
            if turned.size != image.size or path.name.startswith("exif1"):
                tensors[f"{path.name}.raw"] = pixels(image.convert("RGB"))
        print(f"{path.name}\t{path.stat().st_size} bytes\t{image.mode}\t{frames} frame(s)")
    return tensors


RESIZES = {"up": (23, 37, 64, 64), "down": (60, 48, 32, 32), "mixed": (70, 20, 32, 32), "steep": (101, 7, 16, 16),
           "one_axis": (32, 45, 32, 32), "same": (16, 16, 16, 16), "pixel": (1, 1, 8, 8)}
MASK_RESIZES = {"up": (32, 32, 75, 50), "down": (32, 32, 20, 13), "mixed": (32, 32, 12, 60), "same": (32, 32, 32, 32),
                "pixel": (32, 32, 1, 1)}


def resizes():
    tensors = {}
    for n, (name, (width, height, *size)) in enumerate(RESIZES.items()):
        image = picture(width, height, 10 + n)
        resized = transforms.Resize((size[1], size[0]))(image)
        assert resized.tobytes() == image.resize(tuple(size), Image.Resampling.BILINEAR).tobytes()
        tensors |= {f"picture.{name}.in": pixels(image), f"picture.{name}.out": pixels(resized)}
    normalise = transforms.Compose([transforms.ToTensor(),
                                    transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])])
    tensors["normalised"] = normalise(Image.fromarray(tensors["picture.steep.out"].numpy()))
    for n, (name, (width, height, *size)) in enumerate(MASK_RESIZES.items()):
        values = numpy.array(mask(width, height, 1.5))
        values[:, 3:5] = 255  # thin strokes: bicubic overshoots and is cut at 0 and 255
        values[20, :] = 255 - values[20, :]
        image = Image.fromarray(values)
        tensors |= {f"mask.{name}.in": pixels(image), f"mask.{name}.out": pixels(image.resize(tuple(size)))}
    logits = torch.randn(1, 24, 24, generator=torch.Generator().manual_seed(20)) * 4
    logits[0, 0, :8] = torch.tensor([-200.0, 200.0, 0.0, 20.0, -20.0, 8.0, -8.0, 5.5373])
    tensors |= {"sigmoid.logits": logits[0], "sigmoid.uint8": pixels(transforms.ToPILImage()(logits.sigmoid()))}
    return tensors


def foreground(image_proc):
    """The CPU path (cv2.blur: reflected edges) and the GPU path's arithmetic (repeated edges), which differ."""
    width, height = 44, 30
    image = picture(width, height, 30)
    masks = {"soft": mask(width, height, 9), "hard": mask(width, height, 1),
             "empty": Image.new("L", (width, height), 0), "full": Image.new("L", (width, height), 255)}
    tensors = {"foreground.image": pixels(image)}
    for name, alpha in masks.items():
        tensors[f"foreground.{name}.mask"] = pixels(alpha)
        tensors[f"foreground.{name}.r90"] = pixels(image_proc.refine_foreground(image, alpha, device="cpu"))
    alpha = masks["soft"]
    tensors["foreground.soft.r15"] = pixels(image_proc.refine_foreground(image, alpha, r=15, device="cpu"))
    scaled, weight = (numpy.array(part, dtype=numpy.float32) / 255.0 for part in (image, alpha))
    weight3 = weight[:, :, None]
    first, blurred = image_proc.FB_blur_fusion_foreground_estimator_cpu(scaled, scaled, scaled, weight3, 90)
    tensors |= {"foreground.soft.first": torch.from_numpy(first),
                "foreground.soft.background": torch.from_numpy(blurred)}
    gpu = image_proc.FB_blur_fusion_foreground_estimator_gpu_2(
        transforms.functional.to_tensor(image)[None], transforms.functional.to_tensor(alpha)[None], r=90)
    tensors["foreground.soft.gpu_r90"] = gpu[0].mul(255.0).to(torch.uint8).permute(1, 2, 0)
    smaller = alpha.resize((32, 32))
    tensors |= {"foreground.resized.mask": pixels(smaller),
                "foreground.resized.r90": pixels(image_proc.refine_foreground(image, smaller, device="cpu"))}
    return tensors


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--reference", required=True)
    parser.add_argument("out", type=pathlib.Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    sys.path.insert(0, options.reference)
    import image_proc
    options.out.mkdir(parents=True, exist_ok=True)
    for write in (write_jpegs, write_pngs, write_animations):
        write(options.out)
    files = {"decoded": decoded(options.out), "resize": resizes(), "foreground": foreground(image_proc)}
    for name, tensors in files.items():
        path = options.out / f"{name}.safetensors"
        save_file({key: tensor.contiguous() for key, tensor in tensors.items()}, path)
        path.chmod(0o644)


if __name__ == "__main__":
    main()

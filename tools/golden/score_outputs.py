#!/usr/bin/env python3
"""Makes the scoring goldens beside the towers': preprocessing, SSIM, the outlier filter, the formula, the whole engine.

Usage: score_outputs.py ENGINE SNAPSHOT TOKENIZER OUT

ENGINE is the `validation` folder of a checkout of 404-Repo/three-gen-subnet: its own code runs here on the CPU, with
the tiny networks of SNAPSHOT in place of the trained ones. What is changed for that is in `make_engine`.
tests/golden/score/README.md lists what is stored.
"""
import contextlib
import json
import pathlib
import sys

import numpy
import torch
import torch.nn.functional as F
import torchmetrics.image.lpip
from PIL import Image
from torchmetrics.functional.image import structural_similarity_index_measure as ssim
from torchmetrics.image import StructuralSimilarityIndexMeasure
from torchmetrics.image.lpip import LearnedPerceptualImagePatchSimilarity
from transformers import CLIPImageProcessor

import score_towers

VIEWS, SIZE = 16, 64
PROMPTS = ["a apple", "an apple with gold details", "toy car", "stone castle", "apple", "a photo of a cat",
           "low poly cup of tea", ""]


def render(size, degrees, picture_seed=0):
    """Soft coloured blobs on white, turned about the upright axis; uint8 [size, size, 3] by truncation."""
    draw = numpy.random.default_rng(404 + picture_seed)
    places, colours, radii = draw.uniform(-0.5, 0.5, (40, 3)), draw.uniform(0, 1, (40, 3)), draw.uniform(0.04, 0.16, 40)
    angle = numpy.radians(degrees)
    x = places[:, 0] * numpy.cos(angle) + places[:, 2] * numpy.sin(angle)
    depth = places[:, 2] * numpy.cos(angle) - places[:, 0] * numpy.sin(angle)
    axis = (numpy.arange(size) + 0.5) / size * 2 - 1
    image = numpy.ones((size, size, 3))
    for n in numpy.argsort(depth):
        squares = (axis[None, :] - x[n]) ** 2 + (axis[:, None] - places[n, 1]) ** 2
        alpha = 0.95 * numpy.exp(-squares / (2 * radii[n] ** 2))
        alpha[alpha < 1 / 255] = 0
        image = image * (1 - alpha[..., None]) + colours[n] * alpha[..., None]
    return torch.from_numpy((image * 255).astype(numpy.uint8))


def write_png(image, path):
    Image.fromarray(image.numpy()).save(path, optimize=True)
    path.chmod(0o644)


def write_json(value, path):
    """One case a line; NaN as null."""
    text = json.dumps(value, separators=(",", ":")).replace("NaN", "null")
    path.write_text(text.replace("},{", "},\n{").replace('":[{', '":[\n{').replace(']},"', ']},\n"') + "\n")
    path.chmod(0o644)


def preprocess(images, size, dtype, metric):
    """The engine's preprocess_images, at the given precision; equal to it in float16."""
    stacked = (torch.stack(images) / 255.0).permute(0, 3, 1, 2).to(dtype)
    return metric._normalize_transform(
        F.interpolate(stacked, size=(size, size), mode="bicubic", align_corners=False))


def half_as_on_a_gpu(images, size, metric):
    """CUDA's kernel sums in float32 and rounds once; the normalisation rounds after each of its two steps."""
    stacked = (torch.stack(images) / 255.0).permute(0, 3, 1, 2).half().float()
    resized = F.interpolate(stacked, size=(size, size), mode="bicubic", align_corners=False).half()
    return metric._normalize_transform(resized)


def preprocessing(out, metric):
    tensors = {}
    generator = torch.Generator().manual_seed(80)
    picture = torch.randint(0, 256, (37, 53, 3), generator=generator, dtype=torch.uint8)
    tensors["small.image"] = picture
    for size in (24, 40):
        full = preprocess([picture], size, torch.float32, metric)
        assert torch.equal(preprocess([picture], size, torch.float16, metric), metric.preprocess_images([picture], size))
        tensors |= {f"small.{size}": full, f"small.{size}.half_gpu": half_as_on_a_gpu([picture], size, metric)}
    view = Image.open(out / "view_a.png")
    view = torch.from_numpy(numpy.asarray(view).copy())
    for size, step in ((224, 112), (336, 112)):
        full = preprocess([view], size, torch.float32, metric)
        half, gpu = metric.preprocess_images([view], size), half_as_on_a_gpu([view], size, metric)
        tensors |= {f"view.{size}": full[:, :, ::step], f"view.{size}.half_gpu": gpu[:, :, ::step]}
        print(f"preprocessing 518 -> {size}: largest difference to float32: half on this CPU "
              f"{(half - full).abs().max():.2g}, half as on a GPU {(gpu - full).abs().max():.2g}, "
              f"between them {(half - gpu).abs().max():.2g}")
    processor = CLIPImageProcessor(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32})
    for height, width in ((41, 60), (61, 38), (20, 27), (32, 32), (33, 47), (10, 95), (47, 33)):
        picture = torch.randint(0, 256, (height, width, 3), generator=generator, dtype=torch.uint8)
        picture[:, : width // 2] = render(64, width)[:height, : width // 2][:, :]
        name = f"clip.{height}x{width}"
        image = Image.fromarray(picture.numpy())
        cropped = processor(image, do_rescale=False, do_normalize=False, return_tensors="pt").pixel_values[0]
        tensors |= {f"{name}.image": picture, f"{name}.cropped": cropped.to(torch.uint8)}
        if (height, width) == (41, 60):
            tensors[f"{name}.pixel_values"] = processor(image, return_tensors="pt").pixel_values
    score_towers.save(tensors, out / "preprocess.safetensors")


def as_batch(image):
    return image.unsqueeze(0).permute(0, 3, 1, 2) / 255.0


def ssim_pairs(out, views):
    generator = torch.Generator().manual_seed(81)
    noise = lambda h, w: torch.randint(0, 256, (h, w, 3), generator=generator, dtype=torch.uint8)
    flat = lambda value: torch.full((16, 16, 3), value, dtype=torch.uint8)
    a, b = noise(33, 47), noise(24, 24)
    crop = views[0][10:50, 8:56].clone()
    near = (crop.int() + torch.randint(-9, 10, crop.shape, generator=generator)).clamp(0, 255).to(torch.uint8)
    pairs = {"noise": (a, noise(33, 47)), "inverse": (b, 255 - b), "smallest": (noise(6, 6), noise(6, 6)),
             "same": (a.clone(), a.clone()), "white": (flat(255), flat(255)), "black_white": (flat(0), flat(255)),
             "greys": (flat(100), flat(120)), "near": (crop, near)}
    tensors = {}
    for name, pair in pairs.items():
        first, second = map(as_batch, pair)
        tensors |= {f"{name}.first": pair[0], f"{name}.second": pair[1],
                    f"{name}.ssim": ssim(first, second, data_range=1.0),
                    f"{name}.ssim64": ssim(first.double(), second.double(), data_range=1.0)}
    pair = [torch.from_numpy(numpy.asarray(Image.open(out / f"view_{name}.png")).copy()) for name in "ab"]
    first, second = map(as_batch, pair)
    tensors |= {"views.ssim": ssim(first, second, data_range=1.0),
                "views.ssim64": ssim(first.double(), second.double(), data_range=1.0)}
    score_towers.save(tensors, out / "ssim.safetensors")


def filters(engine_statistics):
    draw = numpy.random.default_rng(82)
    base = numpy.round(draw.normal(0.28, 0.01, VIEWS), 4)
    cases = {
        "spread": draw.normal(0.28, 0.02, VIEWS), "two_far": numpy.concatenate([base[:14], [0.05, 0.6]]),
        "three_far": numpy.concatenate([base[:13], [0.05, 0.06, 0.6]]), "all_equal": numpy.full(VIEWS, 0.25),
        "one_other": numpy.concatenate([numpy.full(15, 0.25), [0.5]]),
        "two_others": numpy.concatenate([numpy.full(14, 0.25), [0.5, 0.125]]),
        "three_others": numpy.concatenate([numpy.full(13, 0.25), [0.5, 0.5, 0.5]]),
        "two_values": numpy.array([0.25, 0.5] * 8), "even_steps": numpy.arange(VIEWS) / 64 + 0.125,
        "with_zero": numpy.concatenate([base[:15], [0.0]]), "zeros_survive": numpy.concatenate([base[:8], numpy.zeros(8)]),
        "negatives_survive": draw.normal(0.0, 0.02, VIEWS), "ones": numpy.concatenate([draw.uniform(0.9, 0.99, 15), [1.0]]),
        "eight": draw.normal(0.28, 0.02, 8), "minus_one": numpy.concatenate([base[:10], numpy.full(6, -1.0)]),
    }
    listed = []
    for name, values in cases.items():
        for dtype in (torch.float32, torch.float64):
            data = torch.tensor(values, dtype=dtype)
            kept = engine_statistics.filter_outliers(data)
            mean = lambda x: engine_statistics.compute_mean(x, "geometric_mean").item()
            listed.append({"name": name, "type": str(dtype).removeprefix("torch."), "values": data.tolist(),
                           "kept": kept.tolist(), "geomean": mean(kept), "clipped_geomean": mean(torch.clip(kept, 0, 1))})
    return listed


def finals(validation, response):
    engine = validation.ValidationEngine.__new__(validation.ValidationEngine)
    engine._verbose = False
    below = float(numpy.nextafter(0.3, 0))
    rows = [(0.8, 0.85, 0.9, 0.95), (0.9, 1.1, 0.95, 0.8), (0.5, 0.3, 0.83, 0.7), (0.5, below, 0.83, 0.7),
            (0.5, 0.29999998, 0.83, 0.7), (0.5, 0.30000001192092896, 0.83, 0.7), (0.0, 0.3, 0.0, 0.0), (1.0, 2.5, 1.0, 1.0),
            (1.0, 0.0, 1.0, 1.0), (0.6, 0.7, 0.5, 0.2), (0.6, 0.7, -0.2, -0.3), (0.51, 0.85, 0.99, 0.97),
            (0.6, float("nan"), 0.9, 0.9), (0.6, 0.9, float("nan"), 0.9)]
    return [{"iqa": iqa, "alignment": alignment, "ssim": similarity, "lpips": lpips,
             "score": engine._compute_final_score(response(
                 score=0, iqa=iqa, alignment=alignment, ssim=similarity, lpips=lpips)).score}
            for iqa, alignment, similarity, lpips in rows]


class ImageFeatures:
    """The one method that the engine calls."""

    def __init__(self, model):
        self._model = model

    def get_image_features(self, pixels):
        return self._model(pixels).image_embeds


def make_engine(validation, snapshot, tokenizer, dtype):
    """The real engine on tiny networks; inputs are prepared at `dtype`, networks always run in float32."""
    engine = validation.ValidationEngine()
    text, image = engine._text_vs_image_metric, engine._image_vs_image_metric
    text._model, text._tokenizer = score_towers.convnext_model(snapshot), score_towers.open_clip_tokenizer(tokenizer)
    image._model = ImageFeatures(score_towers.llm2clip_model(snapshot))
    text.preprocess_images = lambda images, size: preprocess(images, size, dtype, text).float()
    image.preprocess_images = lambda images, _: preprocess(images, 56, dtype, image).float()  # 336 there
    quality = engine._image_quality_metric._quality_classifier_model
    quality._model, quality._image_size = score_towers.quality_model(snapshot), 56  # 518 there
    original = torchmetrics.image.lpip._NoTrainLpips
    torchmetrics.image.lpip._NoTrainLpips = lambda net: score_towers.lpips_model(snapshot, net)
    engine._similarity_metric._lpips_metric = LearnedPerceptualImagePatchSimilarity(normalize=True)
    torchmetrics.image.lpip._NoTrainLpips = original
    engine._similarity_metric._ssim_metric = StructuralSimilarityIndexMeasure(data_range=1.0)
    return engine


def recorded(modules, engine, run):
    """A run's response, and what went into and came out of each outlier filter: alignment, lpips, ssim."""
    calls, originals = [], [module.filter_outliers for module in modules]
    quality = engine._image_quality_metric._quality_classifier_model
    scores, original_score = [], quality.score

    def keep(values):
        kept = originals[0](values)
        calls.append({"values": values.flatten().tolist(), "kept": kept.tolist()})
        return kept

    def keep_score(images):
        scores.append(original_score(images))
        return scores[-1]

    for module in modules:
        module.filter_outliers = keep
    quality.score = keep_score
    with numpy.errstate(all="ignore"):
        response = run()
    for module, original in zip(modules, originals):
        module.filter_outliers = original
    quality.score = original_score
    result = dict(zip(("cosines", "lpips_pairs", "ssim_pairs"), calls)) | {"iqa_views": scores[0].tolist()}
    return result | {key: getattr(response, key) for key in ("alignment", "iqa", "lpips", "ssim", "score")}


def real_lins(out):
    """The trained linear layers as torchmetrics ships them (Zhang et al., BSD-2-Clause)."""
    folder = pathlib.Path(torchmetrics.functional.image.lpips.__file__).parent / "lpips_models"
    for net in ("alex", "vgg"):
        score_towers.save(torch.load(folder / f"{net}.pth", map_location="cpu"), out / f"lpips_{net}_v0.1.safetensors")


def engine_runs(out, modules, validation, snapshot, tokenizer, views, pictures):
    """Text and image prompts in float32; in float16 inputs, for the README, the alignment and the score alone."""
    runs = {"text": [], "image": []}
    engines = [make_engine(validation, snapshot, tokenizer, dtype) for dtype in (torch.float32, torch.float16)]
    for prompt in PROMPTS:
        full, half = [recorded(modules, engine, lambda: engine.validate_text_to_gs(prompt, views)) for engine in engines]
        runs["text"].append({"prompt": prompt, "ids": engines[0]._text_vs_image_metric._tokenizer(prompt)[0].tolist(),
                             **full, "half_input": {key: half[key] for key in ("alignment", "score")}})
    for name, picture in pictures.items():
        full, half = [recorded(modules, engine, lambda: engine.validate_image_to_gs(picture, views))
                      for engine in engines]
        runs["image"].append({"picture": name, **full, "half_input": {key: half[key] for key in ("alignment", "score")}})
    shared = ("lpips_pairs", "ssim_pairs", "iqa_views", "iqa", "lpips", "ssim")
    common = {key: runs["text"][0][key] for key in shared}
    for run in runs["text"] + runs["image"]:
        for key in shared:
            assert run.pop(key) == common[key]
        print(run.get("prompt", run.get("picture")), run["alignment"], run["score"], "half inputs:",
              run["half_input"]["alignment"], run["half_input"]["score"])
    print({key: common[key] for key in ("iqa", "lpips", "ssim")})
    write_json({"views": common} | runs, out / "engine.json")


@torch.no_grad()
def main():
    checkout, (snapshot, tokenizer, out) = sys.argv[1], map(pathlib.Path, sys.argv[2:])
    torch.set_num_threads(1)
    sys.path.insert(0, checkout)
    from engine import validation_engine as validation
    from engine.data_structures import ValidationResponse
    from engine.metrics import alignment_scorer, similarity_scorer
    from engine.utils import statistics_computation_utils as statistics
    torch.Tensor.cuda = lambda tensor: tensor  # pytod 0.0.3 moves its distances to a GPU whatever its `device` is
    torch.amp.autocast = lambda *_, **__: contextlib.nullcontext()  # bfloat16 on a CPU, float16 on a GPU

    views = [render(SIZE, degrees) for degrees in numpy.linspace(0, 360, VIEWS)]
    views[-1] = views[0].clone()
    write_png(torch.cat(views), out / "views.png")
    for name, degrees in (("a", 0), ("b", 24)):
        write_png(render(518, degrees) // 6 * 6, out / f"view_{name}.png")
    pictures = {"prompt_wide.png": render(96, 12)[20:68], "prompt_other.png": render(60, 100, 1)[:, 10:45],
                "prompt_view.png": views[3], "prompt_inverse.png": 255 - views[8][8:56, 4:60]}
    for name, picture in pictures.items():
        write_png(picture.contiguous(), out / name)

    real_lins(out)
    preprocessing(out, alignment_scorer.TextVSImageMetric())
    ssim_pairs(out, views)
    write_json({"filter": filters(statistics), "final": finals(validation, ValidationResponse)}, out / "formula.json")
    engine_runs(out, (alignment_scorer, similarity_scorer), validation, snapshot, tokenizer, views, pictures)


if __name__ == "__main__":
    main()

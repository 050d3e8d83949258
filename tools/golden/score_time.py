#!/usr/bin/env python3
"""Times the full-size scoring networks with torch (float32), and writes random weights to time another program on.

Usage: score_time.py [--only NAME ...] [--views 16] [--threads 2] [--repeats 2] [--write DIR [--dtype float16]]

NAME is one of clip (ViT-B/32 vision, 224), convnext (convnext_large_d vision, 224), dinov2 (small with score head,
518), lpips (AlexNet, 256; a pair a view). One untimed view goes before each. Prints one line a network: the best
and the median of the repeats over all views, and the time a view. --write stores the networks instead, in the official
layouts: DIR/clip, DIR/convnext, DIR/dinov2, DIR/quality, DIR/lpips; in float16 1.1 GB, of which convnext is 0.7.
"""
import argparse
import json
import pathlib
import statistics
import time

import open_clip
import torch
import torchvision
from safetensors.torch import save_file
from torchmetrics.functional.image import lpips
from transformers import CLIPConfig, CLIPModel, Dinov2Config, Dinov2Model

SEED = 404


def clip():
    text = {"vocab_size": 49408, "hidden_size": 512, "intermediate_size": 2048, "num_hidden_layers": 12,
            "num_attention_heads": 8, "max_position_embeddings": 77, "eos_token_id": 2, "projection_dim": 512}
    vision = {"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12,
              "image_size": 224, "patch_size": 32, "projection_dim": 512}
    return CLIPModel(CLIPConfig(text_config=text, vision_config=vision, projection_dim=512)).eval()


def convnext():
    return open_clip.create_model("convnext_large_d").eval()


class Quality(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone = Dinov2Model(Dinov2Config(hidden_size=384, num_hidden_layers=12, num_attention_heads=6,
                                                 image_size=518, patch_size=14))
        self.emb_head = torch.nn.Linear(384, 256)
        self.score_head = torch.nn.Linear(384, 1)

    def forward(self, pixels):
        return torch.sigmoid(self.score_head(self.backbone(pixels).last_hidden_state[:, 0]))


def alex():
    """With the trained linear layers, which torchmetrics ships."""
    original, features = lpips._get_net, torchvision.models.alexnet(weights=None).features
    lpips._get_net = lambda *_: features
    try:
        return lpips._NoTrainLpips(net="alex"), features
    finally:
        lpips._get_net = original


def one_by_one(run):
    """As the engine does it for the quality network and LPIPS; CLIP and ConvNeXt get all views at once."""
    return lambda *batches: [run(*(batch[n:n + 1] for batch in batches)) for n in range(len(batches[0]))]


def workloads(views):
    """name: a maker of (function, inputs)."""
    noise = lambda size: torch.rand(views, 3, size, size)

    def perceptual():
        model, _ = alex()
        return one_by_one(lambda a, b: model(a, b, normalize=True)), (noise(256), noise(256))

    return {"clip": lambda: (clip().get_image_features, (noise(224),)),
            "convnext": lambda: (convnext().encode_image, (noise(224),)),
            "dinov2": lambda: (one_by_one(Quality().eval()), (noise(518),)), "lpips": perceptual}


def measure(make, repeats):
    run, inputs = make()
    run(*(given[:1] for given in inputs))
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        run(*inputs)
        seconds.append(time.perf_counter() - start)
    return seconds


def save(tensors, dtype, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: tensor.to(dtype).contiguous() for name, tensor in tensors.items()}, path, metadata={"format": "pt"})


def save_hf(model, dtype, folder):
    save(model.state_dict(), dtype, folder / "model.safetensors")
    config = model.config.to_diff_dict() | {"architectures": [type(model).__name__]}
    for part in (config, config.get("text_config", {}), config.get("vision_config", {})):
        part.pop("_attn_implementation_autoset", None)
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")


def write(names, out, dtype):
    if "clip" in names:
        save_hf(clip(), dtype, out / "clip")
    if "convnext" in names:
        save(convnext().state_dict(), dtype, out / "convnext" / "open_clip_model.safetensors")
        config = {"model_cfg": open_clip.get_model_config("convnext_large_d"),
                  "preprocess_cfg": {"mean": open_clip.OPENAI_DATASET_MEAN, "std": open_clip.OPENAI_DATASET_STD}}
        (out / "convnext" / "open_clip_config.json").write_text(json.dumps(config, indent=2) + "\n")
    if "dinov2" in names:
        model = Quality()
        save_hf(model.backbone, dtype, out / "dinov2")
        save(model.state_dict(), dtype, out / "quality" / "quality_scorer.safetensors")
    if "lpips" in names:
        model, features = alex()
        save({f"features.{name}": value for name, value in features.state_dict().items()}, dtype,
             out / "lpips" / "alexnet.safetensors")
        save({f"lin{n}.model.1.weight": layer.model[1].weight for n, layer in enumerate(model.lins)}, dtype,
             out / "lpips" / "lpips_alex.safetensors")


@torch.no_grad()
def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=list(workloads(1)), default=list(workloads(1)))
    parser.add_argument("--views", type=int, default=16)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--write", type=pathlib.Path)
    parser.add_argument("--dtype", choices=["float16", "float32"], default="float16")
    given = parser.parse_args()
    torch.manual_seed(SEED)
    torch.set_num_threads(given.threads)
    if given.write:
        return write(given.only, given.write, getattr(torch, given.dtype))
    for name in given.only:
        seconds = measure(workloads(given.views)[name], given.repeats)
        print(f"{name}: {given.views} views, best {min(seconds):.2f} s, median {statistics.median(seconds):.2f} s, "
              f"{min(seconds) / given.views * 1000:.0f} ms a view", flush=True)


if __name__ == "__main__":
    main()

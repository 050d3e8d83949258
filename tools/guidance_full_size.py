#!/usr/bin/env python3
"""Writes Zero123's and MVDream's folders in the official sizes with random bfloat16 weights (5 GB).

Usage: guidance_full_size.py OUT [--golden tests/golden]

OUT/zero123, OUT/mvdream: what `lode-worker lift --model` takes, for measuring its time and memory; what comes of it
means nothing. Names and shapes come from the lists in GOLDEN/names, what is small from GOLDEN/sds.
"""
import argparse
import json
import pathlib
import shutil

from flux_full_size import random_chunk, read_names
from score_full_size import write_weights

STEMS = {"unet": "diffusion_pytorch_model", "vae": "diffusion_pytorch_model", "text_encoder": "model",
         "image_encoder": "model", "clip_camera_projection": "diffusion_pytorch_model"}
VAE = {"block_out_channels": [128, 256, 512, 512], "layers_per_block": 2, "norm_num_groups": 32}
# What differs from the small folders of the same layout.
CONFIGS = {
    "zero123": {
        "unet": {"block_out_channels": [320, 640, 1280, 1280], "cross_attention_dim": 768, "attention_head_dim": 8,
                 "layers_per_block": 2, "norm_num_groups": 32},
        "vae": VAE,
        "image_encoder": {"hidden_size": 1024, "intermediate_size": 4096, "num_attention_heads": 16,
                          "num_hidden_layers": 24, "patch_size": 14, "projection_dim": 768},
        "clip_camera_projection": {"embedding_dim": 768},
    },
    "mvdream": {
        "unet": {"attention_resolutions": [4, 2, 1], "channel_mult": [1, 2, 4, 4], "context_dim": 1024,
                 "model_channels": 320, "num_head_channels": 64, "num_res_blocks": 2},
        "vae": VAE,
        "text_encoder": {"hidden_size": 1024, "intermediate_size": 4096, "num_attention_heads": 16,
                         "num_hidden_layers": 23},
    },
}


def text_encoder(names):
    """CLIP-L's list with 23 layers of 1024 instead of 12 of 768, and the small vocabulary's 814 words."""
    layer = "text_model.encoder.layers.0."
    resized = {49408: 814, 768: 1024, 3072: 4096}
    for name, shape in read_names(names / "clip_l_text.txt"):
        shape = [resized.get(size, size) for size in shape]
        if name.startswith(layer):
            for number in range(23):
                yield f"text_model.encoder.layers.{number}.{name[len(layer):]}", shape
        elif ".layers." not in name:
            yield name, shape


def tensors_of(kind, part, names):
    if part == "vae":
        return read_names(names / "sd_vae.txt")
    if part == "unet":
        return read_names(names / f"{kind}_unet.txt")
    if part == "image_encoder":
        wanted = ("vision_model.", "visual_projection.")
        return ((name, shape) for name, shape in read_names(names / "clip_vit_l_14.txt") if name.startswith(wanted))
    if part == "text_encoder":
        return text_encoder(names)
    return [("proj.weight", [768, 772]), ("proj.bias", [768])]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--golden", type=pathlib.Path, default=pathlib.Path("tests/golden"))
    arguments = parser.parse_args()
    chunk = random_chunk()
    for kind, parts in CONFIGS.items():
        small, folder = arguments.golden / "sds" / kind, arguments.out / kind
        shutil.copytree(small, folder, ignore=shutil.ignore_patterns("*.safetensors"))
        for part, changes in parts.items():
            config = json.loads((small / part / "config.json").read_text()) | changes
            (folder / part / "config.json").write_text(json.dumps(config, indent=2) + "\n")
            write_weights(folder / part / f"{STEMS[part]}.safetensors",
                          tensors_of(kind, part, arguments.golden / "names"), chunk)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Adds the scorers' full-size networks to tests/golden/names, in the form of full_size_names.py.

Usage: score_names.py OUT

Names and shapes come from the module definitions of open_clip, timm, transformers, torchvision and torchmetrics,
on the meta device where they allow it: no weight and no official file is read.
"""
import pathlib
import sys

import open_clip
import torch
import torchvision
from torchmetrics.functional.image.lpips import NetLinLayer
from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection, Dinov2Config, Dinov2Model

from full_size_names import count, listing, write


def convnext_large_d():
    return open_clip.create_model("convnext_large_d", device="meta")


def dinov2_small():
    return Dinov2Model(Dinov2Config(hidden_size=384, num_hidden_layers=12, num_attention_heads=6, image_size=518,
                                    patch_size=14))


def vision_l_14_336(projection):
    return CLIPVisionModelWithProjection(CLIPVisionConfig(
        hidden_size=1024, intermediate_size=4096, num_hidden_layers=24, num_attention_heads=16, image_size=336,
        patch_size=14, projection_dim=projection))


def features(make):
    model = torch.nn.Module()
    model.features = make(weights=None).features
    return model


def lins(channels):
    model = torch.nn.Module()
    for n, width in enumerate(channels):
        setattr(model, f"lin{n}", NetLinLayer(width, use_dropout=True))
    return model


# name: (maker, total of the values)
NETWORKS = {
    "open_clip_convnext_large_d": (convnext_large_d, 351_772_609),
    "dinov2_small": (dinov2_small, 22_056_576),
    "clip_vit_l_14_336_vision": (lambda: vision_l_14_336(768), 304_293_888),
    "llm2clip_l_14_336_vision": (lambda: vision_l_14_336(1280), 304_818_176),
    "alexnet_features": (lambda: features(torchvision.models.alexnet), 2_469_696),
    "vgg16_features": (lambda: features(torchvision.models.vgg16), 14_714_688),
    "lpips_alex_lins": (lambda: lins([64, 192, 384, 256, 256]), 1_152),
    "lpips_vgg_lins": (lambda: lins([64, 128, 256, 512, 512]), 1_472),
}


def main():
    out = pathlib.Path(sys.argv[1])
    for name, (make, total) in NETWORKS.items():
        with torch.device("meta"):
            lines = listing(make())
        values = count(shape for _, shape in lines)
        assert values == total, (name, values, total)
        write(out / f"{name}.txt", lines)
        print(f"{name}: {len(lines)} tensors, {values:,} values")


if __name__ == "__main__":
    main()

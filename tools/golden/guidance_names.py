#!/usr/bin/env python3
"""Adds MVDream's and ImageDream's full-size U-Nets to tests/golden/names, in the form of full_size_names.py.

Usage: guidance_names.py MVDREAM_DIFFUSERS OUT

Names and shapes come from the public module definition on the meta device: no weight is read.
"""
import pathlib
import sys

import torch

import mvdream_reference
from full_size_names import count, listing, write

NETWORKS = {"mvdream_unet": (0, 867_572_164), "imagedream_unet": (16, None)}


def main():
    reference, out = mvdream_reference.mv_unet(sys.argv[1]), pathlib.Path(sys.argv[2])
    for name, (picture_tokens, total) in NETWORKS.items():
        with torch.device("meta"):
            lines = listing(reference.MultiViewUNetModel(**mvdream_reference.official(picture_tokens)))
        values = count(shape for _, shape in lines)
        assert total in (None, values), (name, values)
        write(out / f"{name}.txt", lines)
        print(f"{name}: {len(lines)} tensors, {values:,} values")


if __name__ == "__main__":
    main()

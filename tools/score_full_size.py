#!/usr/bin/env python3
"""Writes the scoring networks' folders in the official sizes with random bfloat16 weights (1.9 GB).

Usage: score_full_size.py OUT [--names tests/golden/names] [--tokenizer tests/golden/tokenize/clip]

OUT/clip_b32, clip_l14, convnext (open_clip's convnext_large_d), dinov2, quality, lpips: what
`lode-worker score` takes, for measuring its time (`scripts/bench score`); the scores mean nothing.
Names and shapes come from the lists in --names, CLIP's vocabulary from --tokenizer.
"""
import argparse
import json
import pathlib
import shutil

from flux_full_size import random_chunk, read_names, write_shard


def clip_config(text, vision, projection):
    return {"architectures": ["CLIPModel"], "model_type": "clip", "projection_dim": projection,
            "text_config": {"vocab_size": 49408, "num_hidden_layers": 12, "max_position_embeddings": 77,
                            "hidden_act": "quick_gelu", "eos_token_id": 2, "projection_dim": projection} | text,
            "vision_config": {"image_size": 224, "hidden_act": "quick_gelu", "projection_dim": projection} | vision}


CONVNEXT = {
    "model_cfg": {
        "embed_dim": 768,
        "vision_cfg": {"timm_model_name": "convnext_large", "timm_model_pretrained": False, "timm_pool": "",
                       "timm_proj": "mlp", "timm_drop": 0.0, "timm_drop_path": 0.1, "image_size": 256},
        "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 768, "heads": 12, "layers": 16}},
    "preprocess_cfg": {"mean": [0.48145466, 0.4578275, 0.40821073], "std": [0.26862954, 0.26130258, 0.27577711]},
}
CONFIGS = {
    "clip_b32/config.json": clip_config(
        {"hidden_size": 512, "intermediate_size": 2048, "num_attention_heads": 8},
        {"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12,
         "patch_size": 32}, 512),
    "clip_l14/config.json": clip_config(
        {"hidden_size": 768, "intermediate_size": 3072, "num_attention_heads": 12},
        {"hidden_size": 1024, "intermediate_size": 4096, "num_hidden_layers": 24, "num_attention_heads": 16,
         "patch_size": 14}, 768),
    "convnext/open_clip_config.json": CONVNEXT,
    "dinov2/config.json": {"architectures": ["Dinov2Model"], "hidden_size": 384, "num_hidden_layers": 12,
                           "num_attention_heads": 6, "image_size": 518, "patch_size": 14},
}
LISTS = {
    "clip_b32/model.safetensors": "clip_vit_b_32",
    "clip_l14/model.safetensors": "clip_vit_l_14",
    "convnext/open_clip_model.safetensors": "open_clip_convnext_large_d",
    "dinov2/model.safetensors": "dinov2_small",
    "lpips/alexnet.safetensors": "alexnet_features",
    "lpips/lpips_alex.safetensors": "lpips_alex_lins",
}
HEAD = [("score_head.weight", [1, 384]), ("score_head.bias", [1])]


def write_weights(path, tensors, chunk):
    path.parent.mkdir(parents=True, exist_ok=True)
    sizes = []
    for name, shape in tensors:
        count = 1
        for size in shape:
            count *= size
        sizes.append((name, shape, 2 * count))
    write_shard(path, sizes, chunk)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--names", type=pathlib.Path, default=pathlib.Path("tests/golden/names"))
    parser.add_argument("--tokenizer", type=pathlib.Path, default=pathlib.Path("tests/golden/tokenize/clip"))
    arguments = parser.parse_args()
    chunk = random_chunk()
    for file, stem in LISTS.items():
        write_weights(arguments.out / file, read_names(arguments.names / f"{stem}.txt"), chunk)
    write_weights(arguments.out / "quality/quality_scorer.safetensors", HEAD, chunk)
    for file, config in CONFIGS.items():
        (arguments.out / file).write_text(json.dumps(config, indent=2) + "\n")
    shutil.copytree(arguments.tokenizer, arguments.out / "tokenizer", dirs_exist_ok=True)


if __name__ == "__main__":
    main()

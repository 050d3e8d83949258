#!/usr/bin/env python3
"""Writes a FLUX.1-schnell folder of the official sizes with random bfloat16 weights (34 GB).

Usage: flux_full_size.py OUT [--names tests/golden/names] [--tokenizers tests/golden/flux/snapshot]

For measuring how long loading and running the full-size model takes and what memory it needs; its
pictures are noise. Names and shapes come from the lists in --names, the tokenizers from a small
snapshot, since their ids are all that matters here.
"""
import argparse
import gzip
import json
import math
import os
import pathlib
import shutil
import struct

SHARD_BYTES = 10 << 30
CHUNK = 64 << 20

CONFIGS = {
    "text_encoder": {
        "architectures": ["CLIPTextModel"], "model_type": "clip_text_model", "vocab_size": 49408, "hidden_size": 768,
        "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12, "max_position_embeddings": 77,
        "hidden_act": "quick_gelu", "layer_norm_eps": 1e-5, "projection_dim": 768, "bos_token_id": 0,
        "eos_token_id": 2, "pad_token_id": 1,
    },
    "text_encoder_2": {
        "architectures": ["T5EncoderModel"], "model_type": "t5", "vocab_size": 32128, "d_model": 4096, "d_kv": 64,
        "d_ff": 10240, "num_layers": 24, "num_heads": 64, "relative_attention_num_buckets": 32,
        "relative_attention_max_distance": 128, "feed_forward_proj": "gated-gelu", "dense_act_fn": "gelu_new",
        "is_gated_act": True, "layer_norm_epsilon": 1e-6,
    },
    "transformer": {
        "_class_name": "FluxTransformer2DModel", "attention_head_dim": 128, "axes_dims_rope": [16, 56, 56],
        "guidance_embeds": False, "in_channels": 64, "joint_attention_dim": 4096, "num_attention_heads": 24,
        "num_layers": 19, "num_single_layers": 38, "patch_size": 1, "pooled_projection_dim": 768,
    },
    "vae": {
        "_class_name": "AutoencoderKL", "act_fn": "silu", "block_out_channels": [128, 256, 512, 512],
        "down_block_types": ["DownEncoderBlock2D"] * 4, "up_block_types": ["UpDecoderBlock2D"] * 4, "in_channels": 3,
        "out_channels": 3, "latent_channels": 16, "layers_per_block": 2, "mid_block_add_attention": True,
        "norm_num_groups": 32, "sample_size": 1024, "scaling_factor": 0.3611, "shift_factor": 0.1159,
        "use_quant_conv": False, "use_post_quant_conv": False, "force_upcast": True,
    },
}
STEMS = {"text_encoder": "model", "text_encoder_2": "model", "transformer": "diffusion_pytorch_model",
         "vae": "diffusion_pytorch_model"}

# Bytes of a bfloat16, low first: any low byte, high byte of one sign and an exponent that makes
# 2^-7 <= |value| < 2^-5, about 1 / sqrt(3072), so that activations neither vanish nor overflow.
HIGH = bytes(0x3C | (byte & 0x80) for byte in range(256))


def random_chunk():
    raw = bytearray(os.urandom(CHUNK))
    raw[1::2] = bytes(raw[1::2]).translate(HIGH)
    return bytes(raw)


def read_names(path):
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt") as lines:
        for line in lines:
            name, shape = line.rstrip("\n").split("\t")
            yield name, [int(size) for size in shape.strip("[]").split(",") if size.strip()]


def split_into_shards(tensors):
    shards, used = [[]], 0
    for name, shape in tensors:
        size = 2 * math.prod(shape)
        if used + size > SHARD_BYTES and shards[-1]:
            shards.append([])
            used = 0
        shards[-1].append((name, shape, size))
        used += size
    return shards


def write_shard(path, tensors, chunk):
    header, offset = {}, 0
    for name, shape, size in tensors:
        header[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [offset, offset + size]}
        offset += size
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as out:
        out.write(struct.pack("<Q", len(text)) + text)
        for name, shape, size in tensors:
            if len(shape) == 1 and name.endswith("weight"):  # of a normalisation: ones
                out.write(b"\x80\x3f" * (size // 2))
                continue
            for begin in range(0, size, CHUNK):
                out.write(chunk[: min(CHUNK, size - begin)])


def write_part(out, part, names, chunk):
    folder = out / part
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(CONFIGS[part], indent=2))
    stem = STEMS[part]
    shards = split_into_shards(read_names(names))
    if len(shards) == 1:
        write_shard(folder / f"{stem}.safetensors", shards[0], chunk)
        return
    weight_map = {}
    for number, tensors in enumerate(shards, 1):
        file = f"{stem}-{number:05}-of-{len(shards):05}.safetensors"
        print(f"{part}/{file}: {sum(size for _, _, size in tensors) / 1e9:.1f} GB", flush=True)
        write_shard(folder / file, tensors, chunk)
        weight_map.update({name: file for name, _, _ in tensors})
    total = sum(size for tensors in shards for _, _, size in tensors)
    (folder / f"{stem}.safetensors.index.json").write_text(
        json.dumps({"metadata": {"total_size": total}, "weight_map": weight_map}, indent=2))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--names", type=pathlib.Path, default=pathlib.Path("tests/golden/names"))
    parser.add_argument("--tokenizers", type=pathlib.Path, default=pathlib.Path("tests/golden/flux/snapshot"))
    arguments = parser.parse_args()
    lists = {"text_encoder": "clip_l_text", "text_encoder_2": "t5_v1_1_xxl_encoder",
             "transformer": "flux_transformer", "vae": "flux_vae"}
    chunk = random_chunk()
    for part, stem in lists.items():
        found = sorted(arguments.names.glob(f"{stem}.*"))
        if not found:
            raise SystemExit(f"{arguments.names}: no list {stem}.txt or {stem}.txt.gz")
        write_part(arguments.out, part, found[0], chunk)
    for copied in ("tokenizer", "tokenizer_2", "scheduler"):
        shutil.copytree(arguments.tokenizers / copied, arguments.out / copied)
    shutil.copy(arguments.tokenizers / "model_index.json", arguments.out / "model_index.json")


if __name__ == "__main__":
    main()

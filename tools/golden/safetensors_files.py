#!/usr/bin/env python3
"""Makes tests/golden/safetensors/ with the reference library; reads a folder of ours with it.

Usage: safetensors_files.py OUT_FOLDER      write the golden files
       safetensors_files.py --read FOLDER   read every .safetensors of FOLDER, which Lode wrote, and
                                            compare each with the golden file of the same name

Needs the packages safetensors (0.8.0 made the files) and torch 2.1 or newer. The tensors' values are
formulas, which src/weights/safetensors_golden_test.cpp has too.
"""
import hashlib
import json
import pathlib
import sys

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file


def ramp(count, dtype):
    """0, 1, 2, ... modulo 7, minus 3, in quarters where the type has fractions."""
    values = torch.arange(count) % 7 - 3
    return values.to(dtype) if not dtype.is_floating_point else (values / 4).to(dtype)


def all_bits(dtype):
    """Every bit pattern of an 8-bit float."""
    return torch.arange(256, dtype=torch.int64).to(torch.uint8).view(dtype)


def golden_files():
    """File name -> (tensors, metadata)."""
    every_dtype = {
        "f64": ramp(6, torch.float64).reshape(2, 3),
        "f32": ramp(6, torch.float32).reshape(3, 2),
        "f16": ramp(5, torch.float16),
        "bf16": ramp(5, torch.bfloat16),
        "f8_e4m3": all_bits(torch.float8_e4m3fn).reshape(16, 16),
        "f8_e5m2": all_bits(torch.float8_e5m2).reshape(4, 64),
        "i64": ramp(3, torch.int64),
        "i32": ramp(3, torch.int32),
        "i16": ramp(3, torch.int16),
        "i8": ramp(3, torch.int8),
        "u8": (torch.arange(3) * 100).to(torch.uint8),
        "boolean": torch.tensor([True, False, True]),
    }
    shapes = {
        "scalar": torch.tensor(1.5),
        "empty": torch.zeros(0, dtype=torch.float32),
        "empty_inside": torch.zeros(2, 0, 3, dtype=torch.float16),
        "deep": ramp(24, torch.float32).reshape(1, 2, 1, 3, 4),
        "zebra": ramp(2, torch.float32),
        "Zebra": ramp(2, torch.float32),
        'quoted "name"\\ \t\n\u00e4\U0001f600\x01\x7f': ramp(1, torch.int8),
    }
    return {
        "every_dtype.safetensors": (every_dtype, None),
        "shapes.safetensors": (shapes, {"format": "pt"}),
        "nothing.safetensors": ({}, None),
    }


def write_sharded(folder):
    """A checkpoint of two shards and its index, as transformers lays them out."""
    folder.mkdir(exist_ok=True)
    shards = {
        "model-00001-of-00002.safetensors": {
            "embed.weight": ramp(12, torch.bfloat16).reshape(4, 3),
            "layers.0.bias": ramp(3, torch.float32),
        },
        "model-00002-of-00002.safetensors": {"layers.1.bias": ramp(4, torch.float32)},
    }
    weight_map, total = {}, 0
    for name, tensors in shards.items():
        save_file(tensors, folder / name, metadata={"format": "pt"})
        weight_map |= {tensor: name for tensor in tensors}
        total += sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())
    index = {"metadata": {"total_size": total}, "weight_map": weight_map}
    text = json.dumps(index, indent=2, sort_keys=True) + "\n"
    (folder / "model.safetensors.index.json").write_text(text)


def write_unsupported(folder):
    save_file({"positions": torch.arange(3).to(torch.uint16)}, folder / "u16.safetensors")


def compare(folder):
    for name, (tensors, metadata) in golden_files().items():
        ours = load_file(folder / name)
        assert ours.keys() == tensors.keys(), name
        for key, tensor in tensors.items():
            assert ours[key].dtype == tensor.dtype and ours[key].shape == tensor.shape, key
            bits = [t.contiguous().view(torch.uint8) if t.dim() else t for t in (ours[key], tensor)]
            assert torch.equal(*bits), key
        with safe_open(folder / name, framework="pt") as file:
            assert (file.metadata() or None) == metadata, name
        print(f"{name}: the reference reads {len(tensors)} tensors, all equal")


def main():
    if sys.argv[1] == "--read":
        return compare(pathlib.Path(sys.argv[2]))
    out = pathlib.Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    for name, (tensors, metadata) in golden_files().items():
        save_file(tensors, out / name, metadata=metadata)
    write_sharded(out / "sharded")
    write_unsupported(out)
    for path in sorted(out.rglob("*.*")):
        print(hashlib.sha256(path.read_bytes()).hexdigest(), path.relative_to(out))


if __name__ == "__main__":
    main()

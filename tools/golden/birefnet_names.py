#!/usr/bin/env python3
"""Lists names and shapes of the full-size BiRefNet / RMBG-2.0 and of the Swin backbones into tests/golden/names.

Usage: birefnet_names.py --reference CHECKOUT OUT

The totals, and the size in bytes of the safetensors files that would hold the same tensors, are checked against
published figures: the size counts the header, and so every name and shape in it.
"""
import argparse
import json
import pathlib

import torch

import birefnet_reference

PARAMETERS = {"swin_v1_l": 220_176_498}
# Bytes of model.safetensors: briaai/RMBG-2.0 and ZhengPeng7/BiRefNet, and ZhengPeng7/BiRefNet_lite.
PUBLISHED_BYTES = {("swin_v1_l", torch.float32): 884_878_856, ("swin_v1_l", torch.float16): 444_473_596,
                   ("swin_v1_t", torch.float32): 177_634_392}
DTYPES = {torch.float32: ("F32", 4), torch.float16: ("F16", 2), torch.int64: ("I64", 8)}


def file_bytes(state, floating):
    """As safetensors writes it: widest dtype first, then by name; the header padded to 8 bytes."""
    rows = [(DTYPES[tensor.dtype if tensor.dtype == torch.int64 else floating], name, tensor)
            for name, tensor in state.items()]
    header, offset = {"__metadata__": {"format": "pt"}}, 0
    for (dtype, size), name, tensor in sorted(rows, key=lambda row: (-row[0][1], row[1])):
        end = offset + size * tensor.numel()
        header[name] = {"dtype": dtype, "shape": list(tensor.shape), "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(header, separators=(",", ":"))
    return 8 + (len(text) + 7) // 8 * 8 + offset


def write(state, path):
    path.write_text("".join(f"{name}\t{','.join(map(str, tensor.shape))}\n" for name, tensor in state.items()))
    return len(state)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--reference", required=True)
    parser.add_argument("out", type=pathlib.Path)
    options = parser.parse_args()
    for backbone in birefnet_reference.SWIN:
        model = birefnet_reference.network(options.reference, backbone=backbone)
        state, parameters = model.state_dict(), sum(parameter.numel() for parameter in model.parameters())
        assert parameters == PARAMETERS.get(backbone, parameters)
        for (name, floating), size in PUBLISHED_BYTES.items():
            assert name != backbone or file_bytes(state, floating) == size, (backbone, file_bytes(state, floating))
        inside = {name: tensor for name, tensor in state.items() if name.startswith("bb.")}
        count = write(inside, options.out / f"birefnet_{backbone}_backbone.txt")
        print(backbone, count, sum(parameter.numel() for parameter in model.bb.parameters()), len(state), parameters)
        if any(name == backbone for name, _ in PUBLISHED_BYTES):
            write({name: tensor for name, tensor in state.items() if name not in inside},
                  options.out / f"birefnet_{backbone}_decoder.txt")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Makes the networks' part of tests/golden/birefnet: what the public BiRefNet code computes with random weights.

Usage: birefnet.py --reference CHECKOUT --reference-old CHECKOUT OUT

--reference is github.com/ZhengPeng7/BiRefNet at 25cb9309 (patches of the picture in the order c, hg, wg), and
--reference-old the same at e65bfa05, the last commit with the order wg, hg, c. Every input is stored with its
output. tests/golden/birefnet/README.md lists the tensors.
"""
import argparse
import hashlib
import json
import pathlib
import sys

import torch
from safetensors.torch import save_file
from torchvision.ops import deform_conv2d

import birefnet_reference

# Seeds and gains are chosen so that float32 is within 2e-5 of float64 everywhere, and no ReLU layer is dead.
SEED = 408
NETWORK = {"backbone": "swin_v1_t", "swin": (4, (2, 2, 2, 2), (1, 2, 4, 8), 4), "inner": 3, "planes": 6,
           "patch_inner": 1}
NETWORK_GAINS = {"offset_conv.weight": 0.5, "offset_conv.bias": 2.0, "modulator_conv.bias": 3.0,
                 "patch_embed.norm.bias": 4.0}
NETWORK_INPUTS = {"square": (203, 1, 3, 64, 64), "tall": (202, 1, 3, 96, 64)}
# Seed, embed_dim, depths, heads, window: T, S, B and L but for the widths and the depth of S, B and L (18).
SWIN = {"t": (916, 3, (2, 2, 2, 2), (1, 1, 2, 3), 7), "s": (115, 3, (2, 2, 6, 2), (1, 2, 4, 8), 7),
        "b": (98, 3, (2, 2, 2, 2), (1, 1, 2, 4), 12), "l": (108, 3, (2, 2, 2, 2), (1, 2, 3, 6), 12)}
# The file of the open checkpoint and of RMBG-2.0 alike: it names neither backbone nor patch order.
CONFIG = {
    "_name_or_path": "ZhengPeng7/BiRefNet", "architectures": ["BiRefNet"],
    "auto_map": {"AutoConfig": "BiRefNet_config.BiRefNetConfig",
                 "AutoModelForImageSegmentation": "birefnet.BiRefNet"},
    "custom_pipelines": {"image-segmentation": {"pt": ["AutoModelForImageSegmentation"], "tf": [], "type": "image"}},
    "bb_pretrained": False,
}
CONFIG_SHA256 = "c97ea21569daf66b205491a4635147dd3bc42c7c168b89d7d75b53f67ef548ae"  # as published, 405 bytes


def noise(seed, *shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def levels(seed, *shape):
    """A random picture as uint8: a quarter of the size, and exact as the network's input."""
    return (noise(seed, *shape) * 64 + 128).clamp(0, 255).to(torch.uint8)


def from_levels(picture):
    return (picture.float() - 128) / 64


def save(tensors, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    contiguous = torch.contiguous_format
    save_file({name: tensor.detach().clone(memory_format=contiguous) for name, tensor in tensors.items()}, path)
    path.chmod(0o644)


def deform_case(x, offset, mask, weight):
    kernel = weight.shape[-1]
    out = deform_conv2d(x, offset, weight, mask=mask, padding=kernel // 2)
    return {"x": x, "offset": offset, "mask": mask, "weight": weight, "out": out}


def deform_edges():
    """One tap: row r samples at height ROWS[r], column c at width COLUMNS[c] of a 13x13 picture."""
    size = 13
    marks = [-100.0, -2.0, -1.0, -0.99, -0.5, 0.0, 0.25, 6.0, size - 1, size - 0.5, size - 0.01, size, size + 90.0]
    assert len(marks) == size
    at = torch.tensor(marks) - torch.arange(size)
    offset = torch.stack([at[:, None].expand(size, size), at[None, :].expand(size, size)])[None]
    mask = torch.rand(1, 1, size, size, generator=torch.Generator().manual_seed(3)) * 2
    return deform_case(noise(1, 1, 2, size, size), offset, mask, noise(2, 3, 2, 1, 1))


def deform_random(kernel, batch, height, width, spread, seed, whole=False):
    taps = kernel * kernel
    offset = noise(seed, batch, 2 * taps, height, width) * spread
    return deform_case(noise(seed + 1, batch, 3, height, width), offset.round() if whole else offset,
                       2 * torch.sigmoid(noise(seed + 2, batch, taps, height, width)),
                       noise(seed + 3, 4, 3, kernel, kernel))


def deform(reference):
    cases = {
        "edges": deform_edges(),
        "k1": deform_random(1, 2, 7, 9, 2.0, 10),
        "k3": deform_random(3, 2, 7, 9, 2.0, 20),
        "k7": deform_random(7, 1, 5, 6, 2.0, 30),
        "far": deform_random(3, 2, 5, 4, 40.0, 40),
        "whole": deform_random(3, 2, 5, 4, 3.0, 50, whole=True),
        "pixel": deform_random(7, 1, 1, 1, 1.0, 60),
    }
    tensors = {f"{case}.{name}": tensor for case, part in cases.items() for name, tensor in part.items()}
    module = reference.ASPPDeformable.__init__.__globals__["DeformableConv2d"]
    for kernel in (1, 3):  # 7 is in the network's squeeze module
        layer = birefnet_reference.randomise(module(2, 4, kernel_size=kernel, padding=kernel // 2), 70 + kernel,
                                             {"offset_conv": 3.0})
        x = noise(80 + kernel, 2, 2, 7, 5)
        tensors |= {f"module{kernel}.{name}": tensor for name, tensor in layer.state_dict().items()}
        tensors |= {f"module{kernel}.x": x, f"module{kernel}.out": layer(x)}
    return tensors


def patches(new, old):
    """Both orders on a picture whose values name their places."""
    b, c, h, w = torch.meshgrid(*(torch.arange(n) for n in (2, 3, 8, 12)), indexing="ij")
    image = (100000 * b + 10000 * c + 100 * h + w).float()
    tensors = {"image": image}
    for rows, columns in ((2, 3), (4, 3), (8, 12)):
        like = torch.empty(2, 1, rows, columns)
        case = f"tile{rows}x{columns}"
        tensors[f"{case}.c_hg_wg"] = new.image2patches(
            image, patch_ref=like, transformation="b c (hg h) (wg w) -> b (c hg wg) h w")
        tensors[f"{case}.wg_hg_c"] = old.Decoder.get_patches_batch(None, image, like)
    return tensors


def swin_outputs(model, inputs, variant, window):
    tensors = {}
    for name in ("odd", f"fit{window}"):
        for stage, out in enumerate(model(from_levels(inputs[name]))):
            tensors[f"{variant}.{name}.x{stage + 1}"] = out
    return tensors


def swin(transformer, out):
    inputs = {"odd": levels(100, 2, 3, 42, 29), "fit7": levels(101, 1, 3, 56, 56), "fit12": levels(102, 1, 3, 96, 48)}
    tensors = {f"input.{name}": tensor for name, tensor in inputs.items()}
    for variant, (seed, embed, depths, heads, window) in SWIN.items():
        model = transformer(embed_dim=embed, depths=list(depths), num_heads=list(heads), window_size=window)
        model.eval()  # which returns None here
        birefnet_reference.randomise(model, seed, {"qkv.weight": 1.5}, half=True)
        tensors |= swin_outputs(model, inputs, variant, window)
        save({f"bb.{name}": tensor.half() for name, tensor in model.state_dict().items()
              if not name.endswith("relative_position_index")}, out / f"swin_{variant}.safetensors")
    return tensors


def swin_parts(backbone):
    """Window attention with the mask of the shift, a block with and without it, and patch merging."""
    module = vars(sys.modules[type(backbone).__module__])
    layer = module["BasicLayer"](dim=4, depth=2, num_heads=2, window_size=7, downsample=module["PatchMerging"]).eval()
    birefnet_reference.randomise(layer, 110, {"qkv.weight": 1.5})
    height, width = 10, 9
    x = noise(111, 2, height * width, 4)
    calls = []
    hooks = [block.attn.register_forward_hook(
        lambda _, given, kept, out: calls.append((given[0], kept["mask"], out)), with_kwargs=True)
        for block in layer.blocks]
    hooks += [layer.downsample.norm.register_forward_pre_hook(lambda _, given: calls.append(given[0].clone()))]
    hooks += [layer.blocks[0].register_forward_hook(lambda _, __, out: calls.append(out.clone()))]
    stage, _, _, merged, down_height, down_width = layer(x, height, width)
    for hook in hooks:
        hook.remove()
    plain, block0, shifted, joined = calls
    assert plain[1] is None and shifted[1].shape == (2 * 4, 49, 49)
    tensors = {name: tensor for name, tensor in layer.state_dict().items() if not name.endswith("position_index")}
    return tensors | {
        "x": x, "block0": block0, "stage": stage, "merged_joined": joined, "merged": merged,
        "merged_size": torch.tensor([down_height, down_width]), "attention0.x": plain[0], "attention0.out": plain[2],
        "attention1.x": shifted[0], "attention1.out": shifted[2],
        "attention1.masked": (shifted[1][:4] != 0).to(torch.uint8)}


def run(model, x, detailed):
    """The network's output with what a reimplementation needs to find its first wrong layer."""
    kept, decoder, squeeze = {}, model.decoder, model.squeeze_module[0]
    modules = {"squeeze": model.squeeze_module, "block1": decoder.decoder_block1}
    for n in (4, 3, 2):
        modules |= {f"block{n}": getattr(decoder, f"decoder_block{n}"),
                    f"gate{n}": getattr(decoder, f"gdt_convs_attn_{n}")}
    if detailed:
        modules |= {f"lateral{n}": getattr(decoder, f"lateral_block{n}") for n in (4, 3, 2)}
        modules |= {f"ipt{n}": getattr(decoder, f"ipt_blk{n}") for n in (5, 4, 3, 2)}
        attention = squeeze.dec_att
        modules |= {"squeeze.conv_in": squeeze.conv_in, "squeeze.dec_att": attention, "squeeze.aspp1": attention.aspp1,
                    "squeeze.gap": attention.global_avg_pool,
                    **{f"squeeze.deform{n}": part for n, part in enumerate(attention.aspp_deforms)}}
    hooks = [module.register_forward_hook(lambda _, __, out, name=name: kept.update({name: out.clone()}))
             for name, module in modules.items()]
    features, _ = model.forward_enc(x)
    kept |= {f"x{n + 1}": feature for n, feature in enumerate(features)}
    outs = model(x)
    for hook in hooks:
        hook.remove()
    for n in (4, 3, 2):
        kept[f"p{n}"] = kept[f"block{n}"] * torch.sigmoid(kept[f"gate{n}"])
    return kept | {"logits": outs[-1]}


SHARED = ("x1", "x2", "x3", "x4", "squeeze", "lateral")  # not after the patches, so the same in both orders


def networks(new, old):
    tensors, errors = {}, {}
    wide = type(new)(bb_pretrained=False).eval().double()
    wide.load_state_dict(new.state_dict())
    for case, shape in NETWORK_INPUTS.items():
        tensors[f"{case}.input"] = levels(*shape)
        x = from_levels(tensors[f"{case}.input"])
        results = {"c_hg_wg": run(new, x, case == "square"), "wg_hg_c": run(old, x, case == "square")}
        for order, kept in results.items():
            for name, tensor in kept.items():
                if not name.startswith(SHARED):
                    tensors[f"{case}.{order}.{name}"] = tensor
                elif order == "c_hg_wg":
                    tensors[f"{case}.{name}"] = tensor
                else:
                    torch.testing.assert_close(tensor, tensors[f"{case}.{name}"], rtol=1e-4, atol=1e-4)
        exact = run(wide, x.double(), case == "square")
        errors[case] = {name: relative(tensor, exact[name]) for name, tensor in results["c_hg_wg"].items()}
        errors[case]["between orders"] = relative(results["wg_hg_c"]["logits"], results["c_hg_wg"]["logits"])
    return tensors, errors


def relative(a, b):
    """The largest difference by the largest magnitude."""
    return float(((a - b).abs().max() / b.abs().max()))


@torch.no_grad()
def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--reference", required=True)
    parser.add_argument("--reference-old", required=True)
    parser.add_argument("out", type=pathlib.Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    old_module = birefnet_reference.load(options.reference_old, **NETWORK)
    old = old_module.BiRefNet(bb_pretrained=False).eval()
    new_module = birefnet_reference.load(options.reference, **NETWORK)
    new = birefnet_reference.randomise(new_module.BiRefNet(bb_pretrained=False).eval(), SEED, NETWORK_GAINS, half=True)
    birefnet_reference.calibrate(new, from_levels(levels(SEED + 1, 4, 3, 64, 64)), SEED + 2, half=True)
    old.load_state_dict(new.state_dict(), strict=True)

    save(deform(new_module), options.out / "deform.safetensors")
    save(patches(new_module, old_module), options.out / "patches.safetensors")
    save(swin(type(new.bb), options.out), options.out / "swin.safetensors")
    save(swin_parts(new.bb), options.out / "swin_parts.safetensors")
    tensors, errors = networks(new, old)
    save(tensors, options.out / "network.safetensors")
    print(json.dumps(errors, indent=1))

    snapshot = options.out / "snapshot"
    snapshot.mkdir(exist_ok=True)
    save_file({name: tensor.half() if tensor.is_floating_point() else tensor
               for name, tensor in new.state_dict().items()}, snapshot / "model.safetensors", {"format": "pt"})
    (snapshot / "model.safetensors").chmod(0o644)
    config = json.dumps(CONFIG, indent=2)
    assert hashlib.sha256(config.encode()).hexdigest() == CONFIG_SHA256
    (snapshot / "config.json").write_text(config)


if __name__ == "__main__":
    main()

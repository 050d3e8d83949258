#!/usr/bin/env python3
"""Makes tests/golden/names: every parameter's name and shape of the full-size networks, without their weights.

Usage: full_size_names.py OUT [INDEX]

Builds each network on the meta device from its official configuration, as the public code of diffusers,
transformers and (for Zero123) the public description defines it, checks the totals, and writes one line per
stored tensor, `name<TAB>768,3072` (nothing for a scalar), in the order of state_dict. The official index files
are no source.
INDEX, where given, is a stored diffusion_pytorch_model.safetensors.index.json of a FLUX transformer: its names
are compared with ours and the difference is printed.
"""
import json
import pathlib
import sys

import torch
from diffusers import AutoencoderKL, FluxTransformer2DModel, UNet2DConditionModel
from transformers import CLIPConfig, CLIPModel, CLIPTextConfig, CLIPTextModel, T5Config, T5EncoderModel

LEVELS = ("DownEncoderBlock2D",) * 4, ("UpDecoderBlock2D",) * 4


def clip_text(vocab=49408, hidden=768, heads=12):
    return CLIPTextConfig(vocab_size=vocab, hidden_size=hidden, intermediate_size=4 * hidden, num_hidden_layers=12,
                          num_attention_heads=heads, max_position_embeddings=77, hidden_act="quick_gelu")


def clip(text_hidden, text_heads, hidden, layers, heads, patch, projection):
    vision = {"hidden_size": hidden, "intermediate_size": 4 * hidden, "num_hidden_layers": layers,
              "num_attention_heads": heads, "image_size": 224, "patch_size": patch, "projection_dim": projection}
    text = clip_text(hidden=text_hidden, heads=text_heads).to_dict() | {"projection_dim": projection}
    return CLIPModel(CLIPConfig(text_config=text, vision_config=vision, projection_dim=projection))


def t5_xxl():
    return T5EncoderModel(T5Config(
        vocab_size=32128, d_model=4096, d_kv=64, d_ff=10240, num_layers=24, num_decoder_layers=24, num_heads=64,
        relative_attention_num_buckets=32, relative_attention_max_distance=128, feed_forward_proj="gated-gelu",
        tie_word_embeddings=False))


def flux_transformer():
    return FluxTransformer2DModel(
        patch_size=1, in_channels=64, num_layers=19, num_single_layers=38, attention_head_dim=128,
        num_attention_heads=24, joint_attention_dim=4096, pooled_projection_dim=768, guidance_embeds=False)


def vae(latent, quant_conv):
    return AutoencoderKL(
        in_channels=3, out_channels=3, down_block_types=LEVELS[0], up_block_types=LEVELS[1],
        block_out_channels=(128, 256, 512, 512), layers_per_block=2, latent_channels=latent, norm_num_groups=32,
        use_quant_conv=quant_conv, use_post_quant_conv=quant_conv)


def zero123_unet():
    """Stable Diffusion 1.5's, with the picture's latent beside the noisy one: 8 channels in."""
    return UNet2DConditionModel(
        sample_size=32, in_channels=8, out_channels=4, block_out_channels=(320, 640, 1280, 1280), layers_per_block=2,
        cross_attention_dim=768, attention_head_dim=8)


def sd21_unet():
    return UNet2DConditionModel(
        sample_size=64, block_out_channels=(320, 640, 1280, 1280), layers_per_block=2, cross_attention_dim=1024,
        attention_head_dim=(5, 10, 20, 20), use_linear_projection=True)


# name: (maker, total of the values, number of tensors where it is known)
NETWORKS = {
    "flux_transformer": (flux_transformer, 11_891_178_560, 1156),
    "t5_v1_1_xxl_encoder": (t5_xxl, 4_762_310_656, 219),
    "clip_l_text": (lambda: CLIPTextModel(clip_text()), 123_060_480, 196),
    "flux_vae": (lambda: vae(16, False), 49_545_475 + 34_274_208, None),
    "clip_vit_l_14": (lambda: clip(768, 12, 1024, 24, 16, 14, 768), 427_616_513, None),
    "clip_vit_b_32": (lambda: clip(512, 8, 768, 12, 12, 32, 512), 151_277_313, None),
    "zero123_unet": (zero123_unet, 859_532_484, None),
    "sd21_unet": (sd21_unet, 865_910_724, None),
    "sd_vae": (lambda: vae(4, True), 83_653_863, None),
}


def listing(model):
    """(name, shape) of what a file stores: parameters, once where two names share one; no index buffers."""
    parameters = dict(model.named_parameters())
    return [(name, list(tensor.shape)) for name, tensor in model.state_dict().items() if name in parameters]


def count(shapes):
    return sum(torch.Size(shape).numel() for shape in shapes)


def write(path, lines):
    path.write_text("".join(f"{name}\t{','.join(map(str, shape))}\n" for name, shape in lines))


def compare(lines, index):
    theirs = set(json.loads(pathlib.Path(index).read_text())["weight_map"])
    ours = {name for name, _ in lines}
    print(f"index of {len(theirs)} names: {len(ours & theirs)} are ours; only there: {sorted(theirs - ours)}; "
          f"only here: {sorted(ours - theirs)}")


def main():
    out = pathlib.Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    for name, (make, total, tensors) in NETWORKS.items():
        with torch.device("meta"):
            lines = listing(make())
        values = count(shape for _, shape in lines)
        assert values == total, (name, values, total)
        assert tensors in (None, len(lines)), (name, len(lines), tensors)
        if name == "flux_vae":
            decoder = count(shape for key, shape in lines if key.startswith("decoder."))
            assert (decoder, values - decoder) == (49_545_475, 34_274_208), decoder
        write(out / f"{name}.txt", lines)
        print(f"{name}: {len(lines)} tensors, {values:,} values")
        if name == "flux_transformer" and len(sys.argv) > 2:
            compare(lines, sys.argv[2])


if __name__ == "__main__":
    main()

"""The public MVDream code as modules, without the packages that it asks for and does not need here.

xformers' attention is replaced by torch's, which computes the same; kiui is for cameras alone.
"""
import importlib.util
import pathlib
import sys
import types

import torch


def load(path, name):
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def mv_unet(checkout):
    """mv_unet.py of a checkout of github.com/ashawkey/mvdream_diffusers."""
    xformers, ops, kiui, cam = (types.ModuleType(name) for name in ("xformers", "xformers.ops", "kiui", "kiui.cam"))
    xformers.ops, kiui.cam, cam.orbit_camera = ops, cam, None
    ops.memory_efficient_attention = lambda q, k, v, attn_bias, op: (
        torch.nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=attn_bias))
    sys.modules |= {"xformers": xformers, "xformers.ops": ops, "kiui": kiui, "kiui.cam": cam}
    return load(pathlib.Path(checkout) / "mv_unet.py", "mv_unet")


def ldm_util(checkout):
    """The utilities of a checkout of github.com/bytedance/MVDream."""
    return load(pathlib.Path(checkout) / "mvdream/ldm/modules/diffusionmodules/util.py", "mvdream_util")


def official(picture_tokens=0, **changes):
    """unet/config.json of ashawkey/mvdream-sd2.1-diffusers, or with 16 picture tokens of imagedream-ipmv-diffusers."""
    config = {"attention_resolutions": [4, 2, 1], "camera_dim": 16, "channel_mult": [1, 2, 4, 4], "context_dim": 1024,
              "image_size": 32, "in_channels": 4, "model_channels": 320, "num_head_channels": 64, "num_res_blocks": 2,
              "out_channels": 4, "transformer_depth": 1}
    return config | ({"ip_dim": picture_tokens} if picture_tokens else {}) | changes

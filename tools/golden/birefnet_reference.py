"""Imports the public BiRefNet code from a checkout outside this repository, at full width or narrowed.

The code is MIT (github.com/ZhengPeng7/BiRefNet). Its widths are constants in the source, so narrowing replaces
them in the text as it is imported; nothing else of it changes.
"""
import pathlib
import sys
import types

import torch

# Backbones at full width: embed_dim, depths, heads, window (models/backbones/swin_v1.py).
SWIN = {
    "swin_v1_t": (96, (2, 2, 6, 2), (3, 6, 12, 24), 7),
    "swin_v1_s": (96, (2, 2, 18, 2), (3, 6, 12, 24), 7),
    "swin_v1_b": (128, (2, 2, 18, 2), (4, 8, 16, 32), 12),
    "swin_v1_l": (192, (2, 2, 18, 2), (6, 12, 24, 48), 12),
}

MODULE_PREFIXES = ("config", "dataset", "image_proc", "loss", "models", "utils")


def forget():
    """Two checkouts use the same module names."""
    for name in list(sys.modules):
        if name.split(".")[0] in MODULE_PREFIXES:
            del sys.modules[name]


def import_replaced(folder, name, replacements):
    """Imports module `name` with each replacement made in its text; each must be there."""
    path = folder / (name.replace(".", "/") + ".py")
    text = path.read_text()
    for old, new in replacements:
        assert old in text, f"{path}: no {old!r}"
        text = text.replace(old, new)
    module = types.ModuleType(name)
    module.__file__ = str(path)
    sys.modules[name] = module
    exec(compile(text, str(path), "exec"), module.__dict__)
    return module


def load(folder, backbone="swin_v1_l", swin=None, inner=64, planes=256, patch_inner=64):
    """The module models.birefnet of the checkout `folder`, in its official configuration but for the widths.

    `swin` (embed_dim, depths, heads, window) replaces the backbone's; `inner`, `planes` and `patch_inner` are the
    channels inside BasicDecBlk, of one branch of ASPPDeformable, and inside an ipt_blk.
    """
    folder = pathlib.Path(folder).resolve()
    forget()
    sys.path[:] = [str(folder)] + [entry for entry in sys.path if not entry.startswith(str(folder.parent))]
    import config
    embed, depths, heads, window = swin or SWIN[backbone]
    original = config.Config.__init__

    def narrowed(self):
        original(self)
        self.bb = backbone
        self.freeze_bb = False
        self.lateral_channels_in_collection = [2 * embed * 2 ** stage for stage in (3, 2, 1, 0)]
        self.cxt = self.lateral_channels_in_collection[1:][::-1][-self.cxt_num:]
        assert (self.mul_scl_ipt, self.cxt_num, self.dec_att, self.squeeze_block, self.dec_blk) == (
            "cat", 3, "ASPPDeformable", "BasicDecBlk_x1", "BasicDecBlk")
        assert self.dec_ipt and self.dec_ipt_split and self.ms_supervision and self.out_ref
        assert self.dec_channels_inter == "fixed" and self.batch_size > 1

    config.Config.__init__ = narrowed
    import models.backbones.swin_v1 as swin_module
    setattr(swin_module, backbone, lambda: swin_module.SwinTransformer(
        embed_dim=embed, depths=list(depths), num_heads=list(heads), window_size=window))
    import_replaced(folder, "models.modules.aspp", [("256 // self.down_scale", f"{planes} // self.down_scale")])
    import_replaced(folder, "models.modules.decoder_blocks", [("else 64", f"else {inner}")])
    return import_replaced(folder, "models.birefnet", [("ic = 64", f"ic = {patch_inner}")])


def network(folder, **widths):
    return load(folder, **widths).BiRefNet(bb_pretrained=False).eval()


@torch.no_grad()
def randomise(model, seed, gains=None, half=False):
    """Draws every parameter and running statistic so that activations stay O(1) and none of them is neutral.

    `gains` multiplies the values of those whose name contains the key. With `half` all are float16 numbers.
    """
    generator = torch.Generator().manual_seed(seed)
    for name, tensor in model.state_dict().items():
        if not tensor.is_floating_point():
            continue
        noise = torch.randn(tensor.shape, generator=generator)
        if name.endswith("running_var"):
            value = 0.5 + noise.abs()
        elif name.endswith("running_mean"):
            value = 0.3 * noise
        elif name.endswith("relative_position_bias_table"):
            value = noise
        elif tensor.dim() == 1:
            is_scale = name.endswith("weight")  # of a norm: all other weights have more dimensions
            value = 1 + 0.2 * noise if is_scale else 0.2 * noise
        else:
            value = noise / tensor[0].numel() ** 0.5
        for key, gain in (gains or {}).items():
            if key in name:
                value = value * gain
        tensor.copy_(value.half() if half else value)
    return model


@torch.no_grad()
def calibrate(model, x, seed, half=False):
    """Sets the running statistics near those of the batch `x`, as training would, and the biases above zero.

    Random statistics would leave most ReLU channels dead, and outputs that hardly depend on the weights before them.
    """
    generator = torch.Generator().manual_seed(seed)
    rounded = (lambda tensor: tensor.half().float()) if half else (lambda tensor: tensor)

    def settle(norm, given):
        values = given[0].transpose(0, 1).flatten(1)
        noise = torch.randn(2, len(values), generator=generator)
        deviation = values.std(1) + 0.05
        norm.running_mean.copy_(rounded(values.mean(1) + 0.2 * deviation * noise[0]))
        norm.running_var.copy_(rounded((deviation * (1 + 0.2 * noise[1].clamp(-2, 2))) ** 2))
        norm.bias.copy_(rounded(norm.bias + 0.5))

    hooks = [module.register_forward_pre_hook(settle) for module in model.modules()
             if isinstance(module, torch.nn.BatchNorm2d)]
    model(x)
    for hook in hooks:
        hook.remove()
    return model

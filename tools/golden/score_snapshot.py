#!/usr/bin/env python3
"""Makes tests/golden/score/snapshot: the scorers' networks, tiny and of random float16 weights, in the official layouts.

Usage: score_snapshot.py OUT

Weights are drawn so that activations stay O(1) (fan-in scaling, biases off zero, norm weights off one) and
widths that the official networks have equal are made to differ, so that a transposed matrix does not fit.
All are rounded to float16, which is what the files hold; outputs are computed from the rounded values in float32.
"""
import json
import pathlib
import shutil
import sys

import timm
import torch
from open_clip.model import CLIP, CLIPTextCfg, CLIPVisionCfg
from safetensors.torch import save_file
from torch import nn
from torchmetrics.functional.image import lpips
from transformers import (CLIPConfig, CLIPModel, CLIPVisionConfig, CLIPVisionModelWithProjection, Dinov2Config,
                          Dinov2Model)

SEED = 404
VOCABULARY = 814  # of tests/golden/flux/snapshot/tokenizer: SOT 812, EOT 813
MEAN, STD = [0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711]

CLIP_TEXT = {"vocab_size": VOCABULARY, "num_hidden_layers": 2, "num_attention_heads": 4,
             "max_position_embeddings": 77, "hidden_act": "quick_gelu", "layer_norm_eps": 1e-5}
CLIPS = {
    # The official configurations have eos_token_id 2: the legacy rule, the first of the largest ids.
    "clip_b": {"projection_dim": 24,
               "text": CLIP_TEXT | {"hidden_size": 24, "intermediate_size": 48, "eos_token_id": 2, "bos_token_id": 0,
                                    "pad_token_id": 1},
               "vision": {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2,
                          "num_attention_heads": 4, "image_size": 32, "patch_size": 8, "hidden_act": "quick_gelu"}},
    # The new rule: the first eos_token_id. Exact GELU, as LAION's conversions have.
    "clip_l": {"projection_dim": 20,
               "text": CLIP_TEXT | {"hidden_size": 16, "intermediate_size": 32, "eos_token_id": 813,
                                    "bos_token_id": 812, "pad_token_id": 813, "hidden_act": "gelu"},
               "vision": {"hidden_size": 24, "intermediate_size": 48, "num_hidden_layers": 3,
                          "num_attention_heads": 2, "image_size": 42, "patch_size": 14, "hidden_act": "gelu"}},
}
LLM2CLIP_VISION = {"hidden_size": 24, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 2,
                   "image_size": 56, "patch_size": 14, "hidden_act": "quick_gelu", "projection_dim": 40}
CONVNEXT = {"embed_dim": 24, "text_cfg": {"context_length": 77, "vocab_size": VOCABULARY, "width": 32, "heads": 4,
                                          "layers": 2},
            "vision_cfg": {"timm_model_name": "convnext_large", "timm_model_pretrained": False, "timm_pool": "",
                           "timm_proj": "mlp", "timm_drop": 0.0, "timm_drop_path": 0.1, "image_size": 256}}
CONVNEXT_TRUNK = {"dims": [8, 16, 24, 32], "depths": [1, 1, 2, 1]}
DINOV2 = {"hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 4, "mlp_ratio": 4, "hidden_act": "gelu",
          "layer_norm_eps": 1e-6, "image_size": 56, "patch_size": 14, "qkv_bias": True, "layerscale_value": 1.0,
          "use_swiglu_ffn": False}
EMBEDDING_HEAD = 256
LPIPS_CHANNELS = {"alex": [8, 12, 16, 12, 10], "vgg": [4, 6, 8, 10, 12]}


def randomise(model, generator, gains=None):
    """Draws every parameter as a float16 value; `gains` multiplies those whose name contains the key."""
    for name, parameter in model.named_parameters():
        noise = torch.randn(parameter.shape, generator=generator)
        norm = any(part in name for part in ("norm", "layrnorm", "ln_", "stem.1.", "downsample.0."))
        if parameter.dim() == 0:
            value = torch.tensor(2.5)  # logit_scale
        elif name.endswith(("lambda1", "gamma")):
            value = 0.6 + 0.2 * noise
        elif norm and name.endswith("weight"):
            value = 1 + 0.2 * noise
        elif name.endswith("class_embedding"):
            value = noise
        elif parameter.dim() == 1:
            value = 0.1 * noise
        elif "embedding" in name and parameter.dim() < 4 or name.endswith(("cls_token", "mask_token")):
            value = noise
        elif name == "text_projection":  # multiplied from the right
            value = noise / parameter.shape[0] ** 0.5
        else:
            value = noise / parameter[0].numel() ** 0.5
        for key, gain in (gains or {}).items():
            if key in name:
                value = value * gain
        parameter.data.copy_(value.half())
    return model.eval()


def clip(name):
    sizes = CLIPS[name]
    projection = {"projection_dim": sizes["projection_dim"]}
    config = CLIPConfig(text_config=sizes["text"] | projection, vision_config=sizes["vision"] | projection, **projection)
    generator = torch.Generator().manual_seed(SEED + len(name) + sizes["projection_dim"])
    return randomise(CLIPModel(config), generator, {"position_embedding": 0.5, "q_proj.weight": 2.0})


def llm2clip_vision():
    generator = torch.Generator().manual_seed(SEED + 1)
    return randomise(CLIPVisionModelWithProjection(CLIPVisionConfig(**LLM2CLIP_VISION)), generator,
                     {"position_embedding": 0.5, "q_proj.weight": 2.0})


def convnext():
    """open_clip's convnext_large_d with another width and depth; nothing else of its configuration differs."""
    make = timm.create_model
    timm.create_model = lambda *given, **more: make(*given, **more, **CONVNEXT_TRUNK)
    try:
        model = CLIP(CONVNEXT["embed_dim"], CLIPVisionCfg(**CONVNEXT["vision_cfg"]), CLIPTextCfg(**CONVNEXT["text_cfg"]))
    finally:
        timm.create_model = make
    generator = torch.Generator().manual_seed(SEED + 2)
    return randomise(model, generator, {"positional_embedding": 0.5, "in_proj_weight": 1.5})


class QualityNet(nn.Module):
    """What the validator puts around DINOv2: `score_head` on the class token; `emb_head` is stored, never used."""

    def __init__(self):
        super().__init__()
        self.backbone = Dinov2Model(Dinov2Config(**DINOV2))
        self.emb_head = nn.Linear(DINOV2["hidden_size"], EMBEDDING_HEAD)
        self.score_head = nn.Linear(DINOV2["hidden_size"], 1)

    def forward(self, pixels):
        return self.score_head(self.backbone(pixels).last_hidden_state[:, 0]).squeeze(1)


def quality(seed=SEED + 3):
    generator = torch.Generator().manual_seed(seed)
    return randomise(QualityNet(), generator, {"query.weight": 2.0, "position_embeddings": 0.5})


def pretrained():
    """The backbone by itself before it was tuned: another one, so that a test sees whose weights are used."""
    return quality(SEED + 6)


def alexnet_features(c):
    return nn.Sequential(
        nn.Conv2d(3, c[0], 11, stride=4, padding=2), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2),
        nn.Conv2d(c[0], c[1], 5, padding=2), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2),
        nn.Conv2d(c[1], c[2], 3, padding=1), nn.ReLU(inplace=True), nn.Conv2d(c[2], c[3], 3, padding=1),
        nn.ReLU(inplace=True), nn.Conv2d(c[3], c[4], 3, padding=1), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2))


def vgg16_features(c):
    layers, before = [], 3
    for channels, count in zip(c, (2, 2, 3, 3, 3)):
        for _ in range(count):
            layers += [nn.Conv2d(before, channels, 3, padding=1), nn.ReLU(inplace=True)]
            before = channels
        layers.append(nn.MaxPool2d(2, 2))
    return nn.Sequential(*layers)


def perceptual(net):
    """torchmetrics' LPIPS network with fewer channels: (network, features as torchvision numbers them)."""
    channels = LPIPS_CHANNELS[net]
    generator = torch.Generator().manual_seed(SEED + 4 + len(net))
    features = {"alex": alexnet_features, "vgg": vgg16_features}[net](channels)
    randomise(features, generator, {"weight": 1.4})
    original, lpips._get_net = lpips._get_net, lambda *_: features
    try:
        model = lpips._NoTrainLpips(pretrained=False, net=net, pnet_rand=True)
    finally:
        lpips._get_net = original
    for n, width in enumerate(channels):
        layer = lpips.NetLinLayer(width, use_dropout=True)
        weight = torch.rand(1, width, 1, 1, generator=generator) / width
        layer.model[1].weight.data.copy_(weight.half())
        setattr(model, f"lin{n}", layer)
        model.lins[n] = layer
    return model.eval(), features


def save(tensors, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: tensor.detach().half().contiguous() for name, tensor in tensors.items()}, path,
              metadata={"format": "pt"})


def write_config(config, path):
    for part in (config, config.get("text_config", {}), config.get("vision_config", {})):
        part.pop("_attn_implementation_autoset", None)
    path.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")


def save_hf(model, folder):
    save(model.state_dict(), folder / "model.safetensors")
    write_config(model.config.to_diff_dict() | {"architectures": [type(model).__name__]}, folder / "config.json")


def llm2clip_files(folder):
    """The vision half as get_image_features reads it, beside tensors of the text half that it never reads."""
    model = llm2clip_vision()
    width = LLM2CLIP_VISION["projection_dim"]
    generator = torch.Generator().manual_seed(SEED + 5)
    noise = lambda *shape: torch.randn(shape, generator=generator)
    extra = {"text_projection.weight": noise(width, 8), "logit_scale": torch.tensor(2.5),
             "text_adapter.adaptor.0.norm.weight": noise(8), "text_adapter.adaptor.0.norm.bias": noise(8)}
    save(model.state_dict() | extra, folder / "model.safetensors")
    vision = model.config.to_diff_dict()
    config = {"architectures": ["LLM2CLIPModel"], "model_type": "clip", "projection_dim": width,
              "logit_scale_init_value": 2.6592, "torch_dtype": "float32",
              "vision_config": vision}
    write_config(config, folder / "config.json")


def main():
    out = pathlib.Path(sys.argv[1])
    shutil.rmtree(out, ignore_errors=True)
    for name in CLIPS:
        save_hf(clip(name), out / name)
    llm2clip_files(out / "llm2clip")
    save(convnext().state_dict(), out / "convnext" / "open_clip_model.safetensors")
    vision = CONVNEXT["vision_cfg"] | {"timm_model_kwargs": CONVNEXT_TRUNK}
    (out / "convnext" / "open_clip_config.json").write_text(json.dumps(
        {"model_cfg": CONVNEXT | {"vision_cfg": vision}, "preprocess_cfg": {"mean": MEAN, "std": STD}}, indent=2) + "\n")
    save_hf(pretrained().backbone, out / "dinov2")
    save(quality().state_dict(), out / "quality" / "quality_scorer.safetensors")
    for name, architecture in (("alex", "alexnet"), ("vgg", "vgg16")):
        model, features = perceptual(name)
        lins = {f"lin{n}.model.1.weight": layer.model[1].weight for n, layer in enumerate(model.lins)}
        save({f"features.{key}": value for key, value in features.state_dict().items()},
             out / "lpips" / f"{architecture}.safetensors")
        save(lins, out / "lpips" / f"lpips_{name}.safetensors")
    for file in out.rglob("*.*"):
        file.chmod(0o644)


if __name__ == "__main__":
    main()

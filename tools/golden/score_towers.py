#!/usr/bin/env python3
"""Makes tests/golden/score/towers_*.safetensors: what the reference libraries compute with the tiny towers.

Usage: score_towers.py SNAPSHOT TOKENIZER OUT

SNAPSHOT comes from score_snapshot.py, TOKENIZER is tests/golden/flux/snapshot/tokenizer. Networks are built by
their libraries and load the snapshot's files strictly. Every input is stored with its output. Floats are float32,
computed on the CPU; pixels are bytes (see values); ids are int64. tests/golden/score/README.md lists the tensors.
"""
import gzip
import pathlib
import sys
import tempfile

import torch
from open_clip.tokenizer import SimpleTokenizer
from safetensors.torch import load_file, save_file
from transformers import CLIPModel, Dinov2Model

import score_snapshot

PROMPTS = ["a photo of a cat", " ".join(f"a red dragon, a wooden chair and {n} toy cars;" for n in range(12)), ""]


def levels(seed, *shape):
    """Normal noise in bytes: (byte - 128) / 64 is what a network gets, exact in float16."""
    noise = torch.randn(*shape, generator=torch.Generator().manual_seed(seed))
    return (noise * 64 + 128).round().clamp(0, 255).to(torch.uint8)


def values(pixels):
    return (pixels.float() - 128) / 64


def save(tensors, path):
    save_file({name: tensor.detach().contiguous() for name, tensor in tensors.items()}, path)
    path.chmod(0o644)


def widened(path):
    return {name: tensor.float() for name, tensor in load_file(path).items()}


def open_clip_tokenizer(folder):
    """open_clip's own, with the first merges alone; its specials come last, as in `folder`."""
    with tempfile.TemporaryDirectory() as scratch:
        path = pathlib.Path(scratch, "merges.txt.gz")
        path.write_bytes(gzip.compress((folder / "merges.txt").read_text(encoding="utf-8").rstrip("\n").encode()))
        tokenizer = SimpleTokenizer(bpe_path=str(path))
    assert tokenizer.vocab_size == score_snapshot.VOCABULARY and tokenizer.eot_token_id == 813
    return tokenizer


def hooked(modules, run):
    """What `run` returns, and the first tensor of each module's output."""
    caught = {}
    hooks = [module.register_forward_hook(lambda _, __, out, name=name: caught.update(
        {name: (out if torch.is_tensor(out) else out[0]).clone()})) for name, module in modules.items()]
    result = run()
    for hook in hooks:
        hook.remove()
    return result, caught


def hf_clip(snapshot, name, tokenizer):
    model = CLIPModel.from_pretrained(snapshot / name, torch_dtype=torch.float32).eval()
    size = model.config.vision_config.image_size
    ids = tokenizer(PROMPTS)
    pixels = levels(70, 2, 3, size, size)
    modules = {"vision.embeddings": model.vision_model.embeddings, "vision.pre_layrnorm": model.vision_model.pre_layrnorm}
    modules |= {f"vision.layer.{n}": layer for n, layer in enumerate(model.vision_model.encoder.layers)}
    out, caught = hooked(modules, lambda: model(input_ids=ids, pixel_values=values(pixels)))
    features = model.get_image_features(values(pixels)), model.get_text_features(ids)
    return {"ids": ids, "pixels": pixels, **caught,
            "vision.last_hidden_state": out.vision_model_output.last_hidden_state,
            "vision.pooled": out.vision_model_output.pooler_output,
            "text.last_hidden_state": out.text_model_output.last_hidden_state,
            "text.pooled": out.text_model_output.pooler_output,
            "image_features": features[0], "text_features": features[1],
            "image_embeds": out.image_embeds, "text_embeds": out.text_embeds, "logits_per_image": out.logits_per_image}


def convnext_model(snapshot):
    model = score_snapshot.convnext()
    model.load_state_dict(widened(snapshot / "convnext" / "open_clip_model.safetensors"), strict=True)
    return model


def convnext(snapshot, tokenizer):
    model = convnext_model(snapshot)
    ids = tokenizer(PROMPTS)
    tensors = {"ids": ids, "logit_scale": model.logit_scale}
    trunk = model.visual.trunk
    modules = {"stem": trunk.stem, "pooled": trunk} | {f"stage.{n}": stage for n, stage in enumerate(trunk.stages)}
    for name, seed, shape in [("square", 71, (2, 3, 64, 64)), ("odd", 72, (1, 3, 72, 72)), ("wide", 73, (1, 3, 40, 88))]:
        pixels = levels(seed, *shape)
        out, caught = hooked(modules if name == "square" else {}, lambda: model.encode_image(values(pixels)))
        tensors |= {f"{name}.pixels": pixels, f"{name}.image_features": out,
                    **{f"{name}.{key}": value for key, value in caught.items()}}
        tensors[f"{name}.image_embeds"] = torch.nn.functional.normalize(out, dim=-1)
    features, caught = hooked({"text.ln_final": model.ln_final}, lambda: model.encode_text(ids))
    return tensors | caught | {"text_features": features, "text_embeds": torch.nn.functional.normalize(features, dim=-1)}


def quality_model(snapshot, heads_only=False):
    model = score_snapshot.pretrained()
    stored = widened(snapshot / "quality" / "quality_scorer.safetensors")
    model.backbone = Dinov2Model.from_pretrained(snapshot / "dinov2", torch_dtype=torch.float32).eval()
    kept = {name: value for name, value in stored.items() if not (heads_only and name.startswith("backbone."))}
    missing, unexpected = model.load_state_dict(kept, strict=False)
    assert not unexpected and (heads_only or not missing)
    return model


def dinov2(snapshot):
    tensors = {}
    model = quality_model(snapshot)
    heads = quality_model(snapshot, heads_only=True)
    # 65 is no multiple of the patch (14): the last 9 rows and columns are not looked at.
    cases = [("same", 74, (2, 3, 56, 56)), ("large", 75, (1, 3, 70, 70)), ("wide", 76, (1, 3, 42, 98)),
             ("ragged", 77, (1, 3, 65, 65))]
    for name, seed, shape in cases:
        pixels = levels(seed, *shape)
        modules = {"embeddings": model.backbone.embeddings}
        if name == "same":
            modules |= {f"layer.{n}": layer for n, layer in enumerate(model.backbone.encoder.layer)}
        out, caught = hooked(modules, lambda: model.backbone(values(pixels)))
        logit = model(values(pixels))
        tensors |= {f"{name}.pixels": pixels, f"{name}.last_hidden_state": out.last_hidden_state,
                    f"{name}.logit": logit, f"{name}.score": torch.sigmoid(logit),
                    f"{name}.heads_only_logit": heads(values(pixels)),
                    **{f"{name}.{key}": value for key, value in caught.items()}}
    return tensors


def llm2clip_model(snapshot):
    model = score_snapshot.llm2clip_vision()
    stored = widened(snapshot / "llm2clip" / "model.safetensors")
    missing, unexpected = model.load_state_dict(stored, strict=False)
    assert not missing and all(name.startswith(("text_", "logit_scale")) for name in unexpected), unexpected
    return model


def llm2clip(snapshot):
    model = llm2clip_model(snapshot)
    pixels = levels(78, 2, 3, 56, 56)
    out = model(values(pixels))
    return {"pixels": pixels, "last_hidden_state": out.last_hidden_state, "image_features": out.image_embeds}


def lpips_model(snapshot, net):
    """torchmetrics' network with the weights of the files: `features.N` is torchvision's numbering."""
    model, features = score_snapshot.perceptual(net)
    stored = widened(snapshot / "lpips" / f"{dict(alex='alexnet', vgg='vgg16')[net]}.safetensors")
    features.load_state_dict({name.removeprefix("features."): value for name, value in stored.items()}, strict=True)
    lins = widened(snapshot / "lpips" / f"lpips_{net}.safetensors")
    for n, layer in enumerate(model.lins):
        layer.model[1].weight.data.copy_(lins[f"lin{n}.model.1.weight"])
    return model


def lpips(snapshot):
    """Pairs in 0...1 (normalize=True); `net` of the metric is what runs, one pair a call, so no reduction enters."""
    tensors = {}
    smooth = torch.nn.functional.interpolate(values(levels(79, 2, 3, 9, 9)), size=(72, 88), mode="bicubic")
    first = (0.5 + 0.25 * smooth).clamp(0, 1)
    second = (first.roll(3, dims=3) * 0.9 + 0.05).clamp(0, 1)
    tensors["first"], tensors["second"] = [(image * 255).round().to(torch.uint8) for image in (first, second)]
    pair = [tensors[name] / 255.0 for name in ("first", "second")]
    for net in ("alex", "vgg"):
        model = lpips_model(snapshot, net)
        value, layers = model(*pair, retperlayer=True, normalize=True)
        tensors |= {f"{net}.value": value.flatten(), f"{net}.layers": torch.stack([layer.flatten() for layer in layers], 1)}
        tensors[f"{net}.same"] = model(pair[0], pair[0], normalize=True).flatten()
        scaled = model.scaling_layer(2 * pair[0][:1] - 1)
        tensors |= {f"{net}.features.{n}": out for n, out in enumerate(model.net(scaled)) if n in (0, 4)}
        if net == "vgg":
            del tensors["vgg.features.0"]  # as large as the picture
    return tensors


@torch.no_grad()
def main():
    snapshot, tokenizer, out = map(pathlib.Path, sys.argv[1:])
    torch.set_num_threads(1)
    tokenizer = open_clip_tokenizer(tokenizer)
    for name in score_snapshot.CLIPS:
        save(hf_clip(snapshot, name, tokenizer), out / f"towers_{name}.safetensors")
    save(convnext(snapshot, tokenizer), out / "towers_convnext.safetensors")
    save(dinov2(snapshot), out / "towers_dinov2.safetensors")
    save(llm2clip(snapshot), out / "towers_llm2clip.safetensors")
    save(lpips(snapshot), out / "towers_lpips.safetensors")


if __name__ == "__main__":
    main()

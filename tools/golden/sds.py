#!/usr/bin/env python3
"""Makes tests/golden/sds: tiny Zero123, MVDream and Stable Diffusion folders, and what the references compute.

Usage: sds.py --dreamgaussian D --mvdream M --mvdream-diffusers P OUT

D, M and P are checkouts of github.com/dreamgaussian/dreamgaussian, bytedance/MVDream and ashawkey/mvdream_diffusers.
Their own train_step, refine, get_img_embeds and pipeline run here, in float32 on the CPU, with the noise they draw
replayed from what is stored. tests/golden/sds/README.md lists the tensors.
"""
import argparse
import contextlib
import json
import pathlib
import sys
import types

import numpy
import torch
from diffusers import AutoencoderKL, DDIMScheduler, StableDiffusionPipeline, UNet2DConditionModel
from diffusers.models.autoencoders import vae as autoencoder_module
from safetensors.torch import save_file
from transformers import (CLIPImageProcessor, CLIPTextConfig, CLIPTextModel, CLIPTokenizer, CLIPVisionConfig,
                          CLIPVisionModelWithProjection)

from flux_snapshot import clip_tokenizer, randomise, tidy

SEED = 123
PROMPT = "a red dragon"
NEGATIVE = "ugly, blurry"
SIDE = 24  # of drawn views: not the networks' side, so that the resize counts
VIEWS = 4


class Noise:
    """Draws in half precision, so that files stay small, keeps what it drew, and hands it out as float32."""

    def __init__(self, seed):
        self.generator = torch.Generator().manual_seed(seed)
        self.names, self.drawn = [], {}

    def expect(self, *names):
        self.names = list(names)

    def draw(self, shape):
        name = self.names.pop(0)
        if name not in self.drawn:
            self.drawn[name] = RANDN(tuple(shape), generator=self.generator).half()
        return self.drawn[name].float()

    def replay(self):
        torch.randn_like = lambda like, **_: self.draw(like.shape)
        torch.randn = lambda *shape, **_: self.draw(shape[0] if isinstance(shape[0], (tuple, list)) else shape)
        autoencoder_module.randn_tensor = lambda shape, **_: self.draw(shape)


RANDN, RANDN_LIKE, RANDN_TENSOR = torch.randn, torch.randn_like, autoencoder_module.randn_tensor


def stop_replay():
    torch.randn, torch.randn_like, autoencoder_module.randn_tensor = RANDN, RANDN_LIKE, RANDN_TENSOR


def stub_modules(args):
    """What the references import and the CPU does not have or need."""
    sys.path[:0] = [str(args.dreamgaussian), str(args.dreamgaussian / "guidance"), str(args.mvdream_diffusers),
                    str(args.mvdream)]

    def module(name, **content):
        sys.modules[name] = types.ModuleType(name)
        sys.modules[name].__dict__.update(content)

    module("scipy")
    module("scipy.spatial")
    module("scipy.spatial.transform", Rotation=None)  # of a camera for the mouse
    from cam_utils import orbit_camera  # kiui's is the same function
    module("kiui")
    module("kiui.cam", orbit_camera=orbit_camera)

    def attention(q, k, v, attn_bias=None, op=None):
        return torch.nn.functional.scaled_dot_product_attention(q, k, v)
    module("xformers")
    module("xformers.ops", memory_efficient_attention=attention)
    sys.modules["xformers"].ops = sys.modules["xformers.ops"]
    module("mvdream.model_zoo", build_model=None)
    module("mvdream.ldm.models.diffusion.ddim", DDIMSampler=None)
    for package in ("mvdream.ldm", "mvdream.ldm.models", "mvdream.ldm.models.diffusion"):
        module(package)


def tiny_vae(generator):
    model = AutoencoderKL(
        block_out_channels=(4, 4, 4, 4), norm_num_groups=2, in_channels=3, out_channels=3, latent_channels=4,
        down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4, layers_per_block=1,
        act_fn="silu", sample_size=256, scaling_factor=0.18215)
    return randomise(model, generator, {"decoder.conv_out.weight": 0.4, "encoder.conv_out.weight": 2.0})


def tiny_unet(generator, **sizes):
    model = UNet2DConditionModel(
        block_out_channels=(4, 4, 8, 8), norm_num_groups=2, layers_per_block=1, out_channels=4,
        down_block_types=("CrossAttnDownBlock2D",) * 3 + ("DownBlock2D",),
        up_block_types=("UpBlock2D",) + ("CrossAttnUpBlock2D",) * 3, **sizes)
    return randomise(model, generator, {"attn2.to_q": 2.0, "attn2.to_out.0.weight": 2.0})


def tiny_text(generator):
    tokenizer = clip_tokenizer()
    tokenizer.pad_token = "!"  # id 0, as Stable Diffusion 2 pads
    config = CLIPTextConfig(
        vocab_size=len(tokenizer), hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2,
        projection_dim=32, max_position_embeddings=77, hidden_act="gelu", layer_norm_eps=1e-5, bos_token_id=0,
        eos_token_id=2, pad_token_id=1)
    return tokenizer, randomise(CLIPTextModel(config), generator, {"position_embedding": 0.5})


def schedule():
    return DDIMScheduler(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", num_train_timesteps=1000,
                         clip_sample=False, set_alpha_to_one=False, steps_offset=1, prediction_type="epsilon")


def save_half(model, folder):
    """Stored as published, in half precision; goes on in float32 with the rounded weights."""
    model.half().save_pretrained(folder, safe_serialization=True)
    return model.float().eval()


def save_index(folder, name, parts):
    index = {"_class_name": name, "_diffusers_version": "0.33.1"} | parts
    (folder / "model_index.json").write_text(json.dumps(index, indent=2) + "\n")


def views(generator, count):
    """Smooth pictures with values of halves: an 8x8 grid, enlarged."""
    coarse = torch.rand((count, 3, 8, 8), generator=generator)
    fine = torch.nn.functional.interpolate(coarse, (SIDE, SIDE), mode="bicubic").clamp(0, 1)
    return fine.half().float()


def differentiate(pictures, loss_of):
    pixels = pictures.clone().requires_grad_(True)
    loss = loss_of(pixels)
    loss.backward()
    return {"loss": loss.detach().reshape(1), "gradient": pixels.grad}


# --- Zero123 ---


def zero123(out, generator):
    from zero123 import CLIPCameraProjection
    import zero123_utils
    folder = out / "zero123"
    vision = CLIPVisionConfig(hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2,
                              image_size=224, patch_size=16, projection_dim=24, hidden_act="quick_gelu")
    pipe = types.SimpleNamespace(
        vae=save_half(tiny_vae(generator), folder / "vae"),
        unet=save_half(tiny_unet(generator, in_channels=8, sample_size=32, cross_attention_dim=24,
                                 attention_head_dim=2), folder / "unet"),
        image_encoder=save_half(randomise(CLIPVisionModelWithProjection(vision), generator, {}),
                                folder / "image_encoder"),
        clip_camera_projection=save_half(randomise(CLIPCameraProjection(24, 4), generator, {}),
                                         folder / "clip_camera_projection"),
        feature_extractor=CLIPImageProcessor())
    pipe.feature_extractor.save_pretrained(folder / "feature_extractor")
    schedule().save_pretrained(folder / "scheduler")
    save_index(folder, "Zero123Pipeline", {
        "clip_camera_projection": ["zero123", "CLIPCameraProjection"],
        "feature_extractor": ["transformers", "CLIPImageProcessor"],
        "image_encoder": ["transformers", "CLIPVisionModelWithProjection"],
        "scheduler": ["diffusers", "DDIMScheduler"], "unet": ["diffusers", "UNet2DConditionModel"],
        "vae": ["diffusers", "AutoencoderKL"]})

    model = object.__new__(zero123_utils.Zero123)
    torch.nn.Module.__init__(model)
    model.device, model.dtype, model.pipe = torch.device("cpu"), torch.float32, pipe
    model.vae, model.unet, model.scheduler = pipe.vae, pipe.unet, schedule()
    model.num_train_timesteps, model.min_step, model.max_step = 1000, 20, 980
    model.alphas = model.scheduler.alphas_cumprod

    coarse = torch.rand((1, 4, 6, 6), generator=generator)
    picture = torch.nn.functional.interpolate(coarse, (96, 96), mode="bicubic").clamp(0, 1)
    picture = (picture * 255).round()
    picture[:, 3] = (picture[:, 3] > 120) * 255.0  # opaque or not there: no rounding of mixtures
    solid = picture[:, 3:] == 255
    over_white = torch.where(solid, picture[:, :3], torch.tensor(255.0)) / 255

    noise = Noise(SEED)
    result = {"picture": picture[0].permute(1, 2, 0).to(torch.uint8)}
    noise.replay()
    noise.expect("posterior")
    model.get_img_embeds(over_white)
    result |= {"embedding": model.embeddings[0], "latent": model.embeddings[1]}

    cases = {"xl": (False, 10.0, 35.0, 0.3, 0.0), "stable": (True, -25.0, -140.0, 0.8, -12.0)}
    for name, (stable, ver, hor, ratio, default_elevation) in cases.items():
        model.use_stable_zero123 = stable
        pictures = views(generator, 1)
        noise.expect(f"{name}.posterior", f"{name}.noise")
        answer = differentiate(pictures, lambda x: model.train_step(
            x, [ver], [hor], [0], step_ratio=ratio, default_elevation=default_elevation))
        result |= {f"{name}.views": pictures.half()} | {f"{name}.{k}": v for k, v in answer.items()}
        result[f"{name}.pose"] = model.get_cam_embeddings([ver], [hor], [0], default_elevation)
    model.use_stable_zero123 = False
    for azimuth in (30, 270):
        noise.expect(f"sample.{azimuth}.noise")
        drawn = model.refine(torch.zeros(1, 3, 8, 8), [0.0], [float(azimuth)], [0], steps=3, strength=0)
        result[f"sample.{azimuth}.pixels"] = (drawn * 255).round().to(torch.uint8)[0, :, ::8, ::8].permute(1, 2, 0)
    stop_replay()
    save(out / "zero123.safetensors", result, noise)


# --- MVDream ---


def mvdream(out, generator):
    from mvdream.camera_utils import get_camera
    import mv_unet
    import mvdream_utils
    from cam_utils import orbit_camera
    from pipeline_mvdream import MVDreamPipeline
    folder = out / "mvdream"
    sizes = dict(image_size=32, in_channels=4, out_channels=4, model_channels=32, num_res_blocks=1,
                 attention_resolutions=[1], channel_mult=[1], num_head_channels=16, context_dim=16,
                 transformer_depth=1, camera_dim=16)
    unet = mv_unet.MultiViewUNetModel(**sizes)
    unet.register_to_config(**sizes)
    unet = save_half(randomise(unet, generator, {"camera_embed": 2.0, "out.2.weight": 1.5}), folder / "unet")
    vae = save_half(tiny_vae(generator), folder / "vae")
    tokenizer, text_encoder = tiny_text(generator)
    text_encoder = save_half(text_encoder, folder / "text_encoder")
    tokenizer.save_pretrained(folder / "tokenizer")
    schedule().save_pretrained(folder / "scheduler")
    save_index(folder, "MVDreamPipeline", {
        "feature_extractor": [None, None], "image_encoder": [None, None], "requires_safety_checker": False,
        "scheduler": ["diffusers", "DDIMScheduler"], "text_encoder": ["transformers", "CLIPTextModel"],
        "tokenizer": ["transformers", "CLIPTokenizer"], "unet": ["mv_unet", "MultiViewUNetModel"],
        "vae": ["diffusers", "AutoencoderKL"]})

    def encode_text(prompts):
        ids = tokenizer(prompts, padding="max_length", max_length=77, truncation=True, return_tensors="pt").input_ids
        return text_encoder(ids)[0]

    # ldm's register_schedule: in double, stored in single precision.
    betas = numpy.linspace(0.00085 ** 0.5, 0.012 ** 0.5, 1000, dtype=numpy.float64) ** 2
    alphas = numpy.cumprod(1 - betas)
    keep, add = (torch.tensor(numpy.sqrt(x), dtype=torch.float32) for x in (alphas, 1 - alphas))
    wide = lambda values: values.view(-1, 1, 1, 1)

    class Latent:  # the parts of ldm's LatentDiffusion that are called
        encode_first_stage = staticmethod(lambda x: vae.encode(x).latent_dist)
        get_first_stage_encoding = staticmethod(lambda posterior: 0.18215 * posterior.sample())
        q_sample = staticmethod(lambda x, t, noise: wide(keep[t]) * x + wide(add[t]) * noise)
        apply_model = staticmethod(lambda x, t, c: unet(x, t, c["context"], camera=c["camera"], num_frames=4))

    model = object.__new__(mvdream_utils.MVDream)
    torch.nn.Module.__init__(model)
    model.device, model.dtype, model.model = torch.device("cpu"), torch.float32, Latent()
    model.num_train_timesteps, model.min_step, model.max_step = 1000, 20, 980
    model.embeddings = {"pos": encode_text([PROMPT + ", 3d asset"]).repeat(4, 1, 1).detach(),
                        "neg": encode_text([NEGATIVE]).repeat(4, 1, 1).detach()}

    noise = Noise(SEED + 1)
    result = {"cameras": get_camera(VIEWS, elevation=15, azimuth_start=0),
              "positive": model.embeddings["pos"][:1], "negative": model.embeddings["neg"][:1]}
    pictures = views(generator, VIEWS)
    # DreamGaussian's angles, its elevation positive below; our azimuth is smaller by 90.
    poses = numpy.stack([orbit_camera(-20, 105 + 90 * i, 2.5) for i in range(VIEWS)])
    model_camera = lambda: torch.from_numpy(poses).float()
    noise.replay()
    noise.expect("posterior", "noise")
    answer = differentiate(pictures, lambda x: model.train_step(x, model_camera(), step_ratio=0.45))
    result |= {"views": pictures.half()} | answer

    def reconstruction(x):  # threestudio's multiview_diffusion_sds.py with recon_loss, at t = 980
        noise.expect("posterior", "noise")
        z = model.encode_imgs(torch.nn.functional.interpolate(x, (256, 256), mode="bilinear", align_corners=False))
        t = torch.full((VIEWS,), 980)
        camera = model_camera()[:, [0, 2, 1, 3]]
        camera[:, 1] *= -1
        camera = mvdream_utils.normalize_camera(camera).view(VIEWS, 16).repeat(2, 1)
        with torch.no_grad():
            epsilon = noise.draw(z.shape)
            noisy = Latent.q_sample(z, t, epsilon)
            context = torch.cat([model.embeddings["neg"], model.embeddings["pos"]])
            without, positive = Latent.apply_model(torch.cat([noisy] * 2), torch.cat([t] * 2), {
                "context": context, "camera": camera}).chunk(2)
            guided = without + 50 * (positive - without)
            start = lambda e: (noisy - wide(add[t]) * e) / wide(keep[t])
            recon, plain = start(guided), start(positive)
            factor = (plain.std() + 1e-8) / (recon.std() + 1e-8)
            recon = 0.5 * factor * recon + 0.5 * recon
        return 0.5 * torch.nn.functional.mse_loss(z, recon, reduction="sum") / VIEWS
    result |= {f"reconstruction.{k}": v for k, v in differentiate(pictures, reconstruction).items()}
    stop_replay()

    import pipeline_mvdream
    pipeline_mvdream.randn_tensor = lambda shape, **_: noise.draw(shape)
    methods = ("_encode_prompt", "prepare_latents", "prepare_extra_step_kwargs", "decode_latents")
    pipe = type("Pipe", (), {name: vars(MVDreamPipeline)[name] for name in methods})()
    pipe.vae, pipe.unet, pipe.tokenizer, pipe.text_encoder = vae, unet, tokenizer, text_encoder
    pipe.scheduler, pipe.vae_scale_factor = schedule(), 8
    pipe.progress_bar = lambda total: contextlib.nullcontext(types.SimpleNamespace(update=lambda: None))
    noise.expect("sample.noise")
    drawn = MVDreamPipeline.__call__(
        pipe, PROMPT + ", 3d asset", negative_prompt=NEGATIVE, elevation=15, num_inference_steps=3,
        guidance_scale=7.5, device=torch.device("cpu"))
    drawn = torch.from_numpy(drawn) * 255
    result["sample.pixels"] = drawn.round().to(torch.uint8)[:, ::8, ::8]
    save(out / "mvdream.safetensors", result, noise)


# --- Stable Diffusion ---


def stable_diffusion(out, generator):
    import sd_utils
    folder = out / "sd21"
    tokenizer, text_encoder = tiny_text(generator)
    vae = save_half(tiny_vae(generator), folder / "vae")
    unet = save_half(tiny_unet(generator, in_channels=4, sample_size=64, cross_attention_dim=16,
                               attention_head_dim=[1, 2, 2, 2], use_linear_projection=True), folder / "unet")
    text_encoder = save_half(text_encoder, folder / "text_encoder")
    tokenizer.save_pretrained(folder / "tokenizer")
    schedule().save_pretrained(folder / "scheduler")
    save_index(folder, "StableDiffusionPipeline", {
        "feature_extractor": [None, None], "requires_safety_checker": False, "safety_checker": [None, None],
        "scheduler": ["diffusers", "DDIMScheduler"], "text_encoder": ["transformers", "CLIPTextModel"],
        "tokenizer": ["transformers", "CLIPTokenizer"], "unet": ["diffusers", "UNet2DConditionModel"],
        "vae": ["diffusers", "AutoencoderKL"]})

    model = object.__new__(sd_utils.StableDiffusion)
    torch.nn.Module.__init__(model)
    model.device, model.dtype = torch.device("cpu"), torch.float32
    model.vae, model.unet, model.scheduler = vae, unet, schedule()
    model.tokenizer, model.text_encoder = tokenizer, text_encoder
    model.num_train_timesteps, model.min_step, model.max_step = 1000, 20, 980
    model.alphas, model.embeddings = model.scheduler.alphas_cumprod, {}
    model.get_text_embeds([PROMPT], [NEGATIVE])

    noise = Noise(SEED + 2)
    result = {key: model.embeddings[key] for key in ("pos", "neg", "front", "side", "back")}
    pictures = views(generator, 1)
    result["views"] = pictures.half()
    noise.replay()
    for name, angles in {"plain": None, "directed": [-75.0]}.items():
        noise.expect("posterior", "noise")
        answer = differentiate(pictures, lambda x: model.train_step(x, step_ratio=0.6, hors=angles))
        result |= {f"{name}.{k}": v for k, v in answer.items()}
    stop_replay()
    save(out / "sd21.safetensors", result, noise)


def timesteps():
    """train_step's rule for every step of some lengths: round half to even, then clip."""
    return {f"timesteps.{iters}": torch.tensor([
        int(numpy.round((1 - min(1, step / iters)) * 1000).clip(20, 980)) for step in range(1, iters + 1)])
        for iters in (80, 300, 500, 1000)}


def save(path, tensors, noise=None):
    drawn = {} if noise is None else {f"drawn.{name}": value for name, value in noise.drawn.items()}
    save_file({name: value.detach().contiguous() for name, value in (tensors | drawn).items()}, path)


def main():
    parser = argparse.ArgumentParser()
    for name in ("--dreamgaussian", "--mvdream", "--mvdream-diffusers"):
        parser.add_argument(name, type=pathlib.Path, required=True)
    parser.add_argument("out", type=pathlib.Path)
    args = parser.parse_args()
    stub_modules(args)
    generator = torch.Generator().manual_seed(SEED)
    zero123(args.out, generator)
    mvdream(args.out, generator)
    stable_diffusion(args.out, generator)
    save(args.out / "timesteps.safetensors", timesteps())
    for folder in ("zero123", "mvdream", "sd21"):
        tidy(args.out / folder)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Makes tests/golden/guidance: the networks that guide, tiny and random, and what the references compute with them.

Usage: guidance.py --mvdream-diffusers CHECKOUT --mvdream CHECKOUT OUT

diffusers' UNet2DConditionModel and AutoencoderKL, its DDIM and DDPM schedules, and the public code of MVDream and
ImageDream. Every input is stored with its output, so that nothing depends on Python's random streams. Weights are
rounded to float8_e4m3fn before anything is computed with them, so that the files may hold them in it; the rest is
float32 on the CPU. tests/golden/guidance/README.md lists the tensors.
"""
import argparse
import json
import pathlib

import numpy
import torch
from diffusers import AutoencoderKL, DDIMScheduler, DDPMScheduler, UNet2DConditionModel
from safetensors.torch import save_file

import mvdream_reference

SEED = 405
STORED = torch.float8_e4m3fn
# MVDream's 32 would be one channel each, and a channel's own norm takes away what time and cameras add to it.
VIEW_GROUPS = 8
BETAS = {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012}
STABLE_DIFFUSION = BETAS | {"clip_sample": False, "set_alpha_to_one": False, "steps_offset": 1}
# name: (class, configuration, numbers of steps, of which the last is stepped through in part)
SCHEDULES = {
    "zero123": (DDIMScheduler, STABLE_DIFFUSION, (1, 7, 50)),
    "sd21_v": (DDIMScheduler, STABLE_DIFFUSION | {"prediction_type": "v_prediction"}, (30,)),
    "sample": (DDIMScheduler, STABLE_DIFFUSION | {"prediction_type": "sample", "steps_offset": 0}, (999, 20)),
    "trailing": (DDIMScheduler, STABLE_DIFFUSION | {"timestep_spacing": "trailing"}, (1, 3, 16, 1000, 12)),
    "linspace": (DDIMScheduler, STABLE_DIFFUSION | {"timestep_spacing": "linspace"}, (1, 2, 17, 1000, 10)),
    "defaults": (DDIMScheduler, {}, (1000, 25)),
    "ddpm": (DDPMScheduler, {}, (1000, 25)),
    "ddpm_sd": (DDPMScheduler, BETAS | {"clip_sample_range": 1.5, "steps_offset": 1}, (40,)),
    "ddpm_trailing": (DDPMScheduler, {"timestep_spacing": "trailing", "prediction_type": "v_prediction",
                                      "num_train_timesteps": 300}, (8,)),
}


def noise(seed, *shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def save(tensors, path):
    save_file({name: tensor.detach().contiguous().clone() for name, tensor in tensors.items()}, path)
    path.chmod(0o644)


def randomise(model, seed):
    """Fan-in scaled matrices, norms about one, biases off zero; each a value that STORED holds."""
    generator = torch.Generator().manual_seed(seed)
    for parameter in model.parameters():
        value = torch.randn(parameter.shape, generator=generator)
        if parameter.dim() > 1:
            value = 1.4 * value / parameter[0].numel() ** 0.5
        else:
            value = 0.1 * value
        parameter.data.copy_(value.to(STORED).float())
    for name, parameter in model.named_parameters():
        if parameter.dim() == 1 and name.endswith("weight"):
            parameter.data.copy_((1 + 2 * parameter.data).to(STORED).float())
    return model.eval()


def write_config(model, folder):
    folder.mkdir(parents=True, exist_ok=True)
    config = json.loads(model.to_json_string())
    config.pop("_name_or_path", None)
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")


def write_network(model, folder):
    write_config(model, folder)
    save({name: tensor.to(STORED) for name, tensor in model.state_dict().items()},
         folder / "diffusion_pytorch_model.safetensors")


def run_unet(model, cases, seed):
    tensors = {}
    for name, (batch, height, width, timesteps) in cases.items():
        latents = noise(seed, batch, model.config.in_channels, height, width)
        context = noise(seed + 1, batch, 9, model.config.cross_attention_dim)
        t = torch.tensor(timesteps)
        tensors |= {f"{name}.latents": latents, f"{name}.context": context, f"{name}.timesteps": t,
                    f"{name}.output": model(latents, t, context).sample}
        seed += 2
    return tensors


def unets(out):
    zero123 = randomise(UNet2DConditionModel(
        sample_size=32, in_channels=8, out_channels=4, block_out_channels=(4, 4, 8, 8), layers_per_block=1,
        cross_attention_dim=12, attention_head_dim=2, norm_num_groups=2), SEED)
    write_network(zero123, out / "snapshot/zero123/unet")
    save(run_unet(zero123, {"square": (2, 8, 8, [981, 20]), "odd": (1, 13, 10, [500])}, 10),
         out / "zero123.safetensors")
    sd21 = randomise(UNet2DConditionModel(
        sample_size=16, down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"), block_out_channels=(4, 8), layers_per_block=2,
        cross_attention_dim=20, attention_head_dim=(1, 2), use_linear_projection=True, norm_num_groups=2), SEED + 1)
    write_network(sd21, out / "snapshot/sd21/unet")
    save(run_unet(sd21, {"square": (2, 8, 8, [3, 999]), "wide": (2, 4, 12, [250, 250])}, 20), out / "sd21.safetensors")


def run_views(model, views, seed, picture):
    """Two objects at two noise levels."""
    batch, config = 2 * views, model.config
    t = torch.tensor([37] * views + [742] * views)
    inputs = {"x": noise(seed, batch, 4, 8, 8), "context": noise(seed + 1, batch, 9, config.context_dim),
              "camera": noise(seed + 2, batch, 16), "timesteps": t}
    tensors = {}
    if picture:
        features = noise(seed + 3, 2, 5, 1280)
        tensors |= {"features": features, "picture_tokens": model.image_embed(features)}
        inputs |= {"ip": features.repeat_interleave(views, 0), "ip_img": noise(seed + 4, 2, 4, 8, 8)}
    tensors |= {name: tensor for name, tensor in inputs.items() if name != "ip"}
    given = {name: tensor.clone() for name, tensor in inputs.items()}  # the reference writes into x
    tensors["output"] = model(**given, num_frames=views)
    if not picture:
        tensors["apart"] = model(**given, num_frames=1)
    return tensors


def multi_view(out, reference):
    """One set of weights: MVDream is ImageDream without the layers that read a picture."""
    tiny = {"model_channels": 32, "channel_mult": [1, 1], "num_res_blocks": 1, "attention_resolutions": [1],
            "num_head_channels": 16, "context_dim": 8}
    configs = {"mvdream": mvdream_reference.official(0, **tiny), "imagedream": mvdream_reference.official(3, **tiny)}
    configs["imagedream"]["ip_weight"] = 0.75
    models = {}
    for name, config in configs.items():
        models[name] = reference.MultiViewUNetModel(**config)
        models[name].register_to_config(**config)
        for module in models[name].modules():
            if isinstance(module, torch.nn.GroupNorm):
                module.num_groups = VIEW_GROUPS
    randomise(models["imagedream"], SEED + 2)
    models["mvdream"].load_state_dict({name: tensor for name, tensor in models["imagedream"].state_dict().items()
                                       if not name.startswith("image_embed.") and "_ip." not in name})
    models["mvdream"].eval()
    write_config(models["mvdream"], out / "snapshot/mvdream/unet")
    write_network(models["imagedream"], out / "snapshot/imagedream/unet")
    save(run_views(models["mvdream"], 4, 30, False), out / "mvdream.safetensors")
    save(run_views(models["imagedream"], 5, 40, True), out / "imagedream.safetensors")


def autoencoder(out):
    model = randomise(AutoencoderKL(
        in_channels=3, out_channels=3, down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4, block_out_channels=(4, 6, 8, 8), layers_per_block=2,
        latent_channels=4, norm_num_groups=2, sample_size=64), SEED + 3)
    write_network(model, out / "snapshot/vae")
    image, draw, toward = noise(50, 2, 3, 32, 40).clamp(-2, 2) / 2, noise(51, 2, 4, 4, 5), noise(52, 2, 4, 4, 5)
    with torch.enable_grad():
        image.requires_grad_(True)
        posterior = model.encode(image).latent_dist
        latents = model.config.scaling_factor * (posterior.mean + posterior.std * draw)
        latents.backward(toward)
    save({"image": image, "noise": draw, "latents": latents, "latents_gradient": toward,
          "image_gradient": image.grad}, out / "encoder_gradient.safetensors")


def schedule_case(made, steps, kind, seed):
    """Steps at the beginning, in the middle and at the end of a run."""
    made.set_timesteps(steps)
    x, v = noise(seed, 2, 4, 3, 3), 0.7 * noise(seed + 1, 2, 4, 3, 3)
    tensors = {"latents": x, "model_output": v, "indices": torch.tensor([0, len(made.timesteps) // 2,
                                                                         len(made.timesteps) - 1])}
    for index in tensors["indices"].tolist():
        t = int(made.timesteps[index])
        draw = torch.randn(x.shape, generator=torch.Generator().manual_seed(seed + index))
        tensors[f"{index}.noise"] = draw
        if kind is DDPMScheduler:
            step = made.step(v, t, x, generator=torch.Generator().manual_seed(seed + index))
        else:
            step = made.step(v, t, x)
            tensors[f"{index}.with_noise"] = made.step(v, t, x, eta=0.7, variance_noise=draw).prev_sample
        tensors |= {f"{index}.previous": step.prev_sample, f"{index}.clean": step.pred_original_sample}
    return tensors


def schedules(out, util):
    tensors, listed = {}, {}
    for name, (kind, changes, all_steps) in SCHEDULES.items():
        made = kind(**changes)
        listed[name] = {"config": {field: value for field, value in made.config.items()
                                   if field != "_use_default_values"} | {"_class_name": kind.__name__},
                        "steps": list(all_steps)}
        tensors[f"{name}.alphas_cumprod"] = made.alphas_cumprod
        for steps in all_steps:
            made.set_timesteps(steps)
            tensors[f"{name}.timesteps.{steps}"] = made.timesteps.clone()
        tensors |= {f"{name}.{key}": tensor
                    for key, tensor in schedule_case(made, all_steps[-1], kind, 60).items()}
        t = torch.tensor([made.config.num_train_timesteps - 1, 5])
        tensors |= {f"{name}.noisy_at": t, f"{name}.noisy": made.add_noise(
            tensors[f"{name}.latents"], tensors[f"{name}.model_output"], t)}
    betas = util.make_beta_schedule("linear", 1000, linear_start=0.00085, linear_end=0.012)
    tensors["ldm.alphas_cumprod"] = torch.tensor(numpy.cumprod(1.0 - betas, axis=0), dtype=torch.float32)
    save(tensors, out / "schedule.safetensors")
    (out / "schedule.json").write_text(json.dumps(listed, indent=1) + "\n")


@torch.no_grad()
def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mvdream-diffusers", required=True)
    parser.add_argument("--mvdream", required=True)
    parser.add_argument("out", type=pathlib.Path)
    given = parser.parse_args()
    torch.set_num_threads(1)
    unets(given.out)
    multi_view(given.out, mvdream_reference.mv_unet(given.mvdream_diffusers))
    autoencoder(given.out)
    schedules(given.out, mvdream_reference.ldm_util(given.mvdream))


if __name__ == "__main__":
    main()

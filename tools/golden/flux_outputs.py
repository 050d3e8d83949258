#!/usr/bin/env python3
"""Makes the golden files beside tests/golden/flux/snapshot: inputs and outputs of each network and of the whole.

Usage: flux_outputs.py SNAPSHOT OUT

Every input is stored with its output, so that nothing depends on Python's random streams. All floats are
float32, computed in float32 on the CPU, but where a name says bf16. tests/golden/flux/README.md lists the tensors.
"""
import json
import pathlib
import sys

import numpy
import torch
from diffusers import FlowMatchEulerDiscreteScheduler, FluxPipeline
from diffusers.pipelines.flux.pipeline_flux import calculate_shift
from safetensors.torch import save_file

STEPS = 4
T5_LENGTH = 256
SHORT = "a photo of a cat"
SIGN = "A cat holding a sign that says hello world"
LONG = " ".join(f"a red dragon, a wooden chair and {n} toy cars;" for n in range(12))
TOKENIZER_PROMPTS = [
    SHORT, SIGN, LONG, "", "  leading   and trailing spaces  ", "a 3d render of a red dragon, v2.0!",
    "tabs\tand\nnew lines", "it's the robot's 2nd lamp, we'll see", "caf\u00e9 na\u00efve \u00bd \ufb01re \uff21\uff22",
    "cafe\u0301", "\u4e2d\u6587 \U0001f600 end", "100% #7 (v2) -- ok...", "x\u00a0y\u3000z\u200bw", "a" * 60,
]


def noise(seed, *shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def save(tensors, path):
    save_file({name: tensor.detach().contiguous() for name, tensor in tensors.items()}, path)


def clip_ids(pipe, prompt):
    return pipe.tokenizer(prompt, padding="max_length", max_length=77, truncation=True, return_tensors="pt").input_ids


def t5_ids(pipe, prompt, length):
    return pipe.tokenizer_2(prompt, padding="max_length", max_length=length, truncation=True,
                            return_tensors="pt").input_ids


def tokenizers(pipe):
    return [{"prompt": prompt, "clip": clip_ids(pipe, prompt)[0].tolist(),
             "t5": t5_ids(pipe, prompt, T5_LENGTH)[0].tolist()} for prompt in TOKENIZER_PROMPTS]


def clip_text(pipe):
    tensors = {}
    for name, prompt in {"short": SHORT, "long": LONG, "empty": ""}.items():
        ids = clip_ids(pipe, prompt)
        out = pipe.text_encoder(ids)
        tensors |= {f"{name}.ids": ids, f"{name}.last_hidden_state": out.last_hidden_state,
                    f"{name}.pooled": out.pooler_output}
    return tensors


def t5(pipe):
    tensors = {}
    for name, prompt, length in [("len16", SHORT, 16), ("len256", SIGN, 256)]:
        ids = t5_ids(pipe, prompt, length)
        out = pipe.text_encoder_2(ids, output_hidden_states=True)
        tensors |= {f"{name}.ids": ids, f"{name}.last_hidden_state": out.last_hidden_state}
        if length == 16:
            # hidden_states: the embedding, then after each block; the last entry is the final norm's.
            for n, hidden in enumerate(out.hidden_states[:-1]):
                tensors[f"{name}.hidden.{n}"] = hidden
            attention = pipe.text_encoder_2.encoder.block[0].layer[0].SelfAttention
            tensors[f"{name}.position_bias"] = attention.compute_bias(length, length)
    attention = pipe.text_encoder_2.encoder.block[0].layer[0].SelfAttention
    distances = torch.arange(-300, 301)
    tensors["buckets.distance"] = distances
    tensors["buckets.bucket"] = attention._relative_position_bucket(
        distances, bidirectional=True, num_buckets=32, max_distance=128)
    return tensors


def grid_ids(rows, columns):
    ids = torch.zeros(rows, columns, 3)
    ids[..., 1] += torch.arange(rows)[:, None]
    ids[..., 2] += torch.arange(columns)[None, :]
    return ids.reshape(rows * columns, 3)


def transformer_case(model, prefix, batch, rows, columns, text, timesteps, seed):
    """One forward with every stage's result, caught by hooks."""
    tensors, hooks = {}, []

    def catch(name, module, pick=lambda out: {"": out}):
        hooks.append(module.register_forward_hook(
            lambda _, __, out: tensors.update({f"{prefix}.{name}{k}": v.clone() for k, v in pick(out).items()})))

    config = model.config
    inputs = {
        "hidden_states": noise(seed, batch, rows * columns, config.in_channels),
        "encoder_hidden_states": noise(seed + 1, batch, text, config.joint_attention_dim),
        "pooled_projections": noise(seed + 2, batch, config.pooled_projection_dim),
        "timestep": torch.tensor(timesteps), "img_ids": grid_ids(rows, columns), "txt_ids": torch.zeros(text, 3)}
    catch("rope", model.pos_embed, lambda out: {"_cos": out[0], "_sin": out[1]})
    catch("temb", model.time_text_embed)
    catch("timestep_proj", model.time_text_embed.time_proj)
    catch("x_embedder", model.x_embedder)
    catch("context_embedder", model.context_embedder)
    for n, block in enumerate(model.transformer_blocks):
        catch(f"double.{n}", block, lambda out: {".txt": out[0], ".img": out[1]})
    for n, block in enumerate(model.single_transformer_blocks):
        catch(f"single.{n}", block)
    catch("norm_out", model.norm_out)
    output = model(**inputs, return_dict=False)[0]
    for hook in hooks:
        hook.remove()
    tensors |= {f"{prefix}.{name}": tensor for name, tensor in inputs.items()}
    return tensors | {f"{prefix}.output": output}


def transformer(pipe):
    model = pipe.transformer
    return (transformer_case(model, "square", 1, 4, 4, 16, [1.0], 10) |
            transformer_case(model, "batch", 2, 4, 6, 12, [0.5, 0.25], 20))


def blocks(pipe):
    model = pipe.transformer
    dim, text, rows, columns, batch = model.inner_dim, 6, 3, 5, 2
    cos, sin = model.pos_embed(torch.cat([torch.zeros(text, 3), grid_ids(rows, columns) + torch.tensor([0, 20, 40])]))
    txt, img, temb = noise(30, batch, text, dim), noise(31, batch, rows * columns, dim), noise(32, batch, dim)
    tensors = {"rope_cos": cos, "rope_sin": sin, "temb": temb, "double.txt": txt, "double.img": img}
    out_txt, out_img = model.transformer_blocks[1](
        hidden_states=img, encoder_hidden_states=txt, temb=temb, image_rotary_emb=(cos, sin))
    joined = torch.cat([txt, img], dim=1)
    single = model.single_transformer_blocks[2](hidden_states=joined, temb=temb, image_rotary_emb=(cos, sin))
    return tensors | {"double.out_txt": out_txt, "double.out_img": out_img, "single.x": joined, "single.out": single}


def vae(pipe):
    model, tensors = pipe.vae, {}
    for name, shape, seed in [("square", (1, 16, 8, 8), 40), ("wide", (2, 16, 8, 12), 41)]:
        latent = noise(seed, *shape)
        tensors |= {f"{name}.latent": latent, f"{name}.decoded": model.decode(latent, return_dict=False)[0]}
    catches = {"conv_in": model.decoder.conv_in, "mid_block": model.decoder.mid_block,
               "mid_attention": model.decoder.mid_block.attentions[0],
               **{f"up_blocks.{n}": block for n, block in enumerate(model.decoder.up_blocks[:2])}}
    hooks = [module.register_forward_hook(lambda _, __, out, name=name: tensors.update({f"square.{name}": out.clone()}))
             for name, module in catches.items()]
    model.decode(tensors["square.latent"])
    for hook in hooks:
        hook.remove()
    image = noise(42, 1, 3, 48, 64).clamp(-2, 2) / 2
    posterior = model.encode(image).latent_dist
    return tensors | {"encode.image": image, "encode.mean": posterior.mean, "encode.logvar": posterior.logvar}


def schedule(pipe):
    tensors = {}
    for n in (1, 2, 4, 8):
        scheduler = FlowMatchEulerDiscreteScheduler.from_config(pipe.scheduler.config)
        scheduler.set_timesteps(sigmas=numpy.linspace(1.0, 1 / n, n))
        tensors |= {f"schnell.{n}.sigmas": scheduler.sigmas, f"schnell.{n}.timesteps": scheduler.timesteps}
    dynamic = FlowMatchEulerDiscreteScheduler(shift=3.0, use_dynamic_shifting=True, base_shift=0.5, max_shift=1.15,
                                              base_image_seq_len=256, max_image_seq_len=4096)
    for length in (256, 1024, 4096):
        mu = calculate_shift(length, 256, 4096, 0.5, 1.15)
        dynamic.set_timesteps(sigmas=numpy.linspace(1.0, 1 / 8, 8), mu=mu)
        tensors |= {f"dynamic.{length}.mu": torch.tensor([mu], dtype=torch.float64),
                    f"dynamic.{length}.sigmas": dynamic.sigmas.clone(),
                    f"dynamic.{length}.timesteps": dynamic.timesteps.clone()}
    static = FlowMatchEulerDiscreteScheduler(shift=3.0)
    static.set_timesteps(sigmas=numpy.linspace(1.0, 1 / 8, 8))
    tensors |= {"static3.sigmas": static.sigmas, "static3.timesteps": static.timesteps}
    scheduler = FlowMatchEulerDiscreteScheduler.from_config(pipe.scheduler.config)
    scheduler.set_timesteps(sigmas=numpy.linspace(1.0, 1 / STEPS, STEPS))
    x, v = noise(50, 1, 6, 8), noise(51, 1, 6, 8)
    tensors |= {"step.x": x, "step.v": v, "step.out": scheduler.step(v, scheduler.timesteps[0], x)[0]}
    unpacked = noise(52, 2, 16, 4, 6)
    packed = FluxPipeline._pack_latents(unpacked, 2, 16, 4, 6)
    assert torch.equal(FluxPipeline._unpack_latents(packed, 32, 48, 8), unpacked)
    return tensors | {"pack.unpacked": unpacked, "pack.packed": packed,
                      "pack.img_ids": FluxPipeline._prepare_latent_image_ids(2, 2, 3, "cpu", torch.float32)}


def run(pipe, prompt, height, width, latents, dtype):
    """Steps, the picture before and after its clamp, and what a user gets."""
    steps = []

    def keep(_, __, ___, given):
        steps.append(given["latents"].float().clone())
        return given

    def pipeline(**more):
        return pipe(prompt=prompt, height=height, width=width, num_inference_steps=STEPS, max_sequence_length=T5_LENGTH,
                    guidance_scale=0.0, latents=latents.to(dtype), **more).images

    image = pipeline(output_type="pt", callback_on_step_end=keep)
    pil = pipeline(output_type="pil")[0]
    return {"steps": torch.cat(steps), "image": image.float(),
            "uint8": torch.from_numpy(numpy.array(pil)), "final_latents": steps[-1]}


def pipelines(snapshot, pipe):
    tensors, errors = {}, {}
    cases = {"square": (SIGN, 64, 64, 60), "wide": (SHORT, 64, 96, 61)}
    half = FluxPipeline.from_pretrained(snapshot, torch_dtype=torch.bfloat16)
    half.set_progress_bar_config(disable=True)
    for name, (prompt, height, width, seed) in cases.items():
        latents = noise(seed, 1, (height // 16) * (width // 16), 64)
        embeds, pooled, _ = pipe.encode_prompt(prompt, prompt, max_sequence_length=T5_LENGTH)
        tensors |= {f"{name}.clip_ids": clip_ids(pipe, prompt), f"{name}.t5_ids": t5_ids(pipe, prompt, T5_LENGTH),
                    f"{name}.prompt_embeds": embeds, f"{name}.pooled": pooled, f"{name}.latents": latents}
        full = run(pipe, prompt, height, width, latents, torch.float32)
        low = run(half, prompt, height, width, latents, torch.bfloat16)
        tensors |= {f"{name}.steps": full["steps"], f"{name}.image": full["image"], f"{name}.uint8": full["uint8"],
                    f"{name}.bf16_steps": low["steps"], f"{name}.bf16_uint8": low["uint8"]}
        a, b = full["final_latents"], low["final_latents"]
        difference = (full["uint8"].int() - low["uint8"].int()).abs()
        errors[name] = {
            "latents_cosine": torch.cosine_similarity(a.flatten(), b.flatten(), dim=0).item(),
            "latents_max_abs": (a - b).abs().max().item(), "latents_std": a.std().item(),
            "image_std": full["image"].std().item(),
            "clamped_share": ((full["image"] == 0) | (full["image"] == 1)).float().mean().item(),
            "uint8_max_abs": difference.max().item(), "uint8_mean_abs": difference.float().mean().item()}
    return tensors, errors


@torch.no_grad()
def main():
    snapshot, out = sys.argv[1], pathlib.Path(sys.argv[2])
    torch.set_num_threads(2)
    pipe = FluxPipeline.from_pretrained(snapshot, torch_dtype=torch.float32)
    pipe.set_progress_bar_config(disable=True)
    for name, make in {"clip": clip_text, "t5": t5, "transformer": transformer, "blocks": blocks, "vae": vae,
                       "schedule": schedule}.items():
        save(make(pipe), out / f"{name}.safetensors")
    tensors, errors = pipelines(snapshot, pipe)
    save(tensors, out / "pipeline.safetensors")
    (out / "tokens.json").write_text(json.dumps(tokenizers(pipe), separators=(",", ":")).replace("},{", "},\n{") + "\n")
    for file in out.glob("*.safetensors"):
        file.chmod(0o644)
    print(json.dumps(errors, indent=1))


if __name__ == "__main__":
    main()

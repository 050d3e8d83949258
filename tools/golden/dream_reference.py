#!/usr/bin/env python3
"""Writes tests/golden/dream/: what DreamGaussian's own code decides, without a GPU.

Usage: dream_reference.py REFERENCE OUT    (REFERENCE: a checkout of github.com/dreamgaussian/dreamgaussian)

Its GaussianModel runs on the CPU: the CUDA modules it imports are replaced, and tensors asked for on "cuda" are made on the
CPU. Splits draw the numbers that Lode's Rng(7) gives, in Lode's order (gaussian, part, axis). Written are

- density.safetensors: a random cloud; gradients for an Adam step; densification's gradients and radii of four views; and
  the cloud and first moments after step, densify_and_prune, reset_opacity and the final prune. f_dc's red is a hundredth of the index of the
  gaussian that a row comes from, since the two programs order rows differently.
- start.safetensors: points of the reference's start blob and their log-scales; quantiles of a blob of 5000.
- schedule.txt: position rates, resolutions and elevation ranges, from the reference's own expressions.
"""
import ast
import contextlib
import io
import math
import pathlib
import sys
import types

import numpy as np
import torch
from safetensors.torch import save_file

MASK = 2**64 - 1


class Rng:
    """base/rng.h"""

    def __init__(self, seed):
        self.state = seed

    def uniform(self):
        self.state = (self.state + 0x9E3779B97F4A7C15) & MASK
        z = self.state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        return ((z ^ (z >> 31)) >> 11) * 2.0**-53

    def normal(self):
        radius = math.sqrt(-2 * math.log(1 - self.uniform()))
        return radius * math.cos(2 * math.pi * self.uniform())


def on_cpu(function):
    def call(*args, **kwargs):
        if kwargs.get("device") == "cuda":
            kwargs["device"] = "cpu"
        return function(*args, **kwargs)

    return call


def mean_square_of_three_nearest(points):
    distance = torch.cdist(points.double(), points.double()) ** 2
    return distance.sort(dim=1).values[:, 1:4].mean(dim=1).float()


def import_reference(folder):
    for name in ("zeros", "ones", "zeros_like", "ones_like", "empty", "tensor"):
        setattr(torch, name, on_cpu(getattr(torch, name)))
    torch.Tensor.cuda = lambda self, *args, **kwargs: self
    torch.cuda.empty_cache = lambda: None
    stubs = {
        "diff_gaussian_rasterization": {"GaussianRasterizationSettings": None, "GaussianRasterizer": None},
        "simple_knn": {}, "simple_knn._C": {"distCUDA2": mean_square_of_three_nearest},
        "mesh": {"Mesh": None}, "mesh_utils": {"decimate_mesh": None, "clean_mesh": None},
        "kiui": {}, "plyfile": {"PlyData": None, "PlyElement": None},
    }
    for name, members in stubs.items():
        module = types.ModuleType(name)
        module.__dict__.update(members)
        sys.modules[name] = module
    sys.path.insert(0, str(folder))
    import gs_renderer

    return gs_renderer


class Options:
    percent_dense = 0.01
    position_lr_init, position_lr_final, position_lr_delay_mult, position_lr_max_steps = 0.001, 0.00002, 0.02, 500
    feature_lr, opacity_lr, scaling_lr, rotation_lr = 0.01, 0.05, 0.005, 0.005


def rows(model, prefix, out, moments=True):
    """The cloud's rows, and Adam's first moments, under `prefix`."""
    members = {"positions": model._xyz, "log_scales": model._scaling, "rotations": model._rotation,
               "opacity_logits": model._opacity, "f_dc": model._features_dc}
    for name, tensor in members.items():
        out[f"{prefix}.{name}"] = tensor.detach().reshape(len(tensor), -1).float().clone()
        if moments:
            state = model.optimizer.state[tensor]["exp_avg"]
            out[f"{prefix}.first.{name}"] = state.reshape(len(tensor), -1).clone()


def density(gs, out):
    torch.manual_seed(5)
    count, views = 300, 4
    model = gs.GaussianModel(0)
    model.spatial_lr_scale = 10
    parameter = lambda t: torch.nn.Parameter(t.requires_grad_(True))
    model._xyz = parameter(torch.rand(count, 3) - 0.5)
    # Around the border of cloning and splitting (0.04), and a few above that of dropping (0.4).
    model._scaling = parameter(torch.log(torch.rand(count, 3) * 0.09 + 0.002))
    with torch.no_grad():
        model._scaling[::37] += 2.5
    model._rotation = parameter(torch.randn(count, 4))
    model._opacity = parameter(torch.rand(count, 1) * 8 - 6)
    model._features_dc = parameter(torch.stack([torch.arange(count) / 100, torch.rand(count), torch.rand(count)], 1)[:, None])
    model._features_rest = parameter(torch.zeros(count, 0, 3))
    model.max_radii2D = torch.zeros(count)
    model.training_setup(Options)
    model.update_learning_rate(1)
    for group in model.optimizer.param_groups:
        if group["name"] == "f_dc":
            group["lr"] = 0.0  # the indices stay
    rows(model, "start", out, moments=False)
    for name, tensor in (("positions", model._xyz), ("log_scales", model._scaling), ("rotations", model._rotation),
                         ("opacity_logits", model._opacity), ("f_dc", model._features_dc)):
        tensor.grad = torch.randn_like(tensor)
        out[f"gradient.{name}"] = tensor.grad.reshape(count, -1).clone()
    model._features_rest.grad = torch.zeros_like(model._features_rest)
    model.optimizer.step()
    model.optimizer.zero_grad()

    centres = torch.randn(views, count, 2) * 0.0001  # by pixels
    sizes = [128, 256, 512, 512]
    radii = (torch.rand(views, count) * 40 - 10).clamp_min(0)
    for view in range(views):
        points = types.SimpleNamespace(grad=torch.cat([centres[view] * sizes[view] / 2, torch.zeros(count, 1)], 1))
        model.add_densification_stats(points, radii[view] > 0)
    out["view.centres"], out["view.radii"] = centres, radii
    out["view.sizes"] = torch.tensor(sizes, dtype=torch.float32)

    def split_numbers(mean, std):
        n = len(std) // 2
        rng = Rng(7)
        z = torch.tensor([[rng.normal() for _ in range(6)] for _ in range(n)], dtype=torch.float32).reshape(n, 2, 3)
        return z.permute(1, 0, 2).reshape(-1, 3) * std

    torch.normal = split_numbers
    model.densify_and_prune(0.01, min_opacity=0.01, extent=4, max_screen_size=1)
    rows(model, "densified", out)
    model.reset_opacity()
    rows(model, "reset", out)
    model._opacity.data += torch.linspace(-0.4003, 0.6, len(model._opacity))[:, None]  # some under 0.01 again
    rows(model, "before_prune", out, moments=False)
    model.prune(min_opacity=0.01, extent=1, max_screen_size=1)
    rows(model, "pruned", out, moments=False)


def start(gs, out):
    np.random.seed(3)
    for count in (400, 5000):
        renderer = gs.Renderer.__new__(gs.Renderer)
        renderer.gaussians = gs.GaussianModel(0)
        with contextlib.redirect_stdout(io.StringIO()):
            renderer.initialize(num_pts=count)
        model = renderer.gaussians
        if count == 400:
            out["points"], out["log_scales"] = model._xyz.detach().clone(), model._scaling.detach()[:, 0].clone()
            continue
        q = torch.linspace(0, 1, 11)
        out["quantiles.radius"] = torch.quantile(model._xyz.detach().norm(dim=1), q)
        out["quantiles.height"] = torch.quantile(model._xyz.detach()[:, 1].contiguous(), q)
        out["quantiles.log_scale"] = torch.quantile(model._scaling.detach()[:, 0].contiguous(), q)
        out["quantiles.f_dc"] = torch.quantile(model._features_dc.detach().flatten(), q)
        out["quantiles.opacity_logit"] = torch.quantile(model._opacity.detach().flatten(), q)


def schedule(gs, folder):
    tree = ast.parse((folder / "main.py").read_text())
    found = {node.targets[0].id: compile(ast.Expression(node.value), "main.py", "eval") for node in ast.walk(tree)
             if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
             and node.targets[0].id in ("min_ver", "max_ver", "render_resolution") and not isinstance(node.value, ast.Constant)}
    lines = ["# rate INIT FINAL MAX_STEPS STEP RATE; size STEP STEPS PIXELS; range MIN MAX ELEVATION LOW HIGH"]
    for first, last, steps in ((0.001, 0.00002, 500), (0.001, 0.00002, 300), (0.00016, 0.0000016, 40)):
        rate = gs.get_expon_lr_func(first * 10, last * 10, lr_delay_mult=0.02, max_steps=steps)
        lines += [f"rate {first} {last} {steps} {step} {rate(step):.17g}" for step in (1, 2, 39, 40, 41, 150, 299, 300, 499, 500, 900)]
    for steps in (100, 150, 500, 1000):
        for step in sorted({1, 2, steps // 4, *range(steps * 3 // 10 - 1, steps * 3 // 10 + 2), *range(steps * 6 // 10 - 1, steps * 6 // 10 + 2), steps}):
            pixels = eval(found["render_resolution"], {"step_ratio": min(1, step / steps)})
            lines.append(f"size {step} {steps} {pixels}")
    for low, high in ((-30, 30), (-20, 20), (-5, 0), (10, 40)):
        for elevation in (-80, -75, -45, -30, -10, 0, 5, 20, 60, 80):
            names = {"self": types.SimpleNamespace(opt=types.SimpleNamespace(min_ver=low, max_ver=high, elevation=elevation))}
            lines.append(f"range {low} {high} {elevation} {eval(found['min_ver'], names)} {eval(found['max_ver'], names)}")
    return "\n".join(lines) + "\n"


def main():
    folder, where = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    gs = import_reference(folder)
    tensors = {}
    density(gs, tensors)
    save_file({k: v.contiguous() for k, v in tensors.items()}, where / "density.safetensors")
    for name in ("start", "densified", "reset", "pruned"):
        print(name, len(tensors[f"{name}.positions"]))
    tensors = {}
    start(gs, tensors)
    save_file({k: v.contiguous() for k, v in tensors.items()}, where / "start.safetensors")
    (where / "schedule.txt").write_text(schedule(gs, folder))


if __name__ == "__main__":
    main()

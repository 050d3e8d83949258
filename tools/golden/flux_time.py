#!/usr/bin/env python3
"""Times diffusers and transformers on a FLUX snapshot, in float32 on the CPU, alone or against another program.

Without options: every part of the tiny snapshot (64x64 pixels) and of a mid-size one of random weights (256x256).
Parts, each one forward with batch 1: clip (77 ids), t5 (256 ids), transformer (one step, 256 text tokens and
(height/16)*(width/16) picture tokens), vae (decodes [1,16,height/8,width/8]).
Prints JSON lines: {"snapshot", "part", "median_ms", "min_ms", "n", "threads"}.

--write DIR writes the mid-size snapshot and reference.safetensors, with the inputs that are timed (clip.ids, t5.ids,
transformer.{hidden_states,encoder_hidden_states,pooled_projections,timestep,img_ids,txt_ids}, vae.latent) and
what comes of them (clip.pooled, t5.last_hidden_state, transformer.output, vae.decoded).

--compare CMD runs CMD by the shell and the reference in turn. The contract for CMD:
  it finds the work in its environment: FLUX_TIME_SNAPSHOT (the folder), FLUX_TIME_PART (clip, t5, transformer, vae),
  FLUX_TIME_PIXELS (side of the square picture), FLUX_TIME_RUNS, FLUX_TIME_THREADS;
  it loads the part in float32, runs the same shapes FLUX_TIME_RUNS times after one run that does not count, with
  loading and inputs outside the clock (values may be any: take reference.safetensors where DIR has it);
  the last line of its output is a JSON object with "median_ms", and "min_ms" if it likes; its exit code is 0.
Then one JSON line follows: {"snapshot", "part", "rounds", "reference_ms": [medians], "command_ms": [medians],
"ratio", "ratio_of_minima"}; a ratio is command / reference, so below 1 the command is the faster.

On a busy machine set OMP_WAIT_POLICY=passive, for both sides: threads that spin for one that is not running
make a step ten times as long.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import torch
from diffusers import FluxPipeline
from safetensors.torch import save_file

from flux_outputs import clip_ids, grid_ids, noise, t5_ids
from flux_snapshot import write_snapshot

TINY = pathlib.Path(__file__).parents[2] / "tests" / "golden" / "flux" / "snapshot"
TINY_PIXELS, MID_PIXELS = 64, 256
TEXT = 256
PROMPT = "a photo of a cat"
PARTS = ("clip", "t5", "transformer", "vae")
MID = {
    "clip": {"hidden_size": 256, "intermediate_size": 1024, "num_hidden_layers": 6, "num_attention_heads": 4,
             "projection_dim": 256},
    "t5": {"d_model": 512, "d_kv": 64, "num_heads": 8, "d_ff": 1280, "num_layers": 6, "num_decoder_layers": 6},
    "transformer": {"num_layers": 2, "num_single_layers": 4, "attention_head_dim": 64, "num_attention_heads": 8,
                    "joint_attention_dim": 512, "pooled_projection_dim": 256, "axes_dims_rope": (8, 28, 28)},
    "vae": {"block_out_channels": (32, 64, 128, 128), "norm_num_groups": 32},
}


class Reference:
    """The parts of one snapshot with their inputs."""

    def __init__(self, snapshot, pixels):
        self.snapshot, self.pixels = str(snapshot), pixels
        pipe = FluxPipeline.from_pretrained(snapshot, torch_dtype=torch.float32)
        config, side = pipe.transformer.config, pixels // 16
        step = {
            "hidden_states": noise(1, 1, side * side, config.in_channels),
            "encoder_hidden_states": noise(2, 1, TEXT, config.joint_attention_dim),
            "pooled_projections": noise(3, 1, config.pooled_projection_dim), "timestep": torch.tensor([0.5]),
            "img_ids": grid_ids(side, side), "txt_ids": torch.zeros(TEXT, 3)}
        ids = {"clip": clip_ids(pipe, PROMPT), "t5": t5_ids(pipe, PROMPT, TEXT)}
        latent = noise(4, 1, pipe.vae.config.latent_channels, pixels // 8, pixels // 8)
        self.inputs = {"clip.ids": ids["clip"], "t5.ids": ids["t5"], "vae.latent": latent,
                       **{f"transformer.{name}": tensor for name, tensor in step.items()}}
        self.runs = {
            "clip": ("pooled", lambda: pipe.text_encoder(ids["clip"]).pooler_output),
            "t5": ("last_hidden_state", lambda: pipe.text_encoder_2(ids["t5"]).last_hidden_state),
            "transformer": ("output", lambda: pipe.transformer(**step, return_dict=False)[0]),
            "vae": ("decoded", lambda: pipe.vae.decode(latent, return_dict=False)[0])}

    def time(self, part, runs):
        """Milliseconds of each run, the first not counted."""
        run = self.runs[part][1]
        run()
        times = []
        for _ in range(runs):
            start = time.perf_counter()
            run()
            times.append(1e3 * (time.perf_counter() - start))
        return times

    def save(self, path):
        outputs = {f"{part}.{name}": run().contiguous() for part, (name, run) in self.runs.items()}
        save_file(self.inputs | outputs, path)


def report(reference, part, options):
    times = reference.time(part, options.runs)
    return {"snapshot": reference.snapshot, "part": part, "median_ms": round(statistics.median(times), 3),
            "min_ms": round(min(times), 3), "n": len(times), "threads": options.threads}


def run_command(reference, part, options):
    """What CMD reports, or the end of this program with its output."""
    given = {"SNAPSHOT": reference.snapshot, "PART": part, "PIXELS": reference.pixels, "RUNS": options.runs,
             "THREADS": options.threads}
    environment = os.environ | {f"FLUX_TIME_{name}": str(value) for name, value in given.items()}
    done = subprocess.run(options.compare, shell=True, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        result = json.loads(done.stdout.strip().split("\n")[-1])
        if done.returncode == 0 and result["median_ms"] > 0:
            return result
    except (ValueError, KeyError, TypeError):
        pass
    sys.exit(f"the command ended with {done.returncode}, and its last line is no JSON object with median_ms > 0:\n"
             f"{done.stdout[-2000:]}")


def compare(reference, part, options):
    ours, theirs = [], []
    for _ in range(options.rounds):
        ours.append(report(reference, part, options))
        theirs.append(run_command(reference, part, options))
    medians = [[result["median_ms"] for result in results] for results in (ours, theirs)]
    minima = [min(result.get("min_ms", result["median_ms"]) for result in results) for results in (ours, theirs)]
    return {"snapshot": reference.snapshot, "part": part, "rounds": options.rounds, "reference_ms": medians[0],
            "command_ms": medians[1], "ratio": round(statistics.median(medians[1]) / statistics.median(medians[0]), 4),
            "ratio_of_minima": round(minima[1] / minima[0], 4)}


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", metavar="DIR", type=pathlib.Path, help="write the mid-size snapshot there, and end")
    parser.add_argument("--snapshot", metavar="DIR", type=pathlib.Path, help="time this one instead of the two")
    parser.add_argument("--pixels", type=int, default=MID_PIXELS, help="side of the picture for --snapshot (256)")
    parser.add_argument("--part", choices=PARTS, action="append", help="only this part; may be given again")
    parser.add_argument("--compare", metavar="CMD", help="run CMD and the reference in turn")
    parser.add_argument("--rounds", type=int, default=5, help="turns of --compare (5)")
    parser.add_argument("--runs", type=int, default=5, help="timed runs a part (and a turn) (5)")
    parser.add_argument("--threads", type=int, default=2)
    return parser.parse_args()


@torch.no_grad()
def main():
    options = parse()
    torch.set_num_threads(options.threads)
    if options.write:
        write_snapshot(options.write, MID)
        Reference(options.write, MID_PIXELS).save(options.write / "reference.safetensors")
        return
    with tempfile.TemporaryDirectory() as scratch:
        snapshots = [(options.snapshot, options.pixels)]
        if not options.snapshot:
            snapshots = [(TINY, TINY_PIXELS), (pathlib.Path(scratch) / "mid", MID_PIXELS)]
            write_snapshot(snapshots[1][0], MID)
        for snapshot, pixels in snapshots:
            reference = Reference(snapshot, pixels)
            for part in options.part or PARTS:
                result = (compare if options.compare else report)(reference, part, options)
                print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()

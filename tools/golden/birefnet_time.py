#!/usr/bin/env python3
"""Times the reference's eager BiRefNet (Swin-L, float32, CPU) with random weights, and can write those weights.

Usage: birefnet_time.py --reference CHECKOUT [--size 1024] [--threads 2] [--runs 1] [--plain-attention] [--write DIR]

Prints seconds for each run and the peak of the process's memory while it runs. --write makes DIR a checkpoint
folder (config.json, model.safetensors: 885 MB) for a native program to be timed on the same weights, with
run.safetensors beside it: `input` uint8 [1,3,S,S], of which the network is given (input - 128) / 64, and `logits`.
--plain-attention takes the softmax written out, which RMBG-2.0's own copy of the code does, not the fused one.
"""
import argparse
import json
import pathlib
import re
import resource
import sys
import time

import torch
from safetensors.torch import save_file

import birefnet
import birefnet_reference

SEED = 7
# Offsets of about a pixel, as trained ones are small; the rest of the cost does not depend on the values.
GAINS = {"offset_conv": 0.5}


def memory_gib(field):
    found = re.search(rf"{field}:\s+(\d+) kB", pathlib.Path("/proc/self/status").read_text())
    return int(found.group(1)) / 2 ** 20


def forget_peak():
    pathlib.Path("/proc/self/clear_refs").write_text("5")


@torch.no_grad()
def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--reference", required=True)
    parser.add_argument("--size", type=int, default=1024)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--plain-attention", action="store_true")
    parser.add_argument("--write", type=pathlib.Path)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    model = birefnet_reference.randomise(birefnet_reference.network(options.reference), SEED, GAINS)
    birefnet_reference.calibrate(model, birefnet.from_levels(birefnet.levels(SEED, 2, 3, 64, 64)), SEED)
    if options.plain_attention:
        sys.modules[type(model.bb).__module__].config.SDPA_enabled = False
    picture = birefnet.levels(SEED + 1, 1, 3, options.size, options.size)
    x = birefnet.from_levels(picture)
    before = memory_gib("VmRSS")
    forget_peak()
    seconds, cpu = [], []
    for _ in range(options.runs):
        start, used = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF)
        logits = model(x)[-1]
        end = resource.getrusage(resource.RUSAGE_SELF)
        seconds.append(round(time.perf_counter() - start, 3))
        cpu.append(round(end.ru_utime + end.ru_stime - used.ru_utime - used.ru_stime, 3))
    print(json.dumps({"torch": torch.__version__, "size": options.size, "threads": options.threads, "seconds": seconds,
                      "cpu_seconds": cpu, "memory_before_gib": round(before, 3),
                      "memory_peak_gib": round(memory_gib("VmHWM"), 3), "logits_std": round(logits.std().item(), 4)}))
    if options.write:
        options.write.mkdir(parents=True, exist_ok=True)
        save_file(model.state_dict(), options.write / "model.safetensors", {"format": "pt"})
        (options.write / "config.json").write_text(json.dumps(birefnet.CONFIG, indent=2))
        save_file({"input": picture, "logits": logits}, options.write / "run.safetensors")


if __name__ == "__main__":
    main()

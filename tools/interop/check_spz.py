#!/usr/bin/env python3
"""Checks lode's SPZ against pyspz, the subnet's own codec: each decodes what the other packed.

Usage, from the project's root, in a virtual environment with pyspz and numpy:
    tools/interop/check_spz.py [build/release/bin/lode]
"""
import pathlib
import subprocess
import sys
import tempfile

import numpy
import pyspz
from checks import Checks

PROMPTS = {"mug": "a red mug", "chair": "a wooden chair"}


class Splats:
    """Clouds that lode made, as PLY, with lode's conversions."""

    def __init__(self, binary, folder):
        self.binary, self.folder = binary, folder

    def run(self, *arguments):
        done = subprocess.run([self.binary, *map(str, arguments)], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr

    def make(self):
        for name, prompt in PROMPTS.items():
            self.run("generate", "--prompt", prompt, "-o", self.folder / f"{name}.ply", "--seed", "7")
        self.with_sh("mug", "sh1", 9)
        self.with_sh("mug", "sh3", 45)
        return [*PROMPTS, "sh1", "sh3"]

    def with_sh(self, source, target, count):
        """The same cloud with `count` further coefficients a gaussian."""
        table = read_ply((self.folder / f"{source}.ply").read_bytes())
        random = numpy.random.default_rng(count)
        rest = {f"f_rest_{i}": random.uniform(-0.8, 0.8, len(table["x"])).astype("<f4") for i in range(count)}
        write_ply(self.folder / f"{target}.ply", table | rest)

    def convert(self, source, target):
        self.run("convert", self.folder / source, self.folder / target)
        return (self.folder / target).read_bytes()

    def bytes(self, name):
        return (self.folder / name).read_bytes()


def read_ply(data):
    """Property name -> values, of a binary PLY of floats."""
    end = data.index(b"end_header\n") + len(b"end_header\n")
    lines = data[:end].decode().splitlines()
    count = next(int(line.split()[2]) for line in lines if line.startswith("element vertex"))
    names = [line.split()[2] for line in lines if line.startswith("property float")]
    table = numpy.frombuffer(data, "<f4", count * len(names), end).reshape(count, len(names))
    return {name: table[:, column] for column, name in enumerate(names)}


ORDER = ["x", "y", "z", "nx", "ny", "nz", *(f"f_dc_{i}" for i in range(3)), *(f"f_rest_{i}" for i in range(45)),
         "opacity", *(f"scale_{i}" for i in range(3)), *(f"rot_{i}" for i in range(4))]


def write_ply(path, table):
    names = [name for name in ORDER if name in table]
    assert len(names) == len(table), set(table) - set(names)
    rows = numpy.stack([table[name] for name in names], 1).astype("<f4")
    header = f"ply\nformat binary_little_endian 1.0\nelement vertex {len(rows)}\n"
    header += "".join(f"property float {name}\n" for name in names) + "end_header\n"
    path.write_bytes(header.encode() + rows.tobytes())


def same_values(ours, theirs):
    """Decoded by two programs from one file: equal but for the rounding of single operations."""
    a, b = read_ply(ours), read_ply(theirs)
    compared = [name for name in a if name in b and name not in ("nx", "ny", "nz")]
    required = ("x", "opacity", "scale_0", "f_dc_0", "rot_0")
    assert all(name in compared for name in required), (sorted(a), sorted(b))
    worst = 0.0
    for name in compared:
        if name.startswith("rot_"):
            continue
        finite = numpy.isfinite(a[name])
        assert (finite == numpy.isfinite(b[name])).all(), f"{name}: infinite in one alone"
        worst = max(worst, float(numpy.abs(a[name] - b[name])[finite].max(initial=0)))
    # q and -q are the same rotation.
    q, r = (numpy.stack([table[f"rot_{i}"] for i in range(4)], 1) for table in (a, b))
    q, r = (value / numpy.linalg.norm(value, axis=1, keepdims=True) for value in (q, r))
    turned = float((1 - numpy.abs((q * r).sum(1))).max())
    assert worst < 1e-5 and turned < 1e-5, (worst, turned)
    return f"{len(a['x'])} gaussians, {len(compared)} properties, largest difference {worst:.1e}"


def theirs_reads_ours(splats, name):
    packed = splats.convert(f"{name}.ply", f"{name}.spz")
    return same_values(splats.convert(f"{name}.spz", f"{name}.back.ply"), pyspz.decompress(packed, False))


def ours_reads_theirs(splats, name):
    packed = pyspz.compress(splats.bytes(f"{name}.ply"), 1, 1)
    (splats.folder / f"{name}.theirs.spz").write_bytes(packed)
    return same_values(splats.convert(f"{name}.theirs.spz", f"{name}.theirs.ply"), pyspz.decompress(packed, False))


def same_bytes(splats, name):
    ours = splats.bytes(f"{name}.spz")
    theirs = pyspz.compress(splats.bytes(f"{name}.ply"), 1, 1)
    assert len(ours) == len(theirs), (len(ours), len(theirs))
    assert ours == theirs, f"first difference at byte {next(i for i in range(len(ours)) if ours[i] != theirs[i])}"
    return f"{len(ours)} bytes"


def main():
    binary = sys.argv[1] if len(sys.argv) > 1 else "build/release/bin/lode"
    checks = Checks("SPZ, against pyspz")
    with tempfile.TemporaryDirectory() as folder:
        splats = Splats(binary, pathlib.Path(folder))
        for name in splats.make():
            checks.run(f"pyspz decodes our {name}", theirs_reads_ours, splats, name)
            checks.run(f"we decode its {name}", ours_reads_theirs, splats, name)
            checks.run(f"{name} is packed to the same bytes", same_bytes, splats, name)
    checks.finish()


main()

#!/usr/bin/env python3
"""Makes tests/golden/spz: a small cloud, and what Niantic's own library packs from it.

Usage: niantic_spz.py CHECKOUT FOLDER

CHECKOUT is a copy of https://github.com/nianticlabs/spz (made with commit 21715c3, zstd 1.5.4).
Writes cloud.ply and niantic_v2.spz, niantic_v3.spz, niantic_v4.spz. Needs g++, zlib and zstd.
"""
import pathlib
import random
import struct
import subprocess
import sys
import tempfile

GAUSSIANS = 24
DEGREE_1_VALUES = 9

PACKER = r"""
#include <string>
#include "load-spz.h"
int main(int, char** argv) {
  const auto cloud = spz::loadSplatFromPly(argv[1], {});  // no coordinates named: none are changed
  spz::PackOptions options;
  options.version = std::stoi(argv[2]);
  return spz::saveSpz(cloud, options, std::string(argv[3])) ? 0 : 1;
}
"""


def write_cloud(path):
    rng = random.Random(17)
    names = ["x", "y", "z", "f_dc_0", "f_dc_1", "f_dc_2"]
    names += [f"f_rest_{i}" for i in range(DEGREE_1_VALUES)]
    names += ["opacity", "scale_0", "scale_1", "scale_2", "rot_0", "rot_1", "rot_2", "rot_3"]
    ranges = {"opacity": (-6, 6), "scale": (-11, 1), "f": (-4, 4)}  # some beyond what codes hold
    body = b""
    for _ in range(GAUSSIANS):
        row = [rng.uniform(*ranges.get(name.split("_")[0], (-1, 1))) for name in names]
        body += struct.pack(f"<{len(row)}f", *row)
    lines = ["ply", "format binary_little_endian 1.0", f"element vertex {GAUSSIANS}"]
    lines += [f"property float {name}" for name in names] + ["end_header", ""]
    path.write_bytes("\n".join(lines).encode() + body)


def main():
    checkout, folder = map(pathlib.Path, sys.argv[1:])
    write_cloud(folder / "cloud.ply")
    sources = checkout / "src" / "cc"
    with tempfile.TemporaryDirectory() as scratch:
        main_source = pathlib.Path(scratch) / "main.cc"
        main_source.write_text(PACKER)
        packer = pathlib.Path(scratch) / "packer"
        subprocess.run(
            ["g++", "-std=c++17", "-O2", f"-I{sources}", main_source, sources / "load-spz.cc",
             sources / "splat-types.cc", "-o", packer, "-lz", "-lzstd"], check=True)
        for version in (2, 3, 4):
            target = folder / f"niantic_v{version}.spz"
            subprocess.run([packer, folder / "cloud.ply", str(version), target], check=True)


if __name__ == "__main__":
    main()

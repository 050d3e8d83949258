#!/usr/bin/env python3
"""Fails on an #include that CMake's link lines do not allow, and on a folder the README forgot.

Usage: check_layers.py ROOT

A module's allowed includes are itself and what it reaches through DEPENDS in src/*/CMakeLists.txt
(`<module>_io` targets live in the module's folder, in files ending _io). Third-party libraries with
one owner are held to it.
"""
import pathlib
import re
import sys

# header prefix -> folders (or files) that may include it
OWNERS = {
    "boost/asio": ("src/net/", "_io.", "apps/"),
    "boost/beast": ("src/net/",),
    "sqlite3.h": ("src/miner/journal",),
    "prometheus/": ("src/miner/metrics.cpp",),
    "toml++": ("src/miner/blacklist_file.cpp", "src/dream/preset.cpp"),
    "unicode/": ("src/tokenize/unicode.cpp",),
    "png.h": ("src/image/",),
    "turbojpeg.h": ("src/image/",),
    "webp/": ("src/image/",),
    "gif_lib.h": ("src/image/gif",),
    "lcms2.h": ("src/image/colour_profile.cpp",),
    "opencv2/": ("src/cutout/grabcut",),
    "vpx/": ("src/image/webm.cpp",),
    "matroska/": ("src/image/webm_mux.cpp",),
    "ebml/": ("src/image/webm_mux.cpp",),
    "zstd.h": ("src/splat/",),
    "libdeflate.h": ("src/splat/",),
    "hwy/": ("src/splat/", "src/render/", "src/base/", "src/nn/deform_sample.cpp"),
    "sodium.h": ("src/base/encoding.cpp", "src/chain/"),
    "xxhash.h": ("src/chain/storage_key.cpp",),
    "openssl/": ("src/chain/mnemonic.cpp", "src/miner/artifact_store.cpp", "src/net/", "src/weights/"),
    "CLI/": ("apps/", "tools/"),
    "curses.h": ("apps/lode/",),
    "ncurses.h": ("apps/lode/",),
    "torch/": ("src/nn/", "src/models/", "src/birefnet/", "src/flux/", "src/guidance/", "src/scorer/", "src/render/torch_bridge"),
    "ATen/": ("src/nn/", "src/models/", "src/birefnet/", "src/flux/", "src/guidance/", "src/scorer/", "src/render/torch_bridge"),
    "c10/": ("src/nn/", "src/models/", "src/birefnet/", "src/flux/", "src/guidance/", "src/scorer/", "src/render/torch_bridge"),
}


def declared_modules(root):
    """Module name -> (folder, direct dependencies)."""
    modules = {}
    for cmake in sorted((root / "src").glob("*/CMakeLists.txt")):
        for name, body in re.findall(r"lode_module\((\w+)(.*?)\)", cmake.read_text(), re.S):
            depends = re.search(r"\bDEPENDS\b(.*?)(?:\bLIBS\b|\bPUBLIC_LIBS\b|\bTESTS\b|$)", body, re.S)
            modules[name] = (cmake.parent.name, depends.group(1).split() if depends else [])
    return modules


def reachable_folders(modules, name):
    seen, todo = set(), [name]
    while todo:
        current = todo.pop()
        if current in seen or current not in modules:
            continue
        seen.add(current)
        todo += modules[current][1]
    return {modules[module][0] for module in seen}


def module_of(path, modules):
    folder = path.parent.name
    is_io = "_io" in path.name
    return f"{folder}_io" if is_io and f"{folder}_io" in modules else folder


def check_sources(root, modules):
    problems = []
    folders = {path.name for path in (root / "src").iterdir() if path.is_dir()}
    for path in sorted([*root.glob("src/**/*.h"), *root.glob("src/**/*.cpp")]):
        where = path.relative_to(root).as_posix()
        is_test = path.name.endswith("_test.cpp")
        allowed = reachable_folders(modules, module_of(path, modules))
        for number, line in enumerate(path.read_text().splitlines(), 1):
            quoted = re.match(r'#include "([^/"]+)/', line)
            if quoted and quoted.group(1) in folders and quoted.group(1) not in allowed:
                problems.append(f"{where}:{number}: {path.parent.name} may not include {quoted.group(1)}/")
            angled = re.match(r"#include <([^>]+)>", line)
            for prefix, owners in OWNERS.items():
                if angled and angled.group(1).startswith(prefix) and not is_test:
                    if not any(owner in where for owner in owners):
                        problems.append(f"{where}:{number}: <{angled.group(1)}> belongs to {', '.join(owners) or 'no folder yet'}")
    return problems


def check_readmes(root):
    problems = []
    top = (root / "README.md").read_text()
    for folder in sorted(path for path in (root / "src").iterdir() if path.is_dir()):
        if f"`{folder.name}/`" not in top:
            problems.append(f"README.md: src/{folder.name}/ is not on the map")
        if not (folder / "README.md").exists():
            problems.append(f"src/{folder.name}/README.md is missing")
    return problems


def main():
    root = pathlib.Path(sys.argv[1]).resolve()
    problems = check_sources(root, declared_modules(root)) + check_readmes(root)
    print("\n".join(problems) or "layers hold")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""Prints the tables of docs/performance.md: bytes, FLOPs and least seconds of FLUX.1-schnell.

Usage: flux_roofline.py

Nothing here is measured. A step takes at least as long as its products need at the card's peak and
as its weights need through the memory's bandwidth; with offload, as the weights that do not stay on
the card need over PCIe.
"""
D, FF = 3072, 4  # width; the feed-forward layers are FF times as wide
DOUBLE, SINGLE = 19, 38
TEXT = 256  # T5 tokens of schnell

# NVIDIA's Ada whitepaper: RTX 4090, dense, accumulation in float32.
CARD = {"bandwidth": 1008e9, "bf16": 165.2e12, "fp8": 330.3e12}
PCIE = 25e9  # PCIe 4.0 x16 carries 31.5 GB/s less its protocol; copies from pinned memory reach about 25


def transformer_parameters():
    """Weights that a step reads: without the modulations, which are computed once per step count."""
    double = 2 * (4 * D * D + 4 * D + 2 * 128 + 2 * FF * D * D + FF * D + D)
    single = 3 * (D * D + D) + 2 * 128 + FF * D * D + FF * D + (D + FF * D) * D + D
    rest = (64 * D + D) + (4096 * D + D) + 2 * (D * D + D) + (256 * D + D) + (768 * D + D) + (D * 64 + 64)
    return DOUBLE * double + SINGLE * single + rest


def modulation_parameters():
    return DOUBLE * 2 * (6 * D * D + 6 * D) + SINGLE * (3 * D * D + 3 * D) + 2 * D * D + 2 * D


def flops(size):
    """Multiplications and additions of one step at size x size pixels: layers, attention."""
    tokens = (size // 16) ** 2 + TEXT
    layers = 2 * 12 * D * D * tokens * (DOUBLE + SINGLE)
    attention = 4 * tokens * tokens * D * (DOUBLE + SINGLE)
    return layers, attention


def decoder_flops(size):
    """The VAE's decoder: 3x3 convolutions of its resnets and upsamplers, and the middle's attention."""
    conv = lambda side, fan_in, fan_out: 2 * 9 * fan_in * fan_out * side * side
    side = size // 8
    total = conv(side, 16, 512) + 4 * conv(side, 512, 512)
    total += 8 * 512 * 512 * side**2 + 4 * 512 * side**4
    width = 512
    for level, out in enumerate((512, 512, 256, 128)):
        total += conv(side, width, out) + 5 * conv(side, out, out)
        width = out
        if level < 3:
            side *= 2
            total += conv(side, out, out)
    return total + conv(side, 128, 3)


def step_rows(size):
    """(name, resident bytes, least seconds) of a step by how the weights are held."""
    layers, attention = flops(size)
    weights = transformer_parameters()
    in_bf16 = (layers + attention) / CARD["bf16"]
    in_fp8 = layers / CARD["fp8"] + attention / CARD["bf16"]
    # 8-bit codes are read, written out as bf16 and read again by the product: 5 bytes a weight.
    unpacking = 5 * weights / CARD["bandwidth"]
    return [
        ("bf16", 2 * weights, max(in_bf16, 2 * weights / CARD["bandwidth"])),
        ("int8 or fp8, unpacked to bf16 (as Lode does)", weights, in_bf16 + unpacking),
        ("fp8 with the card's own products (not written)", weights,
         max(in_fp8, weights / CARD["bandwidth"])),
    ]


def main():
    weights = transformer_parameters()
    modulations = modulation_parameters()
    assert weights + modulations == 11_891_178_560, weights + modulations
    print(f"parameters of a step {weights / 1e9:.3f} B, modulations {modulations / 1e9:.3f} B\n")
    print("| size | tokens | layers, TFLOP | attention, TFLOP | decoder, TFLOP |\n|---|---|---|---|---|")
    for size in (256, 512, 768, 1024):
        layers, attention = flops(size)
        print(f"| {size} | {(size // 16) ** 2 + TEXT} | {layers / 1e12:.1f} | {attention / 1e12:.1f} | "
              f"{decoder_flops(size) / 1e12:.1f} |")
    print("\n| weights | size | resident, GB | step, ms | beyond 9 GB, GB | step with that over PCIe, ms |"
          "\n|---|---|---|---|---|---|")
    for size in (512, 1024):
        for name, resident, seconds in step_rows(size):
            streamed = max(0.0, resident - 9e9)
            print(f"| {name} | {size} | {resident / 1e9:.1f} | {seconds * 1e3:.0f} | "
                  f"{streamed / 1e9:.1f} | {max(seconds, streamed / PCIE) * 1e3:.0f} |")
    t5 = 4_762_310_656 - 32128 * 4096
    print(f"\nT5 on {TEXT} tokens: {2 * t5 * TEXT / 1e12:.1f} TFLOP, "
          f"{2 * t5 * TEXT / CARD['bf16'] * 1e3:.0f} ms resident; its 9.5 GB over PCIe {9.52e9 / PCIE * 1e3:.0f} ms")


main()

#!/usr/bin/env python3
"""Makes tests/golden/flux/snapshot: FLUX.1-schnell's folder layout with tiny networks of random weights.

Usage: flux_snapshot.py OUT

Everything is written by the save_pretrained of diffusers and transformers, in float32. Weights are drawn
so that activations stay O(1) (fan-in scaling, biases off zero, norm weights off one): outputs that ignore
a weight, a bias or a scale are then wrong by far more than a tolerance.
"""
import gzip
import io
import json
import pathlib
import random
import shutil
import sys
import tempfile
import unicodedata

import open_clip
import sentencepiece
import torch
from diffusers import (AutoencoderKL, FlowMatchEulerDiscreteScheduler, FluxPipeline,
                       FluxTransformer2DModel)
from sentencepiece import sentencepiece_model_pb2
from transformers import (CLIPTextConfig, CLIPTextModel, CLIPTokenizer, T5Config, T5EncoderModel,
                          T5TokenizerFast)

SEED = 404
CLIP_MERGES = 300
T5_PIECES = 300
T5_EXTRA_IDS = 100
T5_MODEL_ROWS = 416  # beyond the 400 tokens, as the official 32128 rows go beyond 32100 tokens

# What differs from the official configurations.
TINY = {
    "clip": {"hidden_size": 24, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4,
             "projection_dim": 24},
    "t5": {"d_model": 32, "d_kv": 8, "num_heads": 4, "d_ff": 64, "num_layers": 3, "num_decoder_layers": 3},
    "transformer": {"num_layers": 2, "num_single_layers": 3, "attention_head_dim": 16, "num_attention_heads": 2,
                    "joint_attention_dim": 32, "pooled_projection_dim": 24, "axes_dims_rope": (4, 6, 6)},
    "vae": {"block_out_channels": (4, 6, 8, 8), "norm_num_groups": 2},
}

SUBJECTS = ["cat", "red dragon", "wooden chair", "small robot", "ceramic teapot", "brass lamp", "stone castle",
            "glass bottle", "leather boot", "blue bicycle", "toy car", "green cactus", "silver spoon",
            "old camera", "pirate ship", "mushroom house"]
STYLES = ["a photo of a {}", "a 3d render of a {}, white background", "the {} on a plain table",
          "an {} with gold details",
          "a detailed {} made of clay", "low poly {} model, high quality", "{} and {} side by side",
          "a {} holding a sign that says hello world", "close-up of the {}'s handle", "one {} from above, 45 degrees"]


def clip_tokenizer():
    """The first merges of CLIP's public vocabulary; the two specials come last, as in the full one."""
    source = pathlib.Path(open_clip.__file__).parent / "bpe_simple_vocab_16e6.txt.gz"
    merges = gzip.open(source, "rt", encoding="utf-8").read().split("\n")[1:1 + CLIP_MERGES]
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    symbols = [chr(byte) for byte in printable] + [chr(256 + n) for n in range(len(others))]
    tokens = symbols + [symbol + "</w>" for symbol in symbols]
    tokens += ["".join(merge.split()) for merge in merges] + ["<|startoftext|>", "<|endoftext|>"]
    assert len(set(tokens)) == len(tokens)
    with tempfile.TemporaryDirectory() as scratch:
        vocab, merges_file = pathlib.Path(scratch, "vocab.json"), pathlib.Path(scratch, "merges.txt")
        vocab.write_text(json.dumps({token: n for n, token in enumerate(tokens)}))
        merges_file.write_text("#version: 0.2\n" + "\n".join(merges) + "\n", encoding="utf-8")
        return CLIPTokenizer(str(vocab), str(merges_file), model_max_length=77)


def normaliser_rules():
    """A small part of nmt_nfkc, for the full map would be most of the snapshot: source<TAB>target, hexadecimal."""
    rules = {"\t": " ", "\n": " ", "\r": " ", "\u00a0": " ", "\u2003": " ", "\u3000": " ", "\u200b": " "}
    for point in [*range(0xFF01, 0xFF5F), *range(0xFB00, 0xFB05), 0xB2, 0xB3, 0xB9, 0xBD, 0x2122, 0x2026]:
        rules[chr(point)] = unicodedata.normalize("NFKC", chr(point))
    for letter in "aeiouAEIOU":
        for accent in "\u0300\u0301\u0308":
            rules[letter + accent] = unicodedata.normalize("NFKC", letter + accent)
    code_points = lambda text: " ".join(f"{ord(c):X}" for c in text)
    return "".join(f"{code_points(a)}\t{code_points(b)}\n" for a, b in rules.items())


def t5_tokenizer(folder):
    """`folder` must outlive the tokenizer: save_pretrained copies spiece.model from it."""
    lines = [style.format(*(SUBJECTS[(n + k) % len(SUBJECTS)] for k in (0, 3)))
             for style in STYLES for n in range(len(SUBJECTS))] * 6
    syllables = [a + b for a in ("b", "d", "fl", "gr", "k", "l", "m", "n", "p", "sh", "st", "tr", "w") for b in
                 ("a", "ee", "i", "o", "u", "ar", "en", "ing", "ock")]
    draw = random.Random(SEED)
    for _ in range(600):  # pieces of all lengths need more words than the prompts have
        lines.append(" ".join("".join(draw.choices(syllables, k=draw.randint(1, 3))) for _ in range(5)))
    lines += ["caf\u00e9, na\u00efve; 100% (v2.0) #7 \u00bfqu\u00e9? \u20ac5 \u2014 ok!", "0 1 2 3 4 5 6 7 8 9",
              "A B C D E F G H I J K L M N O P Q R S T U V W X Y Z"]
    (folder / "rules.tsv").write_text(normaliser_rules())
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines), model_writer=model, vocab_size=T5_PIECES, model_type="unigram",
        normalization_rule_tsv=str(folder / "rules.tsv"), pad_id=0, eos_id=1, unk_id=2, bos_id=-1,
        pad_piece="<pad>", character_coverage=1.0, num_threads=1, minloglevel=2)
    parsed = sentencepiece_model_pb2.ModelProto.FromString(model.getvalue())
    parsed.normalizer_spec.ClearField("normalization_rule_tsv")  # a scratch path; the compiled map stays
    (folder / "spiece.model").write_bytes(parsed.SerializeToString(deterministic=True))
    return T5TokenizerFast(vocab_file=str(folder / "spiece.model"), extra_ids=T5_EXTRA_IDS, model_max_length=512,
                           add_prefix_space=True)  # ▁ before the first word, as T5 has it


def randomise(model, generator, gains):
    """Draws every parameter; `gains` multiplies the std of those whose name contains the key."""
    for name, parameter in model.named_parameters():
        noise = torch.randn(parameter.shape, generator=generator)
        is_norm = "norm" in name and parameter.dim() == 1 and ".linear." not in name
        if is_norm and name.endswith("weight"):
            value = 1 + 0.2 * noise
        elif parameter.dim() == 1:
            value = 0.1 * noise
        elif "embedding." in name or name == "shared.weight":
            value = noise
        else:
            value = noise / parameter[0].numel() ** 0.5
        for key, gain in gains.items():
            if key in name:
                value = value * gain
        parameter.data.copy_(value)
    return model.eval()


def clip_text(generator, tokenizer, sizes):
    config = CLIPTextConfig(
        **sizes, vocab_size=len(tokenizer), max_position_embeddings=77, hidden_act="quick_gelu", layer_norm_eps=1e-5,
        bos_token_id=0, eos_token_id=2, pad_token_id=1)  # the official file's ids, which are not the tokenizer's
    return randomise(CLIPTextModel(config), generator, {"position_embedding": 0.5, "q_proj.weight": 2.0})


def t5(generator, sizes):
    config = T5Config(
        **sizes, vocab_size=T5_MODEL_ROWS, relative_attention_num_buckets=32, relative_attention_max_distance=128,
        feed_forward_proj="gated-gelu", layer_norm_epsilon=1e-6, dropout_rate=0.1, tie_word_embeddings=False,
        is_encoder_decoder=True, decoder_start_token_id=0)
    # Scores are not divided by sqrt(d_kv), so q takes the factor.
    return randomise(T5EncoderModel(config), generator, {
        "SelfAttention.q": config.d_kv ** -0.5, "relative_attention_bias": 4.0})


def transformer(generator, sizes):
    model = FluxTransformer2DModel(**sizes, patch_size=1, in_channels=64, guidance_embeds=False)
    return randomise(model, generator, {"norm_q": 1.5, "norm_added_q": 1.5, "linear_2.weight": 1.5})


def vae(generator, sizes):
    model = AutoencoderKL(
        **sizes, in_channels=3, out_channels=3, down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4, layers_per_block=2, act_fn="silu", latent_channels=16, sample_size=64,
        scaling_factor=0.3611, shift_factor=0.1159,
        force_upcast=True, use_quant_conv=False, use_post_quant_conv=False, mid_block_add_attention=True)
    return randomise(model, generator, {"decoder.conv_out.weight": 0.4, "to_q.weight": 2.0})


def in_shards(model, folder, count):
    """Saves into `count` files by the largest shard size that gives as many."""
    total = sum(tensor.numel() * 4 for tensor in model.state_dict().values())
    for size in range(total // count, total, max(1024, total // 500)):
        shutil.rmtree(folder)
        model.save_pretrained(folder, max_shard_size=size)
        if len(list(folder.glob("*.safetensors"))) <= count:
            break
    assert len(list(folder.glob("*.safetensors"))) == count, folder


def tidy(folder):
    """Drops the paths of the machine that made it, and opens the files for reading."""
    for file in folder.rglob("*.json"):
        content = json.loads(file.read_text())
        if isinstance(content, dict) and content.pop("_name_or_path", None) is not None:
            file.write_text(json.dumps(content, indent=2) + "\n")
    for file in folder.rglob("*.*"):
        file.chmod(0o644)


def write_snapshot(out, sizes):
    generator = torch.Generator().manual_seed(SEED)
    tokenizer = clip_tokenizer()
    with tempfile.TemporaryDirectory() as scratch:
        pipe = FluxPipeline(
            scheduler=FlowMatchEulerDiscreteScheduler(
                num_train_timesteps=1000, shift=1.0, use_dynamic_shifting=False, base_shift=0.5, max_shift=1.15,
                base_image_seq_len=256, max_image_seq_len=4096),
            vae=vae(generator, sizes["vae"]), text_encoder=clip_text(generator, tokenizer, sizes["clip"]),
            tokenizer=tokenizer, text_encoder_2=t5(generator, sizes["t5"]),
            tokenizer_2=t5_tokenizer(pathlib.Path(scratch)), transformer=transformer(generator, sizes["transformer"]))
        shutil.rmtree(out, ignore_errors=True)
        pipe.save_pretrained(out, safe_serialization=True)
    in_shards(pipe.text_encoder_2, out / "text_encoder_2", 2)
    in_shards(pipe.transformer, out / "transformer", 3)
    tidy(out)


if __name__ == "__main__":
    write_snapshot(pathlib.Path(sys.argv[1]), TINY)

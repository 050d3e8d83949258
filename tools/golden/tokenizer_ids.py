#!/usr/bin/env python3
"""Makes tests/golden/tokenize: prompts, and the token ids that transformers and open_clip give them.

Usage: tokenizer_ids.py FOLDER      (with the packages of requirements.txt)

clip/merges.txt         the merges of OpenAI's CLIP vocabulary, from open_clip's package; the ids follow
                        from them (FLUX's and SD 1's vocab.json has the same)
t5/nmt_nfkc.bin         SentencePiece's character map, the one of T5's own models
t5/spiece.model         a unigram model of 1000 pieces trained here on the prompts, without the map
t5/tokenizer.json       what transformers converts it to, without the map
prompts.jsonl           a line for each prompt: its text, ids of CLIPTokenizer (as if ftfy were not installed)
                        cut at 77, of open_clip's SimpleTokenizer (with ftfy; absent where equal), and of
                        T5TokenizerFast cut at 512

The official T5 vocabulary comes only with the weights. Characters are those that Python's unicodedata
knows: newer ones are unassigned, so dropped, for some Python versions and not for others.
"""
import base64
import gzip
import io
import json
import pathlib
import random
import sys
import tempfile
import unicodedata

CLIP_LENGTH = 77
T5_LENGTH = 512
MERGES = 49152 - 256 - 2

ADJECTIVES = "red tiny glossy ancient wooden futuristic low-poly rusty hand-painted crystal fluffy broken".split()
NOUNS = ("mug dragon chair teapot sword robot lighthouse armchair cactus backpack spaceship violin mushroom"
         " bicycle treasure chest owl sneaker cathedral lantern typewriter").split()
CLAUSES = ["on a wooden table", "with a white background", "in the style of Van Gogh", "made of marble",
           "holding a sign that says hello world", "3d render, 8k, highly detailed", "isolated; studio light",
           "wearing a hat & scarf", "full body, front view", "by the sea at sunset"]
SNIPPETS = ["don't", "it's", "I'VE", "we'll", "they'RE", "she'd", "I'm", "'tis", "rock 'n' roll", "O'Reilly's",
            "''s", "s's's", "!!!", "...", "?!", "#1", "50%", "$9.99", "a+b=c", "<tag>", "[x](y)", "{}", "~/bin",
            "C++20", "v2.0!", "1,000,000", "3.14159", "007", "1st", "2x4", "x^2", "a_b_c", "--", "//", "\\n", "\"q\"",
            "@home", "e-mail", "M&M's", "AT&T", "100km/h", "'", "''", "'x", "'S", "'Ll", "\u2019s", "'\u017f", "\u212a2"]
SCRIPTS = ["красный дракон", "ΟΔΥΣΣΕΥΣ ΣΑΣ Σ ΣΟΦΟΣ", "Straße GROẞ", "İstanbul ışık I", "日本語のテキスト", "红色的龙在桌子上",
           "한국어 문장", "각각", "עברית שָׁלוֹם", "العربية مُحَمَّد", "हिन्दी में क्षत्रिय", "বাংলা ভাষা", "தமிழ் நிலா",
           "ไทยภาษา", "ລາວ", "မြန်မာ", "ქართული ᲥᲐᲠᲗᲣᲚᲘ", "Հայերեն", "አማርኛ", "ᏣᎳᎩ Ꮳꮳ", "Ελληνικά ά ὰ ᾳ", "Ǆ ǅ ǆ",
           "naïve café résumé", "Zürich Ærø Œuvre", "Tiếng Việt đẹp", "𐐀𐐨", "𝔘𝔫𝔦𝔠𝔬𝔡𝔢", "ꙮ", "㐀㐁𠀀𪜀", "豈更", "ｶﾞﾊﾟ"]
ODDITIES = ["ﬁne ﬂow ﬀ ﬃ ﬅ", "ｆｕｌｌ ｗｉｄｔｈ １２３！", "①②③ ⅷ ½ ⅔ x² H₂O", "e\u0301 a\u030a o\u0308\u0304 n\u0303", "\u1e9b\u0323",
            "Å Ω K", "ﷺ", "㌀ ㎏ ℡ ™ ℠", "q\u0307\u0323", "\u0344", "ﬁ\u0301x", "½\u0338", "①\u0301", "x\u200d\u0301y", "\u0958",
            "\u1100\u1161\u11a8", "…‥", "“quoted” ‘single’ «guillemets»", "– — ―", "\u2581under\u2581\u2581bars", "▁", "a▁b",
            "\u0600١٢٣", "٣٤٥ ۴۵ ४५", "Ⅻ ⅻ Ⅷ", "ʼn ŉ", "ǰ ΐ ᾶ", "㊗\ufe0f", "\u0675", "ĳ Ŀ ſ", "a\u0345\u0301", "Σ\u0301 ΑΣ\u0301 ΑΣ."]
EMOJI = ["😀", "👩‍👩‍👧‍👦", "🏳️‍🌈", "🇫🇷🇩🇪🇯", "👍🏽", "❤️", "❤", "1️⃣", "#️⃣", "🧑🏿‍🚀", "⌚", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "☺︎", "🤷‍♂️", "🐉🔥", "🫠"]
SPACES = ["\t", "\n", "\r", "\r\n", "\x0b", "\x0c", "\x00", "\x01", "\x07", "\x1b[0m", "\x1c", "\x1f", "\x7f", "\x85", "\xa0",
          "\xad", "\u1680", "\u180e", "\u2000", "\u2009", "\u200b", "\u200c", "\u200d", "\u200e", "\u2028", "\u2029", "\u202e",
          "\u202f", "\u205f", "\u2060", "\u3000", "\ufeff", "\ufffd", "\ufffc", "\ue000", "  ", "   "]
ENTITIES = ["&amp;", "&lt;b&gt;", "&eacute;", "&eacute", "&#233;", "&#xE9;", "&#xe9", "&amp;amp;", "&amp;lt;", "&nbsp;",
            "&notit;", "&notin;", "&bogus;", "& ", "&&", "&#;", "&#x;", "&#0;", "&#128;", "&#xD800;", "&#1114112;", "&#x1F409;",
            "&#7;", "&hellip;", "&CounterClockwiseContourIntegral;", "&amp", "&ampx", "&NotEqualTilde;", "&#99999999999999999999;"]
BLANKS = ["", " ", "   ", "\t", "\n\n", "\u3000", "\u200b", "\x00", "\xa0 ", "\ufeff", ".", "a", "A", "0"]


def phrase(rng):
    return " ".join(["a", rng.choice(ADJECTIVES), rng.choice(NOUNS), rng.choice(CLAUSES)][: rng.randint(2, 4)])


def mixture(rng, items, glue=(" ", "", ", ", "  ")):
    parts = [rng.choice(items) if rng.random() < 0.7 else phrase(rng) for _ in range(rng.randint(1, 6))]
    return "".join(part + rng.choice(glue) for part in parts)


def soup(rng):
    """Characters that Python's unicodedata knows, of all planes."""
    text = ""
    while len(text) < rng.randint(5, 40):
        character = chr(rng.choice([rng.randrange(0x3000), rng.randrange(0x10000), rng.randrange(0x20000)]))
        if unicodedata.category(character) not in ("Cn", "Cs"):
            text += character
    return text


def make_prompts(rng):
    prompts = list(BLANKS)
    prompts += [phrase(rng) for _ in range(206)]
    prompts += [mixture(rng, SNIPPETS) for _ in range(170)]
    prompts += [mixture(rng, SCRIPTS) for _ in range(140)]
    prompts += [mixture(rng, ODDITIES) for _ in range(130)]
    prompts += [mixture(rng, EMOJI) for _ in range(80)]
    prompts += [mixture(rng, SPACES, ("", "x", " ")) for _ in range(100)]
    prompts += [mixture(rng, ENTITIES) for _ in range(60)]
    prompts += [soup(rng) for _ in range(80)]
    prompts += [", ".join(phrase(rng) for _ in range(rng.randint(9, 20))) for _ in range(12)]
    prompts += [" ".join(mixture(rng, SNIPPETS + ODDITIES) for _ in range(40)) for _ in range(4)]
    prompts += ["aaaaaaaa" * 90, "é" * 400, "日" * 100, "🐉" * 90]
    return prompts


def clip_tokenizer(folder, merges):
    from transformers import CLIPTokenizer
    from transformers.models.clip.tokenization_clip import bytes_to_unicode
    symbols = list(bytes_to_unicode().values())
    symbols += [symbol + "</w>" for symbol in symbols]
    symbols += ["".join(merge.split()) for merge in merges.splitlines()[1:]]
    symbols += ["<|startoftext|>", "<|endoftext|>"]
    (folder / "vocab.json").write_text(json.dumps({symbol: i for i, symbol in enumerate(symbols)}))
    (folder / "merges.txt").write_text(merges)
    sys.modules["ftfy"] = None  # as if it were not installed
    tokenizer = CLIPTokenizer.from_pretrained(folder)
    assert tokenizer.fix_text is None
    return tokenizer


def open_clip_tokenizer():
    import open_clip
    assert open_clip.tokenizer.ftfy.__version__ == "6.3.1"
    return open_clip.tokenizer.SimpleTokenizer()


def t5_tokenizer(folder, prompts):
    import sentencepiece
    from transformers import T5TokenizerFast
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(p for p in prompts * 3 if p.strip() and "\0" not in p), model_writer=model,
        model_type="unigram", vocab_size=1000, normalization_rule_name="nmt_nfkc", character_coverage=0.99,
        pad_id=0, eos_id=1, unk_id=2, bos_id=-1, num_threads=1, minloglevel=2)
    (folder / "spiece.model").write_bytes(model.getvalue())
    T5TokenizerFast.from_pretrained(folder).save_pretrained(folder)
    return T5TokenizerFast.from_pretrained(folder)


def write_t5(made, folder):
    """The character map apart from both models, which hold the same."""
    from sentencepiece import sentencepiece_model_pb2 as messages
    proto = messages.ModelProto()
    proto.ParseFromString((made / "spiece.model").read_bytes())
    charsmap = proto.normalizer_spec.precompiled_charsmap
    proto.normalizer_spec.ClearField("precompiled_charsmap")
    document = json.loads((made / "tokenizer.json").read_text())
    step = document["normalizer"]["normalizers"][0]
    assert base64.b64decode(step["precompiled_charsmap"]) == charsmap
    step["precompiled_charsmap"] = ""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "nmt_nfkc.bin").write_bytes(charsmap)
    (folder / "spiece.model").write_bytes(proto.SerializeToString())
    (folder / "tokenizer.json").write_text(json.dumps(document, ensure_ascii=False, separators=(",", ":")))


def main():
    target = pathlib.Path(sys.argv[1])
    prompts = make_prompts(random.Random(404))
    assert len(prompts) == 1000
    with tempfile.TemporaryDirectory() as clip_folder, tempfile.TemporaryDirectory() as t5_folder:
        open_clip = open_clip_tokenizer()
        import open_clip as package
        packed = pathlib.Path(package.__file__).parent / "bpe_simple_vocab_16e6.txt.gz"
        merges = "\n".join(gzip.decompress(packed.read_bytes()).decode().split("\n")[: MERGES + 1]) + "\n"
        clip = clip_tokenizer(pathlib.Path(clip_folder), merges)
        t5 = t5_tokenizer(pathlib.Path(t5_folder), prompts)
        (target / "clip").mkdir(parents=True, exist_ok=True)
        (target / "clip/merges.txt").write_text(merges)
        write_t5(pathlib.Path(t5_folder), target / "t5")
        with open(target / "prompts.jsonl", "w") as out:
            for prompt in prompts:
                row = {"text": prompt, "clip": clip(prompt, max_length=CLIP_LENGTH, truncation=True).input_ids}
                row["dropped"] = len(clip(prompt).input_ids) - len(row["clip"])
                other = [open_clip.sot_token_id] + open_clip.encode(prompt) + [open_clip.eot_token_id]
                other = other if len(other) <= CLIP_LENGTH else other[: CLIP_LENGTH - 1] + other[-1:]
                if other != row["clip"]:
                    row["open_clip"] = other
                row["t5"] = t5(prompt, max_length=T5_LENGTH, truncation=True).input_ids
                out.write(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()

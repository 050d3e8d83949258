#!/usr/bin/env python3
"""Makes tests/golden/tokenize/ftfy.jsonl: texts, and what ftfy 6.3.1's fix_text makes of them.

Usage: ftfy_texts.py FILE [SEED [COUNT]]      (with the packages of requirements.txt)

A line for each text: the text, and ftfy's, which ftfy leaves as it is. The texts: prompts, and text of many scripts as it was, with typographic marks, references, escapes, ligatures and
controls, and damaged: its UTF-8 read in each encoding that ftfy knows (once, twice, thrice), partly,
with bytes lost, 0xA0 made a space, surrogates encoded (CESU-8), cut anywhere; and random characters of
the encodings. Characters are those that Python's unicodedata knows. The many that a single comparison
takes come from `texts`, surrogates among them, which JSON cannot hold.
"""
import json
import random
import sys
import unicodedata

import ftfy
from tokenizer_ids import EMOJI, ENTITIES, ODDITIES, SCRIPTS, SNIPPETS, SPACES, phrase, soup

COUNT = 2600
PAGES = ["latin-1", "sloppy-windows-1252", "sloppy-windows-1251", "sloppy-windows-1250", "sloppy-windows-1253",
         "sloppy-windows-1254", "sloppy-windows-1257", "iso-8859-2", "macroman", "cp437"]
WORDS = ["café à la mode", "às vezes àquela hora", "l’été — déjà vu…", "“smart” ‘quotes’", "naïve ½ m²", "© 2024 ® ™",
         "£5 €6 ¥7 ¢8", "ŠŽšžŸ Œœ", "Ørsted Æble Å", "¿Qué? ¡Sí!", "voilà le travail", "żółć", "příliš žluťoučký kůň",
         "ţară şi", "ğüşıöç İ", "ąčęėįšųūž", "ā€“ ā", "ñandú Ñ", "Ђачко ћ", "•—–·", "† ‡ ‰", "¬ ¦ ¨ ¸", "×² ×³ 5×3",
         "à² áé", "Ã ", "Â ", "fÃ cil", "Â½", "Â©", "the Â thing", "a Â. b", "°C Ö° Ü°", "Œ œ œuvre", "Ä°", "≈ √ ∂ ∞ π", "╔══╗ ░▒▓ █",
         "(ಠ_ಠ) (°ò_ó°) ¯\\_(ツ)_/¯", "ГўВЂВa", "вЂ”", "β€™", "ΒΓ", "В°Г", "\ufffd", "?", "\x1a", "\x85", "\x81\x8d\x92", "\xad", "\ufeff"]
MARKS = ["ﬁ", "ﬆ", "ŉ", "Ǆ", "ĳ", "Ａ", "１", "！", "～", "ｱ", "ｶﾞ", "ﾡ", "￦", "￨", "　", "’", "“", "‟", "ʼ", "‛", "\u2028", "\u2029",
         "\r\n", "\r", "\n", "\x0b", "\x1b[36;44m", "\x1b[0m", "\x1b[٣m", "\x1b[;x", "\x1b[5", "\u206a", "\ufff9", "\ufffc", "<b>", "<",
         "&amp;", "&lt;", "&EACUTE;", "&SZLIG;", "&nTILDE;", "&Ntilde;", "&NTILDE;", "&hellip;", "&#x2019;", "&#146;", "&#59;",
         "&#0;", "&#12ab;", "&#xD83D;&#xDE00;", "&semi;", "&SEMI;", "&amp;amp;lt;", "&ATILDE;&SUP3;", "&macr;", "&Jscr;", "&#",
         "&CounterClockwiseContourIntegral;", "&notit;", "&bne;", "&NBSP;", "&IJLIG;", "&fflig;"]


def plain(rng):
    kind = rng.randrange(6)
    if kind == 0:
        return phrase(rng)
    if kind == 1:
        return rng.choice(SCRIPTS)
    if kind == 2:
        return rng.choice(EMOJI)
    if kind == 3:
        return rng.choice(SNIPPETS + ODDITIES)
    return rng.choice(WORDS)


def decorated(rng):
    parts = [rng.choice(MARKS + SPACES + ENTITIES) if rng.random() < 0.4 else plain(rng) for _ in range(rng.randint(1, 6))]
    return rng.choice(["", " ", " "]).join(parts)


def utf8(rng, text):
    """UTF-8, sometimes with surrogates encoded, Java's NUL, or invalid bytes."""
    if rng.random() < 0.1:
        return b"".join(c.encode("utf-16-be").decode("utf-16-be").encode() if ord(c) < 0x10000 else cesu(c) for c in text)
    data = text.encode("utf-8", "surrogatepass")
    if rng.random() < 0.05:
        at = rng.randrange(len(data) + 1)
        data = data[:at] + rng.choice([b"\xc0\x80", b"\xc0", b"\xed\xa0\x80", b"\xed", b"\xc0\n", b"\xed\xa0\x80\xed\xb0\n"]) + data[at:]
    return data


def cesu(character):
    number = ord(character) - 0x10000
    return b"".join(chr(half).encode("utf-8", "surrogatepass") for half in (0xD800 + (number >> 10), 0xDC00 + (number & 0x3FF)))


def garble(rng, text):
    """UTF-8 read in a page; what was altered on the way altered so."""
    page = rng.choice(PAGES)
    data = utf8(rng, text)
    damage = rng.random()
    if damage < 0.15:
        data = data.replace(b"\xa0", b" ")
    elif damage < 0.3:
        lost = rng.choice([b"\x1a", b"?"])
        data = b"".join(lost if byte >= 0x80 and rng.random() < 0.1 else bytes([byte]) for byte in data)
    elif damage < 0.36:
        data = data[rng.randrange(3):]
    elif damage < 0.4:
        data = data[: len(data) - rng.randrange(3)]
    elif damage < 0.45:
        data = bytes(rng.randrange(256) if rng.random() < 0.05 else byte for byte in data)
    return data.decode(page)


def damaged(rng):
    text = plain(rng) if rng.random() < 0.6 else decorated(rng)
    for _ in range(rng.choice([1, 1, 1, 1, 2, 2, 3])):
        text = garble(rng, text)
        if rng.random() < 0.2:
            text = rng.choice([text + " " + plain(rng), plain(rng) + text, text + "\n", text.lower(), text.upper(), text.replace("\xa0", " ")])
    return text


def of_pages(rng):
    """Random characters of one page or all, high ones mostly."""
    page = rng.choice(PAGES)
    text = ""
    for _ in range(rng.randint(2, 14)):
        if rng.random() < 0.1:
            page = rng.choice(PAGES)
        byte = rng.randrange(0x80, 0x100) if rng.random() < 0.75 else rng.choice(b" aZ.?,\n\x1a")
        text += bytes([byte]).decode(page)
    return text


def surrogates(rng):
    return "".join(rng.choice([chr(rng.randrange(0xD800, 0xE000)), "\ud83d\ude00", "a", "é"]) for _ in range(rng.randint(1, 6)))


def texts(rng, count):
    """`count` texts; ordinary ones are a sixth."""
    for i in range(count):
        kind = i % 12
        if kind < 2:
            yield phrase(rng) if kind == 0 else " ".join(plain(rng) for _ in range(rng.randint(1, 4)))
        elif kind < 4:
            yield decorated(rng)
        elif kind < 8:
            yield damaged(rng)
        elif kind < 10:
            yield of_pages(rng)
        elif kind == 10:
            yield soup(rng)
        else:
            yield surrogates(rng) if i % 24 == 11 else "".join(rng.choice([damaged, decorated, of_pages])(rng) + rng.choice("\n \n\r") for _ in range(rng.randint(1, 4)))


def is_writable(text):
    return all(unicodedata.category(c) not in ("Cn", "Cs") for c in text)


def main():
    assert ftfy.__version__ == "6.3.1"
    rng = random.Random(int(sys.argv[2]) if len(sys.argv) > 2 else 631)
    count = int(sys.argv[3]) if len(sys.argv) > 3 else COUNT
    with open(sys.argv[1], "w") as out:
        for text in texts(rng, count):
            fixed = ftfy.fix_text(text)
            if not is_writable(text + fixed):
                continue
            assert ftfy.fix_text(fixed) == fixed, text
            out.write(json.dumps({"text": text, "fixed": fixed}, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()

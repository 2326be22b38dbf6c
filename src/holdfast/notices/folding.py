"""Texts made comparable: `plain` for equality with what we sent, `skeleton` for likeness, `host_skeleton` for names of sites.

`plain` forgives what carriers, phones and text recognition do: blanks, line ends, full-width characters, the kind of punctuation.
It forgives no invisible character and no letter of another script. `skeleton` sees through both.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache

from opencc import OpenCC

_PUNCTUATION = str.maketrans({
    "。": ".", "、": ",", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "‘": "'", "’": "'", "′": "'", "「": '"', "」": '"', "『": '"', "』": '"',
    "‐": "-", "‑": "-", "‒": "-", "–": "-", "—": "-", "―": "-", "−": "-", "•": "·", "・": "·", "…": "...", "¥": "￥", "￥": "￥",
})  # fmt: skip
_LATIN = (
    "аa ӓa вb гr еe ёe ѐe ҽe һh іi їi ӏl јj кk қk мm нh ңh оo ӧo өo рp ҏp сc ҫc тt уy ўy үy хx ҳx ѕs ԁd ԛq ԝw ъb ьb ѡw "
    "αa βb γy δd εe ζz ηn ιi κk νv οo ρp σo τt υu χx ωw ϲc ϳj օo սu ոn հh ցg ⅼl ǀl ӀI ɑa ɡg ʟl ɩi ᴀa ᴄc ᴅd ᴇe ᴋk ᴍm ᴏo ᴘp ᴛt ᴜu ᴠv ᴡw ᴢz "
    "øo đd łl ıi ȷj ħh ŧt æa œo ƒf"
)
"""Cyrillic, Greek and other letters, each with the Latin one it is taken for (Unicode TS 39, the letters of common fonts)."""
_LOOKS_LATIN = str.maketrans({pair[0]: pair[1].lower() for pair in _LATIN.split()})
_LOOKS_HAN = str.maketrans("攴攵寳囬囘囙菓衹甴帐夊巳已曰囗呌伩訙偆騐鉅", "支支宝回回因果只由账久己己日口叫信讯优验巨")
"""Characters drawn to be taken for others, and old forms that are not among the traditional ones."""
_DRAWN = frozenset("攴攵寳囗甴訙偆騐")
_IGNORABLE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180e\u3164\uffa0\u2800")
_SIGNATURE = re.compile(r"^\s*[【\[]\s*([^】\]\n]{1,40}?)\s*[】\]]|[【\[]\s*([^】\]\n]{1,40}?)\s*[】\]]\s*$")
_ASCII_SLIPS = (("rn", "m"), ("vv", "w"), ("cl", "d"), ("nn", "m"))
_ASCII_LOOKS = str.maketrans("0135$@!|i", "olessalll")


@cache
def _simplifier() -> OpenCC:
    return OpenCC("t2s")


def is_invisible(character: str) -> bool:
    """Drawn as nothing, or turning what stands beside it around (Unicode: format characters and fillers)."""
    return unicodedata.category(character) == "Cf" or character in _IGNORABLE or "\ufe00" <= character <= "\ufe0f"


def trimmed(text: str) -> str:
    """The text without blanks and invisible characters before and after it: marks of files and of copying."""
    start, end = 0, len(text)
    while start < end and (text[start].isspace() or is_invisible(text[start])):
        start += 1
    while end > start and (text[end - 1].isspace() or is_invisible(text[end - 1])):
        end -= 1
    return text[start:end]


def invisible(text: str) -> int:
    """How many invisible characters stand within the text."""
    return sum(is_invisible(character) for character in trimmed(text))


def visible(text: str) -> str:
    """The text without them, in one form of each character (NFKC)."""
    return unicodedata.normalize("NFKC", "".join(one for one in text if not is_invisible(one)))


def disguised(text: str) -> int:
    """How many letters of another script stand within Latin words, and how many characters are drawn to be taken for others."""
    normal = visible(text).casefold()
    mixed = [word for word in re.findall(r"[^\W\d_]+", normal) if re.search("[a-z]", word)]
    return sum(ord(one) in _LOOKS_LATIN for word in mixed for one in word) + sum(one in _DRAWN for one in normal)


def signature(text: str) -> str:
    """The name in 【】 at one end of a text message, which carriers put there; empty when there is none."""
    found = _SIGNATURE.search(trimmed(text))
    return (found[1] or found[2] or "") if found else ""


def unsigned(text: str) -> str:
    """The text without that name."""
    return _SIGNATURE.sub("", trimmed(text), count=1)


def plain(text: str) -> str:
    """What must be equal when two texts say the same: characters without blanks, in one form."""
    normal = unicodedata.normalize("NFKC", trimmed(text).translate(_PUNCTUATION)).translate(_PUNCTUATION)
    return "".join(normal.split())


def readable(text: str) -> str:
    """Letters as they are taken for: one script, simplified, small. Blanks and punctuation stay."""
    # what looks alike is folded before characters are made small: a capital I is taken for an l, a Greek capital for a Latin one
    small = visible(text).casefold()
    return unicodedata.normalize("NFKC", _simplifier().convert(small.translate(_LOOKS_HAN)).translate(_LOOKS_LATIN))


def skeleton(text: str) -> str:
    """The same without blanks, punctuation and marks: what words are looked for in."""
    folded = unicodedata.normalize("NFD", readable(text))
    return "".join(one for one in folded if one.isalnum() or one in "%@")


def host_skeleton(label: str) -> str:
    """A part of a site's name as a hasty eye reads it: ``ho1dfast``, ``hoIdfast`` and ``hоldfast`` are the same."""
    folded = unicodedata.normalize("NFD", readable(label.replace("I", "l")))
    folded = "".join(one for one in folded if one.isalnum() or one in "$@!|")
    for slip, taken_for in _ASCII_SLIPS:
        folded = folded.replace(slip, taken_for)
    return folded.translate(_ASCII_LOOKS)

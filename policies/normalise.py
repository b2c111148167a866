"""Text as a reader sees it, for matching: letters that only look different become the same.  Never for display."""

# ruff: noqa: RUF001 - look-alikes are the subject

from __future__ import annotations

import re
import string
import unicodedata
from typing import Any

import re2

# Enclosed and squared letters have no decomposition or look like symbols; the other blocks hold letters written small.
_ENCLOSED = r"\x{2100}-\x{214F}\x{2460}-\x{24FF}\x{2800}\x{3200}-\x{33FF}\x{FE50}-\x{FE6F}\x{FF00}-\x{FFEF}"
_ENCLOSED_EMOJI = r"\x{1F100}-\x{1F1FF}"
UNUSUAL = rf"[^\x00-\x7F\pP\pS\pZ]|[{_ENCLOSED}{_ENCLOSED_EMOJI}]"  # without one of these there is nothing to undo

_unusual: Any = re2.compile(UNUSUAL)
# Format characters (zero width, bidirectional, soft hyphen), marks, and letters that show nothing.  RE2 is slow to
# replace; one class without alternatives leaves `re` nothing to go back on.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u0600-\u0605\u0610-\u061c"
    "\u064b-\u065f\u0670\u06d6-\u06dd\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed\u0900-\u0902\u093c\u0941-\u0948\u094d"
    "\u0951-\u0957\u0962\u0963\u0e31\u0e34-\u0e3a\u0e47-\u0e4e\u115f\u1160\u17b4\u17b5\u180b-\u180f\u1ab0-\u1aff"
    "\u1dc0-\u1dff\u200b-\u200f\u202a-\u202e\u2060-\u206f\u20d0-\u20ff\u2800\u3099\u309a\u3164\ufe00-\ufe0f"
    "\ufe20-\ufe2f\ufeff\uffa0\ufff9-\ufffb\U0001bca0-\U0001bca3\U0001d165-\U0001d182\U000e0000-\U000e001f\U000e007f-\U000e0fff]+"
)
_LOOK_ALIKES = {
    # Cyrillic and Greek letters with the shape of a Latin one, and the phonetic letters that pass for small capitals.
    "a": "аɑαᴀ", "b": "Ьвβʙ", "c": "сϲᴄ", "d": "ԁᴅɗ", "e": "еєεɛᴇ", "f": "ғꜰƒ", "g": "ɡɢց", "h": "һнʜհ", "i": "іıɩιɪӏ",
    "j": "јʝᴊ", "k": "кκᴋ", "l": "ʟłⅼǀ", "m": "мᴍ", "n": "пոɴη", "o": "оοσᴏօøө", "p": "рρᴘ", "q": "ԛզ", "r": "гʀᴦ",
    "s": "ѕꜱʂ", "t": "тτᴛŧ", "u": "υᴜսʋ", "v": "ѵνᴠ", "w": "ԝωшᴡա", "x": "хχ", "y": "уүγʏ", "z": "ᴢʐ",
}  # fmt: skip
_TAGS = 0xE0000  # a tag character is this much above the ASCII character that it hides
_ENCLOSED_STARTS = (0x1F130, 0x1F150, 0x1F170, 0x1F1E6)  # squared, circled, squared on black, flags: A to Z in order


def _table() -> dict[int, str]:
    table = {ord(twin): letter for letter, twins in _LOOK_ALIKES.items() for twin in twins}
    for start in _ENCLOSED_STARTS:
        table |= {start + place: letter for place, letter in enumerate(string.ascii_lowercase)}
    return table | {_TAGS + ord(letter): letter.lower() for letter in string.printable if letter >= " "}


_LETTERS = _table()
# Ranges for what lies beyond the basic plane: `re` goes through a class of single characters there one by one.
_LOOK_ALIKE = re.compile(f"[{''.join(_LOOK_ALIKES.values())}\U0001f130-\U0001f1ff\U000e0020-\U000e007e]")
_TAG_RUN = re.compile("[\U000e0020-\U000e007e]+")


def normalise(text: str) -> str:
    """Lower case; compatibility forms, accents, invisible characters and look-alikes of Latin letters undone.

    Unicode tag characters, which hide a text inside another, become that text.  The result keeps the length of a text
    with nothing unusual in it; otherwise positions have no meaning.  Linear.
    """
    if text.isascii() or _unusual.search(text) is None:
        return text.lower()
    # Compatibility *de*composition, so that an accent is a mark of its own and goes the way of the other marks.
    plain = _INVISIBLE.sub("", unicodedata.normalize("NFKD", text)).casefold()
    if _LOOK_ALIKE.search(plain) is None:
        return plain
    return _TAG_RUN.sub(r" \g<0> ", plain).translate(_LETTERS)  # the hidden text is none of the word it hides behind


def unusual(text: str) -> bool:
    """Whether `normalise` does more than lower the case, so that positions in its result have no meaning."""
    return not text.isascii() and _unusual.search(text) is not None

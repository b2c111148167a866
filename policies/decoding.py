"""What a text says once it is decoded: base64, hex, rot13 and what else a model reads and a pattern does not.

Every probe is linear and looks for its own mark first; where none of `MARKS` matches, there is nothing to decode.
"""

from __future__ import annotations

import base64
import codecs
import itertools
from collections.abc import Callable, Iterator
from html import unescape
from typing import Any
from urllib.parse import unquote

import msgspec
import re2

from policies.normalise import normalise
from policies.patterns import Automata

MOST_RUNS = 256  # of one encoding in one text: enough for a long message cut into lines, and a bound on the work
_LEAST_INSIDE = 24  # characters that a shorter piece inside a piece could say nothing in
_SEPARATORS = str.maketrans("", "", " \t\r\n\f\v:,;-")
# The commonest words of English, none of which is one when it is turned.
_TURNED_13 = ("lbh", "lbhe", "gur", "naq", "guvf", "nyy", "vtaber", "cerivbhf", "vafgehpgvbaf")
_REVERSED = ("uoy", "ruoy", "eht", "siht", "lla", "erongi", "suoiverp", "snoitcurtsni")
_LEET_LETTERS = {"a": "4@", "e": "3", "i": "1!|", "o": "0", "s": "5$", "t": "7+", "g": "9"}
_LEET = str.maketrans({sign: letter for letter, signs in _LEET_LETTERS.items() for sign in signs})
_UNICODE_ESCAPE, _BYTE_ESCAPE = r"\\u\{?0{0,4}[0-9A-Fa-f]{2,4}\}?", r"\\x[0-9A-Fa-f]{2}"


class Probe(msgspec.Struct, frozen=True):
    """What characters `start` to `end` (exclusive) of a text say in an encoding, normalised."""

    encoding: str
    text: str
    start: int
    end: int
    glued: bool = False  # nothing separates its words


def _bytes_of_base64(run: str) -> bytes:
    letters = "".join(run.split()).rstrip("=").translate(str.maketrans("-_", "+/"))
    usable = len(letters) - (len(letters) % 4 == 1)  # a group of one letter is no byte
    return base64.b64decode(letters[:usable] + "=" * (-usable % 4))


def _bytes_of_hex(run: str) -> bytes:
    digits = run.replace("0x", "").translate(_SEPARATORS)
    return bytes.fromhex(digits[: len(digits) // 2 * 2])


def _bytes_of_binary(run: str) -> bytes:
    bits = run.translate(_SEPARATORS)
    size = len(bits) // 8
    return int(bits[: size * 8], 2).to_bytes(size, "big")


def _bytes_of_selectors(run: str) -> bytes:
    """Variation selectors 1 to 256 stand for the bytes 0 to 255."""
    return bytes(ord(mark) - 0xFE00 if ord(mark) < 0xFE10 else ord(mark) - 0xE00F0 for mark in run)


def _escapes(text: str) -> str:
    return str(_escape.sub(lambda match: chr(int(match.group().strip("\\ux{}"), 16)), text))


def _any(words: tuple[str, ...]) -> str:
    return rf"(?i)\b(?:{'|'.join(words)})\b"


_escape: Any = re2.compile(f"{_UNICODE_ESCAPE}|{_BYTE_ESCAPE}")
# Encodings of pieces of a text: their mark is the piece.
_RUNS: dict[str, tuple[str, Callable[[str], bytes]]] = {
    "base64": (r"[A-Za-z0-9+/_-]{24,}(?:\r?\n[A-Za-z0-9+/_-]{4,})*", _bytes_of_base64),
    "hex": (r"(?:(?:0x)?[0-9A-Fa-f]{2}[\s:,;-]{0,2}){12,}", _bytes_of_hex),
    "binary": (r"(?:[01]{8}[\s,]{0,2}){10,}", _bytes_of_binary),
    "selectors": (r"[\x{FE00}-\x{FE0F}\x{E0100}-\x{E01EF}]{8,}", _bytes_of_selectors),
}
# Encodings of a whole text, with the mark that makes a look worthwhile.
_WHOLE: dict[str, tuple[str, Callable[[str], str]]] = {
    "percent": (r"%[0-9A-Fa-f]{2}", unquote),
    "entities": (r"&(?:#[0-9]{2,7}|#[xX][0-9A-Fa-f]{2,6}|lt|gt)\b", unescape),
    "escapes": (f"(?:{_UNICODE_ESCAPE}|{_BYTE_ESCAPE}){{3}}", _escapes),
    "rot13": (_any(_TURNED_13), lambda text: codecs.encode(text, "rot13")),
    "reversed": (_any(_REVERSED), lambda text: text[::-1]),
    # Two words with digits in them: one may be a product, or a key.
    "leet": (r"(?is)[a-z][013457$]{1,2}[a-z]\S*\s.*[a-z][013457$]{1,2}[a-z]", lambda text: text.translate(_LEET)),
}
_GLUED_WORDS = r"(?i:(?:ignore|disregard|forget)(?:all|the|any|every|your|my|previous|prior|above))"
_SPACED = r"(?i)(?:[a-z][ *._|~\n-]{1,3}){9,}"
# Writings without word boundaries, in normalised text.
_GLUED: dict[str, str] = {
    "spaced": rf"{_SPACED}[a-z]?",
    # Longer than English words are, or what nobody writes without a blank.
    "glued": rf"(?i)[a-z]{{20,}}|{_GLUED_WORDS}[a-z]*",
}
# What every match of a mark holds, where the mark itself is dear: repeated groups multiply the states of an automaton.
_HINTS = {
    "hex": r"[0-9A-Fa-fx\s:,;-]{24,}",
    "binary": r"[01]{7}[01\s,]",
    "selectors": r"[\x{FE00}-\x{FE0F}\x{E0100}-\x{E01EF}]{4}",
}
_patterns: dict[str, Any] = {
    name: re2.compile(mark) for name, mark in ({name: mark for name, (mark, _) in _RUNS.items()} | _GLUED).items()
}
# What tells that any of them may be there: what they have in common is looked for once.
MARKS = (
    r"[A-Za-z0-9+/_-]{24,}",
    r"(?i)[a-z]{20,}",
    _HINTS["hex"],
    *(_HINTS.get(name, mark) for name, (mark, _) in (_RUNS | _WHOLE).items() if name not in {"base64", "hex"}),
    _SPACED,
    _GLUED_WORDS,
)


class _Marks:
    """Which of some encodings may have left their mark in a text."""

    def __init__(self, marks: dict[str, str]) -> None:
        self._names = tuple(marks)
        self._automata = Automata(tuple(marks.values()))

    def present(self, text: str) -> list[str]:
        """Their names, in order."""
        return [self._names[number] for number in self._automata.matching(text.encode())]


_marks = _Marks({name: _HINTS.get(name, mark) for name, (mark, _) in (_RUNS | _WHOLE).items()})
_glued_marks = _Marks(_GLUED)


def probes(text: str, plain: str, *, depth: int = 2) -> Iterator[Probe]:
    """Everything that `text` may say; `plain` is it normalised, `depth` how often a piece may hold another one."""
    for name in _marks.present(text):
        decoded = _decoded(name, text)
        if decoded is None:
            continue
        start, end, said = decoded
        if not said:
            continue
        view = normalise(said)
        yield Probe(name, view, start, end)
        if depth > 1 and name in _RUNS and len(said) >= _LEAST_INSIDE:
            for inner in probes(said, view, depth=depth - 1):
                yield Probe(name, inner.text, start, end, inner.glued)
    for name in _glued_marks.present(plain):
        found = _runs(name, plain)
        if not found:
            continue
        letters = "\n".join("".join(filter(str.isalnum, run)) for run, _, _ in found)
        exact = len(plain) == len(text)
        yield Probe(name, letters, found[0][1] if exact else 0, found[-1][2] if exact else len(text), glued=True)


def _is_text(said: str) -> bool:
    """Whether a piece that was decoded says anything; keys and checksums do not."""
    return said.count("\ufffd") * 4 <= len(said)


def _decoded(name: str, text: str) -> tuple[int, int, str] | None:
    """Start, end and meaning of one encoding; its runs are put together, so that a cut message is whole again.

    None: the mark was only a hint.
    """
    if name in _WHOLE:
        return 0, len(text), _WHOLE[name][1](text)
    found = _runs(name, text)
    if not found:
        return None
    texts = [_RUNS[name][1](run).decode("utf-8", "replace") for run, _, _ in found]
    return found[0][1], found[-1][2], "\n".join(filter(_is_text, texts))


def _runs(name: str, text: str) -> list[tuple[str, int, int]]:
    if text.isascii():  # then its bytes are its characters, and RE2, which reads bytes, need not count them
        found = itertools.islice(_patterns[name].finditer(text.encode()), MOST_RUNS)
        return [(text[match.start() : match.end()], match.start(), match.end()) for match in found]
    found = itertools.islice(_patterns[name].finditer(text), MOST_RUNS)
    return [(match.group(), match.start(), match.end()) for match in found]

"""Texts keep to the scripts of the task and hide nothing.  Tells scripts apart, not the languages that share one."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import msgspec
import re2

from domain.errors import ConfigError
from domain.records import Decision, Span, Verdict

if TYPE_CHECKING:
    from domain.ports import Check, Subject

SCRIPT, JOINER, SELECTOR, TAG = "script", "joiner", "selector", "tag"

# Classes of characters in RE2's notation.  Blocks kept for emoji are not unassigned: there are new ones every year.
_HIDDEN = {
    "control": r"[\x00-\x08\x0B\x0C\x0E-\x1F\x7F-\x{9F}]",
    "bidi": r"[\x{202A}-\x{202E}\x{2066}-\x{2069}]",
    "zero_width": (
        r"[\x{AD}\x{34F}\x{115F}\x{1160}\x{17B4}\x{17B5}\x{180B}-\x{180F}\x{200B}\x{2060}-\x{2065}"
        r"\x{206A}-\x{206F}\x{3164}\x{FEFF}\x{FFA0}\x{FFF9}-\x{FFFB}]"
    ),
    "private_use": r"\p{Co}",
    "unassigned": r"[^\p{L}\p{M}\p{N}\p{P}\p{S}\p{Z}\p{C}\x{2065}\x{1F000}-\x{1FBFF}\x{E0000}-\x{E007F}]",
    JOINER: r"[\x{200C}-\x{200F}\x{61C}]",
    SELECTOR: r"[\x{FE00}-\x{FE0F}\x{E0100}-\x{E01EF}]",
    TAG: r"[\x{E0000}-\x{E007F}]",
}
# Joiners and direction marks are part of how Arabic, Persian, Hebrew and the scripts of India are written, and of
# emoji; within a word of these scripts, or in rows, they only hide something.  A variant has one selector.
_PLAIN = r"[0-9\p{Latin}\p{Greek}\p{Cyrillic}]"
_ROWS = {JOINER: 4, SELECTOR: 2}
_NEEDED = frozenset({*_ROWS, TAG})
_FLAG, _FLAG_END, _FLAG_TAGS = "\U0001f3f4", "\U000e007f", range(4, 8)  # the flags of England, Scotland, Wales


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The Unicode scripts that letters may be of, by name; none: any.  Digits, signs and emoji belong to no script.

    `max_share`: of the letters of a text, how many may be of other scripts, in [0, 1).
    """

    scripts: tuple[str, ...] = ()
    max_share: float = 0.0
    allow_invisible: bool = False  # control, bidi, zero-width, tag, private-use and unassigned characters

    def __post_init__(self) -> None:
        if not 0 <= self.max_share < 1:
            raise ConfigError("max_share", f"{self.max_share} must be at least 0 and less than 1")
        if self.max_share > 0 and not self.scripts:
            raise ConfigError("max_share", "it counts letters outside of scripts; give scripts")
        if self.allow_invisible and not self.scripts:
            raise ConfigError("allow_invisible", "there is nothing left to look for; give scripts, or leave it out")
        for script in self.scripts:
            _class(script)


class CharsetCheck:
    """Reasons: `script`, and what is hidden: `control`, `bidi`, `zero_width`, `joiner`, `selector`, `tag`,
    `private_use`, `unassigned`.

    `all_spans` locates everything, which a redaction needs; without it one finding is enough.
    """

    name = "charset"

    def __init__(self, options: Options, *, all_spans: bool = True) -> None:
        self._all_spans = all_spans
        self._max_share = options.max_share
        # What hides something comes last, and so names the letters that show nothing.
        classes = _outside(options.scripts) | ({} if options.allow_invisible else _HIDDEN)
        self._classes: dict[str, Any] = {kind: re2.compile(f"(?:{each})+") for kind, each in classes.items()}
        self.triggers: tuple[str, ...] = tuple(_trigger(kind, each) for kind, each in classes.items())
        # A run that grows begins in a match of its trigger, which must have seen a row of it.  A share is only known of
        # the whole.
        self.window: int | None = None if options.max_share else max(_ROWS.values())

    def inspect(self, subject: Subject) -> Decision | None:
        """See `domain.ports.Check`."""
        found = itertools.chain.from_iterable(itertools.starmap(self._found, enumerate(subject.texts)))
        spans = tuple(found if self._all_spans else itertools.islice(found, 1))
        return Decision(self.name, Verdict.FALLBACK, spans[0].kind, spans) if spans else None

    def _found(self, number: int, text: str) -> Iterator[Span]:
        kinds = self._kinds(text)
        if SCRIPT in kinds.values() and self._max_share and not self._exceeds(text, kinds):
            kinds = {letter: kind for letter, kind in kinds.items() if kind != SCRIPT}
        for kind, start, end in _runs(text, kinds):
            begin = _hidden_from(kind, text, start, end) if kind in _NEEDED else start
            if begin < end:
                yield Span(number, begin, end, kind)

    def _kinds(self, text: str) -> dict[str, str]:
        """The kinds of the characters that have one.

        Each character is looked at once however often it occurs: RE2 takes 3 us to locate one.
        """
        letters = "".join(sorted(set(text)))
        return {letter: kind for kind, each in self._classes.items() for run in each.findall(letters) for letter in run}

    def _exceeds(self, text: str, kinds: Mapping[str, str]) -> bool:
        outside = sum(kinds.get(letter) == SCRIPT for letter in text)
        return outside > self._max_share * sum(map(str.isalpha, text))


def _runs(text: str, kinds: Mapping[str, str]) -> Iterator[tuple[str, int, int]]:
    """Neighbouring characters of one kind together, in order."""
    start = 0
    current = None
    for place, kind in enumerate(map(kinds.get, text)):
        if kind is not current:
            if current is not None:
                yield current, start, place
            start, current = place, kind
    if current is not None:
        yield current, start, len(text)


_plain: Any = re2.compile(_PLAIN)


@functools.lru_cache(maxsize=4096)  # RE2 takes a microsecond, and a text may alternate letters and joiners
def _is_plain(letter: str) -> bool:
    return _plain.match(letter) is not None


def _hidden_from(kind: str, text: str, start: int, end: int) -> int:
    """Where in a run of what writing may need that begins which it does not; `end`: nowhere."""
    if kind == TAG:
        return start + _flag(text, start, end)
    if end - start >= _ROWS[kind]:
        return start
    inside = kind == JOINER and start > 0 and end < len(text)
    return start if inside and _is_plain(text[start - 1]) and _is_plain(text[end]) else end


def _flag(text: str, start: int, end: int) -> int:
    """How many of the tags that stand there belong to an emoji flag; 0: it is none."""
    if start == 0 or text[start - 1] != _FLAG:
        return 0
    size = text.find(_FLAG_END, start, end) + 1 - start
    return size if size in _FLAG_TAGS else 0


def _outside(scripts: tuple[str, ...]) -> dict[str, str]:
    """The class of the letters of all other scripts."""
    known = "".join(map(_class, scripts))
    return {SCRIPT: rf"[^\P{{L}}{known}\p{{Common}}\p{{Inherited}}]"} if scripts else {}


def _trigger(kind: str, each: str) -> str:
    if kind in _ROWS:
        row = f"(?:{each}){{{_ROWS[kind]},}}"
        return f"{_PLAIN}{each}+|{row}" if kind == JOINER else row
    return f"(?:{each})+"


def _class(script: str) -> str:
    """The letters of a script in RE2's notation."""
    options = re2.Options()
    options.log_errors = False
    for name in (script, "_".join(part.capitalize() for part in script.split("_"))):
        known = rf"\p{{{name}}}"
        # One or two letters are general categories, but for one script.
        if name.replace("_", "").isalpha() and (len(name) > 2 or name == "Yi") and name != "Any":
            try:
                re2.compile(known, options)
            except re2.error:
                continue
            return known
    raise ConfigError("scripts", f"unknown script {script!r}; use Unicode script names such as latin, cyrillic, han")


if TYPE_CHECKING:
    _: Check = CharsetCheck(Options())

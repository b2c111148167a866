"""Takes the spans of redact decisions out of texts: once, on the original text, whatever overlaps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from domain.records import Decision, Span, Verdict

_JOINING = frozenset("([:")


class Mark(NamedTuple):
    """Characters `start` to `end` (exclusive) of a text, and what stands in their place."""

    start: int
    end: int
    instead: str
    name: str  # what stands there when another finding overlaps: a text of a check's own knows nothing of that


def redact(texts: tuple[str, ...], decisions: Sequence[Decision]) -> tuple[str, ...]:
    """The texts with every span of a redact decision replaced by its kind, such as `[email]`, or by its own text.

    Overlapping spans become one, named by the first.  A redact decision that cannot say where its finding lies takes
    all texts whole: what nobody can point at must not pass.
    """
    chosen = [decision for decision in decisions if decision.verdict is Verdict.REDACT and not decision.shadow]
    if not chosen:
        return texts
    return tuple(cut(text, found) if found else text for text, found in zip(texts, marks(texts, chosen), strict=True))


def marks(texts: Sequence[str], decisions: Sequence[Decision]) -> list[list[Mark]]:
    """What is to be cut out of each text because of these decisions, in order and without overlaps."""
    found: list[list[Mark]] = [[] for _ in texts]
    for decision in decisions:
        for span in decision.spans or _everything(texts):
            name = f"[{span.kind or decision.check}]"
            instead = name if span.instead is None else span.instead
            found[span.text].append(Mark(span.start, span.end, instead, name))
    return [[_apart(mark, text) for mark in _merged(each)] for text, each in zip(texts, found, strict=True)]


def cut(text: str, marks: Sequence[Mark], start: int = 0, end: int | None = None) -> str:
    """Characters `start` to `end` of a text without what is marked, which is replaced where it begins.

    The pieces of a text that were cut apart are, put together, the text that was cut as a whole.
    """
    end = len(text) if end is None else end
    pieces: list[str] = []
    position = start
    for mark in marks:
        if mark.end <= start or mark.start >= end:
            continue
        if mark.start >= start:
            pieces += [text[position : mark.start], mark.instead]
        position = max(position, mark.end)
    return "".join([*pieces, text[position:end]])


def _everything(texts: Sequence[str]) -> tuple[Span, ...]:
    return tuple(Span(number, 0, len(text)) for number, text in enumerate(texts))


def _apart(mark: Mark, text: str) -> Mark:
    """A blank after a replacement where what follows would make a link of it: `[email](//…`, `[email]: //…`."""
    if mark.instead and text[mark.end : mark.end + 1] in _JOINING:
        return mark._replace(instead=mark.instead + " ")
    return mark


def _merged(marks: list[Mark]) -> list[Mark]:
    merged: list[Mark] = []
    for mark in sorted(marks, key=lambda mark: (mark.start, -mark.end)):
        if merged and mark.start < merged[-1].end:
            first = merged[-1]
            merged[-1] = first._replace(end=max(mark.end, first.end), instead=first.name)
        else:
            merged.append(mark)
    return merged

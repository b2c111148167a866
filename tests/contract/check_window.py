"""What a check with a window promises of an answer that is not whole yet (see `domain.ports.Check`)."""

from __future__ import annotations

from collections.abc import Callable

import re2

from domain.ports import Check, Subject
from domain.records import Decision, Stage


def answer(text: str) -> Subject:
    """An answer to nothing in particular."""
    return Subject(Stage.OUTPUT, (text,), (0,))


def keeps_its_window(check: Check, whole: str, cut: int, subject: Callable[[str], Subject] = answer) -> None:
    """What is found in the first `cut` characters of a text and in all of it differs only where it may."""
    assert check.window is not None
    beginning = whole[:cut]
    edge = len(beginning) - check.window
    early, late = _spans(check.inspect(subject(beginning))), _spans(check.inspect(subject(whole)))
    gone = {span for span in early if span[1] < edge} - late
    assert not gone, f"{gone} was final at {cut} of {whole!r}"
    growing = [
        match.span()
        for trigger in check.triggers
        for match in re2.compile(trigger).finditer(beginning)
        if match.end() >= edge
    ]
    growing += [(start, end) for start, end, _ in early if end >= edge]  # held back, because it is not decided yet
    for start, end, kind in late - early:
        in_growing = any(first <= start <= last for first, last in growing)
        assert start >= edge or in_growing, f"{kind} {start}-{end} was free at {cut} of {whole!r}"


def _spans(decision: Decision | None) -> set[tuple[int, int, str]]:
    return set() if decision is None else {(span.start, span.end, span.kind) for span in decision.spans}

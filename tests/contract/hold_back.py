"""What leaves of an answer that streams, computed the plain way: for the tests that compare it with the whole."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence

import msgspec

from domain.ports import Subject
from domain.records import Stage, Verdict
from policies.engine import PolicyEngine
from policies.redaction import cut, marks
from policies.streaming import HoldBack

STOPPING = {Verdict.BLOCK, Verdict.FALLBACK}


class Left(msgspec.Struct):
    """What a client has of one text, of how many characters of the model's text that is made, and the last verdict."""

    text: str
    chars: int
    verdict: Verdict


def stream(
    engine: PolicyEngine, text: str, places: Iterable[int], *, input_text: str = "", instructions: str = ""
) -> Left:
    """Let a text come in the pieces that end at `places`, each looked at, and leave as far as it may."""
    hold, subject = HoldBack(engine), functools.partial(_subject, input_text=input_text, instructions=instructions)
    sent, left = "", 0
    for end in sorted(places):
        view = hold.look(subject(text[:end]))
        if view.stopped:
            return Left(sent, left, engine.judge(subject(text[:end])).verdict)
        if view.free[0] > left:
            sent += cut(text, view.marks[0], left, view.free[0])
            left = view.free[0]
    judged = engine.judge(subject(text))
    if judged.verdict in STOPPING:
        return Left(sent, left, judged.verdict)
    redactions = [each for each in judged.decisions if each.verdict is Verdict.REDACT and not each.shadow]
    return Left(sent + cut(text, marks((text,), redactions)[0], left), len(text), judged.verdict)


def holds(
    engine: PolicyEngine, text: str, places: Iterable[int], *, input_text: str = "", instructions: str = ""
) -> None:
    """What left of a stream is what may leave of the whole answer, and the verdict is that of the whole answer."""
    subject = functools.partial(_subject, input_text=input_text, instructions=instructions)
    whole = engine.judge(subject(text))
    left = stream(engine, text, places, input_text=input_text, instructions=instructions)
    assert left.verdict is whole.verdict, (left, whole)
    if whole.verdict not in STOPPING:
        assert left.text == whole.texts[0], (left, whole)
        return
    found = engine.findings(subject(text))
    stopping = [span.start for each in found if each.verdict in STOPPING for span in each.spans]
    assert left.chars <= min(stopping, default=len(text)), (left, found)
    redactions = [each for each in found if each.verdict is Verdict.REDACT]
    assert left.text == cut(text, marks((text,), redactions)[0], 0, left.chars), (left, found)


def stream_all(engine: PolicyEngine, texts: Sequence[str], turns: Iterable[tuple[int, int]]) -> list[Left]:
    """Let several texts come together: each turn brings one of them so many characters more.

    A text is closed with the turn that brings its last characters; those that no turn brings come with the end.
    """
    hold, come, closed = HoldBack(engine), [0] * len(texts), set[int]()
    sent, left = [""] * len(texts), [0] * len(texts)
    for number, chars in turns:
        come[number] = min(come[number] + chars, len(texts[number]))
        if come[number] == len(texts[number]):
            closed.add(number)
        seen = tuple(text[:end] for text, end in zip(texts, come, strict=True))
        view = hold.look(_several(seen), closed)
        if view.stopped:
            return [*map(Left, sent, left, [engine.judge(_several(seen)).verdict] * len(texts))]
        for each, free in enumerate(view.free):
            assert free == len(seen[each]) or each not in closed, (free, seen)
            sent[each] += cut(seen[each], view.marks[each], left[each], max(free, left[each]))
            left[each] = max(free, left[each])
    judged = engine.judge(_several(texts))
    if judged.verdict not in STOPPING:
        redactions = [each for each in judged.decisions if each.verdict is Verdict.REDACT and not each.shadow]
        for each, found in enumerate(marks(texts, redactions)):
            sent[each] += cut(texts[each], found, left[each])
            left[each] = len(texts[each])
    return [*map(Left, sent, left, [judged.verdict] * len(texts))]


def holds_all(engine: PolicyEngine, texts: Sequence[str], turns: Iterable[tuple[int, int]]) -> None:
    """Each of several texts leaves as the whole answer lets it leave."""
    whole, found = engine.judge(_several(texts)), engine.findings(_several(texts))
    stopping = [span for each in found if each.verdict in STOPPING for span in each.spans]
    cuts = marks(texts, [each for each in found if each.verdict is Verdict.REDACT])
    for number, left in enumerate(stream_all(engine, texts, turns)):
        assert left.verdict is whole.verdict, (left, whole)
        first = min((span.start for span in stopping if span.text == number), default=len(texts[number]))
        assert left.chars <= first, (left, found)
        assert left.text == cut(texts[number], cuts[number], 0, left.chars), (left, found)
        assert whole.verdict in STOPPING or left.chars == len(texts[number]), (left, whole)


def _subject(text: str, *, input_text: str, instructions: str) -> Subject:
    return Subject(Stage.OUTPUT, (text,), (0,), input_text, instructions)


def _several(texts: Sequence[str]) -> Subject:
    return Subject(Stage.OUTPUT, tuple(texts), tuple(range(len(texts))))

"""Takes the spans of redact decisions out of texts: once, on the original text, whatever overlaps."""

from __future__ import annotations

from collections.abc import Sequence

from domain.records import Decision, Span, Verdict

Mark = tuple[int, int, str]  # start, end, name


def redact(texts: tuple[str, ...], decisions: Sequence[Decision]) -> tuple[str, ...]:
    """The texts with every span of a redact decision replaced by its kind, such as `[email]`.

    Overlapping spans become one, named by the first.  A redact decision that cannot say where its finding lies takes
    all texts whole: what nobody can point at must not pass.
    """
    chosen = [decision for decision in decisions if decision.verdict is Verdict.REDACT]
    if not chosen:
        return texts
    marks: list[list[Mark]] = [[] for _ in texts]
    for decision in chosen:
        for span in decision.spans or _everything(texts):
            marks[span.text].append((span.start, span.end, span.kind or decision.check))
    return tuple(_cut(text, found) if found else text for text, found in zip(texts, marks, strict=True))


def _everything(texts: tuple[str, ...]) -> tuple[Span, ...]:
    return tuple(Span(number, 0, len(text)) for number, text in enumerate(texts))


def _cut(text: str, marks: list[Mark]) -> str:
    pieces: list[str] = []
    position = 0
    for start, end, name in sorted(marks, key=lambda mark: (mark[0], -mark[1])):
        if start >= position:
            pieces += [text[position:start], f"[{name}]"]
        position = max(position, end)
    return "".join([*pieces, text[position:]])

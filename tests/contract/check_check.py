"""What every `domain.ports.Check` must keep to, whatever it looks for."""

from __future__ import annotations

import re2

from domain.ports import Check, Subject
from domain.records import Stage

LONGEST_REASON = 40


def subjects(text: str, other: str) -> tuple[Subject, ...]:
    """The same texts as an input, as an answer, and as an answer to something that shares a text with it."""
    return (
        Subject(Stage.INPUT, (other, text), (), text),
        Subject(Stage.OUTPUT, (text,), (0,), other),
        Subject(Stage.OUTPUT, (text, other), (0, 1), other),
        Subject(Stage.OUTPUT, (), (), text),
    )


def holds_for(check: Check, subject: Subject) -> None:
    """One inspection keeps to the port: bounded reason, spans inside the texts, the same answer twice."""
    decision = check.inspect(subject)
    assert decision == check.inspect(subject), "a check is pure"
    if decision is None:
        return
    if check.triggers:
        seen = "\0".join(subject.texts)
        assert any(re2.search(trigger, seen) for trigger in check.triggers), "a trigger announces every finding"
    assert decision.check == check.name
    assert is_code(decision.reason), f"{decision.reason!r} is no code"
    for span in decision.spans:
        assert 0 <= span.text < len(subject.texts)
        assert 0 <= span.start <= span.end <= len(subject.texts[span.text])
        assert span.kind == "" or is_code(span.kind)


def is_code(reason: str) -> bool:
    """A lower-case identifier of bounded length: what a metric label may be, and user text is not."""
    return reason.isidentifier() and reason.isascii() and reason == reason.lower() and len(reason) <= LONGEST_REASON

"""How much of an answer may leave while a model still writes it, so that nothing leaves that the whole would not let.

The last `window` characters of every text wait, and before them whatever a check may still find: a finding that could
yet become another one, and a match of a check's trigger that may still grow (see `domain.ports.Check.window`).  What
ends before them is as final as it is in the whole answer.  A text that is complete has nothing to wait for.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
import re2

from domain.records import Decision, Span, Stage, Verdict
from policies.redaction import Mark, marks

if TYPE_CHECKING:
    from domain.ports import Subject
    from policies.engine import PolicyEngine

_LEAST_STEP, _MOST_STEP = 64, 1024  # characters between two looks
_GROWTH = 16  # a look reads everything again: in steps that grow with the text, all looks together read it 16 times


class View(msgspec.Struct, frozen=True):
    """What may leave of the texts of an answer that is not whole yet."""

    free: tuple[int, ...]  # of each text, the number of characters
    marks: Sequence[Sequence[Mark]]  # of each text, what is cut out of these characters
    stopped: bool  # no more may leave, whatever comes


class HoldBack:
    """Looks at the answers of one task while they grow.  Without state: one serves every stream."""

    def __init__(self, engine: PolicyEngine) -> None:
        assert engine.window is not None
        self._engine = engine
        self._window = engine.window
        self._idle = not engine.enforces(Stage.OUTPUT)
        self._triggers = _Triggers(engine.triggers(Stage.OUTPUT))

    def next_look(self, chars: int, *, closed: bool = False) -> int:
        """The size of an answer at which it is worth to look again, after a look at one of `chars` characters.

        `closed`: a text has been completed since.  It leaves without a window, so the next look need not fill one.
        """
        if self._idle:
            return 0
        step = min(_MOST_STEP, chars // _GROWTH)
        return chars + step if closed else max(self._window, chars) + max(_LEAST_STEP, step)

    def look(self, subject: Subject, closed: Collection[int] = ()) -> View:
        """What may leave of an answer's beginning; `subject` has all that has come of every text.

        `closed` has the numbers of the texts to which nothing will be added.  In them every finding with a place is
        decided: one that blocks stops the answer at once, and otherwise they leave whole, cut as they are cut in the
        whole answer.  Only a finding without a place, which is about all texts, still keeps them back.
        """
        if self._idle:
            return View(tuple(map(len, subject.texts)), [()] * len(subject.texts), stopped=False)
        ends = [
            len(text) + 1 if number in closed else len(text) - self._window for number, text in enumerate(subject.texts)
        ]
        free = [
            len(text) if end > len(text) else max(0, min(end, self._triggers.reaching(text, end)))
            for text, end in zip(subject.texts, ends, strict=True)
        ]
        redactions = []
        stopped = False
        for decision in self._engine.findings(subject):
            if decision.verdict is Verdict.REDACT:
                redactions.append(decision)
            elif decision.verdict in {Verdict.BLOCK, Verdict.FALLBACK}:
                stopped = stopped or not decision.spans or any(_decided(span, ends) for span in decision.spans)
            else:
                continue
            for number, start in _undecided(decision, ends):
                free[number] = min(free[number], start)
        return View(tuple(free), marks(subject.texts, redactions), stopped)


class _Triggers:
    """Where matches stand that may still grow.  One set tells cheaply that there are none."""

    def __init__(self, patterns: Sequence[str]) -> None:
        self._set: Any = re2.Set.SearchSet()
        for pattern in patterns:
            self._set.Add(pattern)
        if patterns:
            self._set.Compile()
        self._patterns = [re2.compile(pattern) for pattern in patterns]

    def reaching(self, text: str, end: int) -> int:
        """Where the first match begins that ends after `end`; the length of the text when there is none."""
        if not self._patterns:
            return len(text)
        return min(
            (
                match.start()
                for number in self._set.Match(text) or ()
                for match in self._patterns[number].finditer(text)
                if match.end() >= end
            ),
            default=len(text),
        )


def _decided(span: Span, ends: Sequence[int]) -> bool:
    return span.end < ends[span.text]


def _undecided(decision: Decision, ends: Sequence[int]) -> list[tuple[int, int]]:
    """The text and the place from where on nothing may leave because of a decision that may change yet."""
    if not decision.spans:
        return [(number, 0) for number in range(len(ends))]
    return [(span.text, span.start) for span in decision.spans if not _decided(span, ends)]

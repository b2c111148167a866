"""One look at all texts decides which checks have to look more closely: most traffic needs none of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import re2

if TYPE_CHECKING:
    from domain.ports import Check, Subject

_BETWEEN = "\0"  # no word character, so a word boundary stays one; what a pattern finds across it costs a closer look
_NOTHING: frozenset[int] = frozenset()


class Prefilter:
    """The triggers of each check as one RE2 set: linear in the texts, and hardly dearer than one pattern.

    One set for all checks would save a microsecond or two a check, but a state of its automaton is what all triggers
    see at once: a text made to meet many of them would cost ten times as much.
    """

    def __init__(self, checks: Sequence[Check]) -> None:
        self._sets = [(number, _compiled(check.triggers)) for number, check in enumerate(checks) if check.triggers]

    def triggered(self, subject: Subject) -> frozenset[int]:
        """The numbers of the checks with triggers that may find something; the others would find nothing."""
        if not self._sets:
            return _NOTHING
        seen = _BETWEEN.join(subject.texts).encode()
        return frozenset([number for number, triggers in self._sets if triggers.Match(seen)])


def _compiled(triggers: Sequence[str]) -> Any:
    patterns = re2.Set.SearchSet()
    for trigger in triggers:
        patterns.Add(trigger)
    patterns.Compile()
    return patterns

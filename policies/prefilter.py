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
    """The triggers of all checks as one RE2 set: linear in the texts, and hardly dearer than one pattern."""

    def __init__(self, checks: Sequence[Check]) -> None:
        self._set: Any = re2.Set.SearchSet()
        self._owners: list[int] = []
        for number, check in enumerate(checks):
            for trigger in check.triggers:
                self._set.Add(trigger)
                self._owners.append(number)
        if self._owners:
            self._set.Compile()

    def triggered(self, subject: Subject) -> frozenset[int]:
        """The numbers of the checks with triggers that may find something; the others would find nothing."""
        if not self._owners:
            return _NOTHING
        hits = self._set.Match(_BETWEEN.join(subject.texts))
        return frozenset([self._owners[hit] for hit in hits]) if hits else _NOTHING

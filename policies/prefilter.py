"""One look at all texts decides which checks have to look more closely: most traffic needs none of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from policies.patterns import Automata

if TYPE_CHECKING:
    from domain.ports import Check, Subject

_BETWEEN = "\0"  # no word character, so a word boundary stays one; what a pattern finds across it costs a closer look
_NOTHING: frozenset[int] = frozenset()


class Prefilter:
    """The triggers of each check: linear in the texts, and hardly dearer than one pattern (see `Automata`)."""

    def __init__(self, checks: Sequence[Check]) -> None:
        self._triggers = [(number, Automata(check.triggers)) for number, check in enumerate(checks) if check.triggers]

    def triggered(self, subject: Subject) -> frozenset[int]:
        """The numbers of the checks with triggers that may find something; the others would find nothing."""
        if not self._triggers:
            return _NOTHING
        seen = _BETWEEN.join(subject.texts).encode()
        return frozenset([number for number, triggers in self._triggers if triggers.match(seen)])

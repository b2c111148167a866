"""One look at all texts decides which checks have to look more closely: most traffic needs none of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from policies.patterns import company, compiled, widened

if TYPE_CHECKING:
    from domain.ports import Check, Subject

_BETWEEN = "\0"  # no word character, so a word boundary stays one; what a pattern finds across it costs a closer look
_NOTHING: frozenset[int] = frozenset()
_SHORT_BYTES = 2048  # a text made to be dear takes an automaton of everything 200 us a kilobyte
_MANY = 50  # patterns of one check that are better apart from those of others


class Prefilter:
    """The triggers of the checks, widened: linear in the texts, and hardly dearer than one pattern.

    Short texts are read once.  Long ones are read several times, by automata that do not multiply each other's states
    (see `policies.patterns.Automata`): all together that costs more, and no text can make it cost much more.
    """

    def __init__(self, checks: Sequence[Check]) -> None:
        owned = [(number, widened(trigger)) for number, check in enumerate(checks) for trigger in check.triggers]
        groups: dict[str, list[tuple[int, str]]] = {}
        for number, trigger in owned:
            groups.setdefault(_group(number, trigger, len(checks[number].triggers)), []).append((number, trigger))
        self._short = _Owned(owned) if owned else None
        self._long = [_Owned(group) for group in groups.values()]

    def triggered(self, subject: Subject) -> frozenset[int]:
        """The numbers of the checks with triggers that may find something; the others would find nothing."""
        if self._short is None:
            return _NOTHING
        seen = _BETWEEN.join(subject.texts).encode()
        if len(seen) <= _SHORT_BYTES:
            return self._short.matching(seen)
        return _NOTHING.union(*[each.matching(seen) for each in self._long])


class _Owned:
    """Triggers in one automaton, and whose they are."""

    def __init__(self, owned: Sequence[tuple[int, str]]) -> None:
        self._owners = [number for number, _ in owned]
        self._set: Any = compiled(tuple(trigger for _, trigger in owned))

    def matching(self, encoded: bytes) -> frozenset[int]:
        """Whose triggers match."""
        hits = self._set.Match(encoded)
        return frozenset([self._owners[hit] for hit in hits]) if hits else _NOTHING


def _group(number: int, trigger: str, triggers: int) -> str:
    """The triggers that share an automaton over long texts: of all checks, or of one."""
    kind = company(trigger)
    return kind if kind == "runs" or (kind == "plain" and triggers <= _MANY) else f"{kind} {number}"

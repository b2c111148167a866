"""The pure comparers of `domain.comparers` (exact, label, json) behind the asynchronous seam."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitors.comparers.port import Judgement

if TYPE_CHECKING:
    from domain.comparers import Comparer
    from domain.records import Exchange
    from monitors.comparers.port import AnswerComparer


class PlainComparer:
    """What a pure function says; microseconds, so it runs where it is called."""

    def __init__(self, compare: Comparer) -> None:
        self._compare = compare

    async def compare(self, exchange: Exchange, student: str, teacher: str) -> Judgement:
        """See `AnswerComparer`."""
        found = self._compare(student, teacher)
        return Judgement(found.agreed, found.score)

    async def aclose(self) -> None:
        """See `AnswerComparer`."""


if TYPE_CHECKING:
    from domain.comparers import exact

    _: AnswerComparer = PlainComparer(exact)

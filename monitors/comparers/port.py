"""The seam between a pair of answers and how they are compared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec

if TYPE_CHECKING:
    from domain.records import Exchange


class Judgement(msgspec.Struct, frozen=True):
    """Whether two answers to one input count as the same, a grade in [0, 1], and what it cost to find out."""

    agreed: bool
    score: float
    cost_usd: float = 0.0
    reason: str = ""  # a code from a bounded set, never a text of a model; empty: the score says it all


class AnswerComparer(Protocol):
    """Holds a student's answer against the teacher's.  May wait for a thread or for another model."""

    async def compare(self, exchange: Exchange, student: str, teacher: str) -> Judgement:
        """The two answers to the input of an exchange, compared.

        Raises:
            UpstreamError: a model was needed and gave no verdict; nothing is known of the pair.
        """
        ...

    async def aclose(self) -> None:
        """Close connections; nothing to do for most."""
        ...

"""Asks the teacher again about an input it has answered, and holds the second answer against the first."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import msgspec

from domain.errors import UpstreamError
from domain.follow_up import Recheck, RecheckKind

if TYPE_CHECKING:
    from domain.prices import Price
    from domain.records import Exchange
    from monitors.comparers.port import AnswerComparer
    from monitors.teacher import Teacher

_LOG = logging.getLogger(__name__)


class Rechecker:
    """The teacher of one task, its price, and the comparer of the task's answers."""

    def __init__(self, task: str, model: str, *, teacher: Teacher, price: Price, comparer: AnswerComparer) -> None:
        """`model`: the teacher's name, which its answers are kept under."""
        self.model = model
        self._task = task
        self._teacher = teacher
        self._price = price
        self._comparer = comparer

    async def ask(
        self,
        exchange: Exchange,
        first: str | None,
        *,
        kind: RecheckKind,
        recheck_id: str,
        at: float,
        probability: float = 1.0,
    ) -> Recheck | None:
        """The teacher's answer with what it cost; None when there was none.

        Without a `first` answer, or when a model that compares gave no verdict, it is not compared.  The key is the
        exchange's id.
        """
        try:
            reply = await self._teacher.ask(exchange.request, endpoint=exchange.endpoint)
        except UpstreamError as error:
            _LOG.warning("not_answered_again task=%s kind=%s error=%s", self._task, kind, error)
            return None
        answer = Recheck(
            id=recheck_id,
            task=self._task,
            kind=kind,
            key=exchange.id,
            at=at,
            teacher=self.model,
            answer=reply.text,
            cost_usd=self._price.cost_usd(reply.usage),
            probability=probability,
        )
        return answer if first is None else await self._compared(answer, exchange, first)

    async def _compared(self, answer: Recheck, exchange: Exchange, first: str) -> Recheck:
        try:
            found = await self._comparer.compare(exchange, answer.answer, first)
        except UpstreamError as error:
            _LOG.warning("not_compared task=%s kind=%s error=%s", self._task, answer.kind, error)
            return answer
        return msgspec.structs.replace(
            answer, agreed=found.agreed, score=found.score, cost_usd=answer.cost_usd + found.cost_usd
        )

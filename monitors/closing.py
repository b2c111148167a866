"""Ends shadow samples: asks the teacher, compares, judges.  Every sample gets exactly one end."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from domain.durations import seconds
from domain.errors import UpstreamError
from domain.records import Exchange, Pair, PairState
from monitors import parity
from monitors.self_agreement import wanted

if TYPE_CHECKING:
    from domain.clock import Clock
    from domain.follow_up import Recheck
    from domain.prices import Price
    from domain.settings import TaskSettings
    from domain.store import PendingPair
    from monitors.answers import Reply
    from monitors.budget import Budget
    from monitors.comparers.port import AnswerComparer
    from monitors.safety import Safety
    from monitors.self_agreement import SelfCheck
    from monitors.teacher import Teacher

_LOG = logging.getLogger(__name__)


class Closed(msgspec.Struct, frozen=True):
    """A sample that has ended, with the teacher's second answer where it was asked for one."""

    exchange: Exchange
    pair: Pair
    recheck: Recheck | None = None

    @property
    def cost_usd(self) -> float:
        """What it cost in all."""
        return self.pair.cost_usd + (0.0 if self.recheck is None else self.recheck.cost_usd)


class Closing:
    """Closes the samples of one task; only a healthy one, in time and within the budget, costs a teacher call."""

    def __init__(
        self,
        name: str,
        task: TaskSettings,
        *,
        teacher: Teacher,
        price: Price,
        comparer: AnswerComparer,
        safety: Safety,
        budget: Budget,
        selfcheck: SelfCheck,
        clock: Clock,
    ) -> None:
        self._name = name
        self._expire_s = seconds(task.shadow.expire)
        self._selfcheck_rate = task.shadow.selfcheck_rate
        self._teacher = teacher
        self._price = price
        self._comparer = comparer
        self._safety = safety
        self._budget = budget
        self._selfcheck = selfcheck
        self._clock = clock

    async def close(self, sample: PendingPair, *, serves: Callable[[str], bool], at: float) -> Closed:
        """The sample with its end; `serves` says whether a student still answers clients."""
        pair, exchange = sample.pair, sample.exchange
        if not serves(pair.model) or at - exchange.at > self._expire_s:
            return self._ended(exchange, pair, PairState.EXPIRED)
        async with self._budget.call(exchange.request) as call:
            if call is None:
                return self._ended(exchange, pair, PairState.SKIPPED_BUDGET)
            if parity.only_student(pair) is not None:  # told on path; there are no words of the student to compare
                return self._ended(exchange, pair, PairState.STUDENT_ERROR)
            try:
                reply = await self._teacher.ask(exchange.request, endpoint=exchange.endpoint)
            except UpstreamError as error:
                _LOG.warning("teacher_failed task=%s kind=%s error=%s", self._name, error.kind, error)
                return self._ended(exchange, pair, PairState.TEACHER_ERROR)
            call.cost_usd = self._price.cost_usd(reply.usage)
            closed = await self._judged(pair, exchange, reply)
            call.cost_usd = closed.cost_usd
        return await self._again(closed)

    async def _again(self, closed: Closed) -> Closed:
        """Ask the teacher twice where that is wanted and there is money."""
        if not wanted(closed.exchange, closed.pair, rate=self._selfcheck_rate):
            return closed
        async with self._budget.call(closed.exchange.request) as call:
            recheck = None if call is None else await self._selfcheck.again(closed.exchange, closed.pair)
            if call is not None and recheck is not None:
                call.cost_usd = recheck.cost_usd
        return msgspec.structs.replace(closed, recheck=recheck)

    async def _judged(self, pair: Pair, exchange: Exchange, reply: Reply) -> Closed:
        """The sample with the teacher's answer; compared, unless a policy stopped the student's."""
        told = msgspec.structs.replace(
            pair,
            teacher_answer=reply.text,
            teacher_unsafe=self._safety.unsafe(exchange, reply.text),
            teacher_usage=reply.usage,
            cost_usd=self._price.cost_usd(reply.usage),
        )
        if pair.student_unsafe is not None:
            return self._ended(exchange, told, PairState.STUDENT_ERROR)
        try:
            found = await self._comparer.compare(exchange, pair.student_answer, reply.text)
        except UpstreamError as error:
            _LOG.warning("not_compared task=%s kind=%s error=%s", self._name, error.kind, error)
            return self._ended(exchange, told, PairState.TEACHER_ERROR)
        compared = msgspec.structs.replace(
            told,
            agreed=found.agreed,
            score=found.score,
            student_unsafe=self._safety.unsafe(exchange, pair.student_answer),
            cost_usd=told.cost_usd + found.cost_usd,
        )
        return self._ended(exchange, compared, PairState.PAIRED)

    def _ended(self, exchange: Exchange, pair: Pair, state: PairState) -> Closed:
        return Closed(exchange, msgspec.structs.replace(pair, state=state, closed_at=self._clock.now_s()))

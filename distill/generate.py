"""Asks the teacher about inputs and appends its answers to a file.  Resumable; never pays twice for an input."""

from __future__ import annotations

import asyncio
import logging
import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from distill.appender import RowAppender
from distill.examples import Example, Message, Row, content_key, input_of, read_rows, row_of
from distill.teacher import Teacher, TeacherAnswer, TeacherError
from domain.errors import DatasetError, PreceptorError
from domain.records import PairState, Usage

if TYPE_CHECKING:
    from domain.records import Exchange, Pair

_LOG = logging.getLogger(__name__)
_GIVE_UP_AFTER = 10  # failures in a row: the teacher is down, and what is left is better asked later

Progress = Callable[[int, int, float], None]  # inputs done, inputs in all, dollars spent


class GenerateReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a run did.  inputs == reused + answered + failed + left; money and tokens are of this run."""

    inputs: int  # that differ from each other
    reused: int  # answered in the file already
    answered: int
    failed: int
    left: int  # not asked, because the next call could have passed `max_usd`
    failures: dict[str, int]
    usage: Usage
    cost_usd: float


async def generate(
    teacher: Teacher,
    texts: Iterable[str],
    out: Path,
    *,
    max_usd: float = math.inf,
    concurrency: int = 8,
    progress: Progress | None = None,
) -> GenerateReport:
    """Append a row for each input that `out` does not answer yet, in the order in which answers come.

    A process killed at any time loses at most the calls in flight.  A call starts only while the money spent, and the
    calls in flight at the dearest price seen so far, fit in `max_usd`.

    Raises:
        TeacherError: the teacher is gone (or ten calls failed in a row); what was answered is in the file.
        DatasetError: the file cannot be written.
    """
    unique = {content_key(text): text for text in texts if text.strip()}
    with RowAppender(out) as rows:
        known = {content_key(text) for row in read_rows(out).rows if (text := input_of(row))}
        pending = [text for key, text in unique.items() if key not in known]
        run = _Run(teacher, rows, pending, inputs=len(unique), max_usd=max_usd, progress=progress)
        await run.step()  # alone: its price tells what may be in flight
        async with asyncio.TaskGroup() as group:
            for _ in range(concurrency):
                group.create_task(run.work())
    if run.fatal is not None:
        raise run.fatal
    return run.report()


def rows_from_pairs(pairs: Iterable[Pair], exchanges: Iterable[Exchange], *, prompt: str) -> list[Row]:
    """Rows of shadow pairs: the teacher was asked and paid for these inputs already."""
    inputs = {exchange.id: exchange.input_text for exchange in exchanges}
    return [
        row_of(Example(inputs[pair.exchange_id], pair.teacher_answer), prompt=prompt)
        for pair in pairs
        if pair.state is PairState.PAIRED and inputs.get(pair.exchange_id)
    ]


class _Run:
    """The state that the workers of one run share."""

    def __init__(
        self,
        teacher: Teacher,
        rows: RowAppender,
        pending: Sequence[str],
        *,
        inputs: int,
        max_usd: float,
        progress: Progress | None,
    ) -> None:
        self.fatal: PreceptorError | None = None
        self._teacher, self._rows, self._progress = teacher, rows, progress
        self._pending = list(reversed(pending))
        self._inputs, self._reused = inputs, inputs - len(pending)
        self._max_usd = max_usd
        self._dearest = 0.0
        self._spent = 0.0
        self._usage = Usage()
        self._in_flight = 0
        self._answered = 0
        self._failures: Counter[str] = Counter()
        self._failed_in_a_row = 0

    async def work(self) -> None:
        """Take one input after the other until there is nothing left to do or to pay with."""
        while await self.step():
            pass

    async def step(self) -> bool:
        """Ask about one input; False when there is none that may be asked."""
        if not self._pending or self.fatal is not None or not self._affordable(self._pending[-1]):
            return False
        text = self._pending.pop()
        self._in_flight += 1
        try:
            answer = await self._teacher.ask(text)
        except TeacherError as error:
            self._failed(error)
        else:
            self._take(text, answer)
        finally:
            self._in_flight -= 1
        if self._progress is not None:
            self._progress(self._reused + self._answered + self._failures.total(), self._inputs, self._spent)
        return True

    def report(self) -> GenerateReport:
        return GenerateReport(
            inputs=self._inputs,
            reused=self._reused,
            answered=self._answered,
            failed=self._failures.total(),
            left=len(self._pending),
            failures=dict(self._failures),
            usage=self._usage,
            cost_usd=self._spent,
        )

    def _affordable(self, text: str) -> bool:
        guess = Usage((len(self._teacher.prompt) + len(text)) // 4, 1)  # four characters a token, before any bill came
        self._dearest = max(self._dearest, self._teacher.price.cost_usd(guess))
        return self._spent + (self._in_flight + 1) * self._dearest <= self._max_usd

    def _take(self, text: str, answer: TeacherAnswer) -> None:
        cost = self._teacher.price.cost_usd(answer.usage)
        self._dearest = max(self._dearest, cost)
        self._spent += cost
        self._usage = Usage(
            self._usage.prompt_tokens + answer.usage.prompt_tokens,
            self._usage.completion_tokens + answer.usage.completion_tokens,
        )
        self._failed_in_a_row = 0
        if answer.cut:
            self._failures["cut"] += 1
            return
        try:
            self._rows.append([self._row(text, answer)])
        except DatasetError as error:
            self.fatal = error
        else:
            self._answered += 1

    def _row(self, text: str, answer: TeacherAnswer) -> Row:
        row = row_of(Example(text, answer.text), prompt=self._teacher.prompt)
        if not answer.refusal:
            return row
        # Kept, so that nobody pays for it again; validation drops it.
        return Row((*row.messages[:-1], Message("assistant", refusal=answer.refusal)))

    def _failed(self, error: TeacherError) -> None:
        _LOG.warning("teacher_call_failed kind=%s error=%s", error.kind, error)
        self._failures[error.kind] += 1
        self._failed_in_a_row += 1
        if error.hopeless or self._failed_in_a_row >= _GIVE_UP_AFTER:
            self.fatal = error

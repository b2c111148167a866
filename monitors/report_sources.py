"""What the reports of a task are made of, read from an open store."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from domain.comparers import normalise_label
from domain.errors import PreceptorError
from domain.records import Deployment
from domain.store import WatchedExchange
from monitors import mix
from monitors.attribution import Attribution, attribute, thinned
from monitors.hour_book import hours_of
from monitors.mix import Day, Mix
from monitors.redaction import redactor
from monitors.reference import FLAGGED, Reference
from monitors.slices import SliceAgreement, compare, of_pair
from monitors.traffic import input_series
from monitors.words import cluster_names

if TYPE_CHECKING:
    from domain.records import Exchange, Pair
    from domain.settings import Settings
    from domain.store import Store

MOST = 20_000  # rows of each kind that a report is about, the newest


class Sources:
    """Reads for one task."""

    def __init__(self, store: Store, settings: Settings, task: str) -> None:
        self._store = store
        self._settings = settings
        self._name = task
        self._task = settings.tasks[task]

    async def spans(self) -> list[tuple[Deployment, float]]:
        """The deployments with a reference, oldest first, each with the time at which the next one took over.

        Raises:
            PreceptorError: there is none.
        """
        found = spans(await self._store.deployments(self._name))
        if not found:
            problem = f"task {self._name} has no deployment with a reference yet: preceptor promote makes one"
            raise PreceptorError(problem)
        return found

    async def reference(self, deployment: Deployment) -> Reference:
        """The reference that a deployment's inputs are compared with.

        Raises:
            ModelError: it is missing or damaged.
        """
        return Reference.from_bytes(await self._store.blob(deployment.reference_id) or b"")

    async def attribution(self, *, until: float, warned: bool = False) -> Attribution | None:
        """What the drift of the newest deployment up to `until` is about; None before any input was compared.

        Raises:
            PreceptorError: there is no deployment with a reference.
        """
        deployment = _as_of_its_first(await self._until(until))
        return attribute(
            await self._store.exchanges(self._name, after=deployment.at, limit=MOST),
            await self.pairs(deployment.at),
            deployment=deployment,
            reference=await self.reference(deployment),
            redact=redactor(self._settings, self._name),
            until=until,
            warned=warned,
        )

    async def mix(self, day: str) -> Mix:
        """What the inputs of a day were about.

        Raises:
            PreceptorError: `day` is no date, or there was no deployment with a reference on it.
        """
        try:
            last = mix.week_before(day)
            _, end = mix.bounds(day, self._task.time_zone)
        except ValueError:
            raise PreceptorError(f"{day!r} is no day; write it like 2026-03-29") from None
        served = await self._until(end)
        reference = await self.reference(served[-1])
        rows = await self._store.exchanges(self._name, after=mix.bounds(last, self._task.time_zone)[0], limit=MOST)
        rows = _comparable([row for row in rows if row.exchange.at < end], _run(served, model=False)[0].at)
        today, week_ago = await self._days(served[-1], day, last, rows, float(reference.thresholds[FLAGGED]))
        return mix.mix(
            self._name,
            today,
            week_ago,
            sizes=reference.sizes,
            flagged_reference=reference.bounds[FLAGGED],
            names=self._names(rows),
        )

    async def _days(
        self, deployment: Deployment, day: str, last: str, rows: Sequence[WatchedExchange], threshold: float
    ) -> tuple[Day, Day]:
        """What was counted on two days: by the hour, where a windowed detector did; else among the newest rows."""
        zone = self._task.time_zone
        after = int(mix.bounds(last, zone)[0] // 3600)
        hours = hours_of(await self._store.tallies(self._name, input_series(deployment), after=after))
        told = mix.of_hours(hours, day, time_zone=zone)
        if told.inputs:
            return told, mix.of_hours(hours, last, time_zone=zone)
        today, week_ago = (mix.count(rows, each, time_zone=zone, threshold=threshold) for each in (day, last))
        return today, week_ago

    async def pairs(self, after: float) -> list[Pair]:
        """The newest pairs since then."""
        return await self._store.pairs(self._name, after=after, limit=MOST)

    async def slices(self, pairs: Sequence[Pair], rows: Sequence[WatchedExchange]) -> list[SliceAgreement]:
        """The agreement of each slice of these pairs; `rows` may hold their exchanges, and others."""
        known: dict[str, Exchange] = {row.exchange.id: row.exchange for row in rows}
        missing = [pair.exchange_id for pair in pairs if pair.exchange_id not in known]
        known |= {row.exchange.id: row.exchange for row in await self._store.exchanges_by_id(missing)}
        labels = frozenset(map(normalise_label, self._task.output.labels))
        return compare(
            (pair, of_pair(pair, known[pair.exchange_id], labels=labels)) for pair in pairs if pair.exchange_id in known
        )

    async def _until(self, at: float) -> list[Deployment]:
        """The deployments with a reference that began by then, the one that served last."""
        found = [deployment for deployment, _ in await self.spans() if deployment.at <= at]
        if not found:
            raise PreceptorError(f"task {self._name} had no deployment with a reference then: choose a later time")
        return found

    def _names(self, rows: Sequence[WatchedExchange]) -> dict[int, tuple[str, ...]]:
        redact = redactor(self._settings, self._name)
        chosen = [(row, row.cluster) for row in thinned(rows) if row.cluster is not None]
        return cluster_names([redact(row.exchange.input_text) for row, _ in chosen], [cluster for _, cluster in chosen])


def spans(history: Sequence[Deployment]) -> list[tuple[Deployment, float]]:
    """Each deployment that has a reference, with the time at which the next one took over."""
    ends = [*(deployment.at for deployment in history[1:]), math.inf][: len(history)]
    return [(deployment, end) for deployment, end in zip(history, ends, strict=True) if deployment.reference_id]


def _run(served: Sequence[Deployment], *, model: bool) -> list[Deployment]:
    """The last deployments that have the same reference, and, if asked, the same student: a canary is one, too."""
    last = served[-1]

    def differs(each: Deployment) -> bool:
        return each.reference_id != last.reference_id or (model and each.model != last.model)

    return list(itertools.takewhile(lambda each: not differs(each), reversed(served)))[::-1]


def _as_of_its_first(served: Sequence[Deployment]) -> Deployment:
    """The last deployment, with the time from which on its student served with its reference."""
    return msgspec.structs.replace(served[-1], at=_run(served, model=True)[0].at)


def _comparable(rows: Sequence[WatchedExchange], since: float) -> list[WatchedExchange]:
    """The rows, those before `since` without novelty and cluster, which another reference gave them."""
    return [row if row.exchange.at >= since else WatchedExchange(row.exchange, None) for row in rows]

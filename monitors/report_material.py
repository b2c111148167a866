"""Reads what a report shows: the last deployments with their inputs, pairs and readings, and what drift is about."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from domain.errors import PreceptorError
from domain.records import Arm, Deployment, Pair, PairState, Reading, SignalKind
from monitors import mix
from monitors.attribution import thinned
from monitors.descriptors import Descriptors
from monitors.reference import Reference
from monitors.report_page import moment
from monitors.report_sources import MOST, Sources
from monitors.signals import DRIFT

if TYPE_CHECKING:
    from domain.settings import Settings, TaskSettings
    from domain.store import Store, WatchedExchange
    from monitors.attribution import Attribution
    from monitors.mix import Mix
    from monitors.slices import SliceAgreement

    Rows = Sequence[WatchedExchange]

_DEPLOYMENTS = 3  # that are compared, the newest


class NothingToReportError(PreceptorError):
    """There is nothing to report yet."""


class Wanted(msgspec.Struct, frozen=True):
    """Which report: of a day, of a signal, or of everything since `after` (0: since the last three deployments)."""

    task: str
    after: float = 0.0
    day: str = ""
    signal_id: str = ""


class Period(msgspec.Struct, frozen=True):
    """A deployment, the reference that its inputs were compared with, and their novelty and clusters."""

    deployment: Deployment
    reference: Reference
    novelty: Sequence[float]
    clusters: Sequence[int]


class Material(msgspec.Struct, frozen=True, kw_only=True):
    """What a report shows."""

    title: str
    task: str
    time_zone: str
    periods: Sequence[Period]
    pairs: Sequence[Pair]
    readings: Sequence[Reading]
    slices: Sequence[SliceAgreement]
    current: Sequence[Mapping[str, str]]  # words that describe inputs of the time told of: label, length, language
    earlier: Sequence[Mapping[str, str]]  # of those before it, since the last deployment
    attribution: Attribution | None
    mix: Mix | None


class _Span(msgspec.Struct, frozen=True):
    """The time that is told of."""

    title: str
    after: float
    until: float
    warned: bool = False


async def gather(store: Store, settings: Settings, wanted: Wanted, *, now: float) -> Material:
    """Read an open store.

    Raises:
        NothingToReportError: there is no deployment with a reference, or no watched exchange in the time told of.
        PreceptorError: the task or the signal is unknown, or the day is none.
    """
    if wanted.task not in settings.tasks:
        raise PreceptorError(f"no task {wanted.task!r}; configured are {', '.join(sorted(settings.tasks))}")
    task, sources = settings.tasks[wanted.task], Sources(store, settings, wanted.task)
    span = await _span(store, wanted, now=now, time_zone=task.time_zone)
    served = await _served(sources, span.until)
    newest, after = served[-1][0], span.after or served[0][0].at
    read = await store.exchanges(wanted.task, after=served[0][0].at, limit=MOST)
    rows = [row for row in read if after <= row.exchange.at <= span.until]
    periods = [await _period(sources, deployment, rows, until) for deployment, until in served]
    if not any(period.novelty for period in periods):
        raise NothingToReportError(
            f"task {wanted.task} has no watched exchanges yet: send traffic, and check the monitors"
        )
    # A day has few pairs: its report shows agreement as it came to stand at its end.
    pairs = [pair for pair in await sources.pairs(wanted.after or served[0][0].at) if _compared(pair, span.until)]
    readings = await store.readings(wanted.task, after=after)
    attribution = await sources.attribution(until=span.until, warned=span.warned)
    begin = span.after or (attribution.since if attribution else after)
    own = [row for row in read if newest.at <= row.exchange.at <= span.until]
    return Material(
        title=span.title,
        task=wanted.task,
        time_zone=task.time_zone,
        periods=[period for period in periods if period.novelty],
        pairs=pairs,
        readings=[reading for reading in readings if reading.at <= span.until],
        slices=await sources.slices([pair for pair in pairs if pair.model == newest.model], rows),
        current=_described(task, [row for row in own if row.exchange.at >= begin]),
        earlier=_described(task, [row for row in own if row.exchange.at < begin]),
        attribution=attribution,
        mix=await sources.mix(wanted.day) if wanted.day else None,
    )


async def _span(store: Store, wanted: Wanted, *, now: float, time_zone: str) -> _Span:
    if wanted.day:
        try:
            start, end = mix.bounds(wanted.day, time_zone)
        except ValueError:
            raise PreceptorError(f"{wanted.day!r} is no day; write it like 2026-03-29") from None
        return _Span(f"{wanted.task}: {wanted.day}", start, math.nextafter(end, 0.0))
    if not wanted.signal_id:
        return _Span(f"{wanted.task}: drift and agreement", wanted.after, now)
    signal = next((each for each in await store.signals(wanted.task) if each.id == wanted.signal_id), None)
    if signal is None:
        raise PreceptorError(f"task {wanted.task} has no signal {wanted.signal_id}; see the signals in the console")
    what = "retraining signal" if signal.kind is SignalKind.RETRAIN else "warning"
    title = f"{wanted.task}: {what} ({signal.reason}) of {moment(signal.at, time_zone)}"
    return _Span(title, wanted.after, signal.at, warned=signal.reason == DRIFT)


async def _served(sources: Sources, until: float) -> list[tuple[Deployment, float]]:
    """The last deployments that began by then."""
    try:
        found = [each for each in await sources.spans() if each[0].at <= until]
    except PreceptorError as error:
        raise NothingToReportError(str(error)) from None
    if not found:
        raise NothingToReportError("there was no deployment with a reference yet: choose a later time")
    return found[-_DEPLOYMENTS:]


async def _period(sources: Sources, deployment: Deployment, rows: Rows, until: float) -> Period:
    own = [row for row in rows if deployment.at <= row.exchange.at < until and row.novelty is not None]
    return Period(
        deployment,
        await sources.reference(deployment),
        [row.novelty for row in own if row.novelty is not None],
        [row.cluster for row in own if row.cluster is not None],
    )


def _compared(pair: Pair, until: float) -> bool:
    return pair.state is PairState.PAIRED and pair.opened_at <= until


def _described(task: TaskSettings, rows: Rows) -> list[dict[str, str]]:
    describe = Descriptors(task.output).of
    return [describe(row.exchange) for row in thinned([row for row in rows if row.exchange.arm is not Arm.NONE])]

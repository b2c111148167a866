"""What a task's inputs are watched with: the reference of its deployment, and panels that go on where they stood."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from domain.errors import ModelError
from domain.records import Deployment, Reading
from monitors import hourly, per_sample, ripening, split
from monitors.arming import MONTH_S, state_key
from monitors.days import Days
from monitors.descriptors import Descriptors
from monitors.detectors.novelty import NoveltyDetector
from monitors.detectors.shares import ShareDetector
from monitors.hour_book import HourBook
from monitors.hourly import Fitted, HourlyDetector, HourlyPanel
from monitors.inputs import NOVELTIES, REMEMBERED, SILENT, InputWatch
from monitors.per_sample import Look, Member, PerSamplePanel
from monitors.reference import Reference
from monitors.ripening import Fit, Traffic
from monitors.traffic import input_series, read_traffic
from monitors.windowed.arming import Subject
from monitors.windowed.calendar import Calendar
from monitors.windowed.fit import CLUSTER, InputBaseline, fit_inputs
from monitors.windowed.live import HourlyNovelty, HourlyShares

if TYPE_CHECKING:
    from domain.ports import Embedder
    from domain.settings import TaskSettings
    from monitors.past import Past
    from monitors.seen import Panel

_LOG = logging.getLogger(__name__)
_HOUR_S = 3600.0
_READ = 2  # rows for each input that is remembered: some do not count
_LATE_S = 3600.0  # by which an input may come after others that are newer


async def arm(
    store: Past, task: TaskSettings, deployment: Deployment, *, embedder: Embedder | None, at: float
) -> InputWatch | None:
    """The panels of a deployment as of `at`, the time of the next input; None when it has no reference.

    Without an `embedder`, novelties and clusters are taken as they are known.

    Raises:
        StoreError: the store cannot be read.
        ModelError: the reference is missing, damaged, or was built with another embedder.
    """
    if not deployment.reference_id:
        return None
    reference = await _reference(store, deployment.reference_id)
    if embedder is not None:
        reference.check(embedder)
    memory = {each.detector: each.state for each in await store.detector_states(deployment.task, state_key(deployment))}
    past = await store.signals(deployment.task, after=min(deployment.at, at - MONTH_S))
    today = Days(task.time_zone).first_hour(at) * _HOUR_S  # so that an alarm is not forgotten in the middle of a day
    readings = await store.readings(deployment.task, after=max(deployment.at, today - MONTH_S))
    panels: Sequence[Panel] = ()
    if task.drift.detector == "per-sample":
        panels = [_independent(deployment.task, task, reference, memory)]
    elif task.drift.detector == "windowed":
        silent = Member(SILENT, _novelty(task, reference, 1.0), per_sample.novelty(reference), silent=True)
        windowed = await _windowed(store, task, deployment, reference, memory, readings, at=at)
        panels = [windowed, _restored([silent], memory, deployment.task)]
    watch = InputWatch(
        deployment,
        reference,
        panels,
        key=state_key(deployment),
        past=past,
        alarmed=max((each.at for each in readings if each.detector in NOVELTIES and each.alarm), default=None),
        settings=task.signal,
        one_per_user=task.drift.one_per_user,
    )
    await _remind(store, task, watch, at=at)
    return watch


async def _reference(store: Past, reference_id: str) -> Reference:
    body = await store.blob(reference_id)
    if body is None:
        raise ModelError(f"the store has no reference {reference_id}: build it again and promote with it")
    return Reference.from_bytes(body)


async def _remind(store: Past, task: TaskSettings, watch: InputWatch, *, at: float) -> None:
    """Let it know the last inputs: an alarm soon after a restart, or after midnight, has the examples it would have."""
    descriptors = Descriptors(task.output)
    rows = await store.last_watched(watch.deployment.task, until=at + _LATE_S, limit=_READ * REMEMBERED)
    for row in rows:
        watch.remember(row.exchange, row.novelty, row.cluster, descriptors.of(row.exchange))


def _independent(name: str, task: TaskSettings, reference: Reference, memory: Mapping[str, bytes]) -> Panel:
    """Detectors for inputs that are independent of each other."""
    parts = split.parts(task)
    counts = {str(number): float(size) for number, size in enumerate(reference.sizes)}
    shares: dict[str, tuple[dict[str, float], Look]] = {split.CLUSTER: (counts, per_sample.cluster)}
    # What labels the student gives is learned from its answers: the reference has none.
    shares |= {word: (dict.fromkeys(task.output.labels, 0.0), per_sample.word(word)) for word in split.words_of(task)}
    members = [Member(split.NOVELTY, _novelty(task, reference, parts[split.NOVELTY]), per_sample.novelty(reference))]
    for family, (usual, look) in shares.items():
        threshold, budget = _threshold(task, parts[family])
        members.append(Member(family, ShareDetector(family, usual, threshold=threshold, budget=budget), look))
    return _restored(members, memory, name)


def _novelty(task: TaskSettings, reference: Reference, part: float) -> NoveltyDetector:
    threshold, budget = _threshold(task, part)
    return NoveltyDetector(reference.levels, threshold=threshold, budget=budget)


def _threshold(task: TaskSettings, part: float) -> tuple[float, str]:
    return split.threshold(task.drift.false_alarm_days, part, task.drift.inputs_per_day, "inputs")


def _restored(members: Sequence[Member], memory: Mapping[str, bytes], task: str) -> PerSamplePanel:
    for member in members:
        if member.name in memory:
            try:
                member.detector.restore(memory[member.name])
            except ValueError:  # of another configuration
                _LOG.warning("detector_starts_afresh task=%s detector=%s", task, member.name)
    return PerSamplePanel(members)


async def _windowed(
    store: Past,
    task: TaskSettings,
    deployment: Deployment,
    reference: Reference,
    memory: Mapping[str, bytes],
    readings: Sequence[Reading],
    *,
    at: float,
) -> Panel:
    days, words = Days(task.time_zone), Descriptors(task.output).families
    now = days.first_hour(at)
    after = ripening.earliest((hourly.stored_fit(state) for state in memory.values()), now=now)
    traffic = await read_traffic(store, deployment, after=after, at=at)
    book = HourBook(deployment.task, input_series(deployment), clusters=len(reference.centroids))
    if traffic.inputs:
        (last,) = await store.tallies(deployment.task, input_series(deployment), after=max(traffic.inputs))
        book.restore(last)
        now = max(now, days.first_hour(last.hour * _HOUR_S))  # what comes late decides nothing again
    return windowed_panel(task, reference, book, traffic, memory, readings, words=words, now=now)


def windowed_panel(
    task: TaskSettings,
    reference: Reference,
    book: HourBook,
    traffic: Traffic,
    memory: Mapping[str, bytes],
    readings: Sequence[Reading],
    *,
    words: Sequence[str],
    now: int,
) -> HourlyPanel:
    """The windowed detectors as of hour `now`, each with the baseline that is due, or waiting for one."""
    calendar = Calendar(task.time_zone)
    subjects = {split.NOVELTY: Subject.NOVELTY} | dict.fromkeys((CLUSTER, *words), Subject.SHARES)
    detectors: list[Fitted[HourlyDetector]] = []
    waiting: dict[str, Fit] = {}
    for name, subject in subjects.items():
        own = [reading for reading in readings if reading.detector == name]
        fit = ripening.decide(
            subject, hourly.stored_fit(memory.get(name)), traffic, calendar=calendar, now=now, readings=own
        )
        fitted = _fitted(name, fit, task, traffic, calendar, list(subjects), now=now) if fit.until else None
        if fitted is None:
            waiting[name] = Fit(waiting=fit.waiting or "nothing of it was counted")
            continue
        if name in memory:
            fitted.restore(memory[name])
        detectors.append(fitted)
    return HourlyPanel(book, reference, detectors, waiting=waiting)


def _fitted(
    name: str, fit: Fit, task: TaskSettings, traffic: Traffic, calendar: Calendar, names: Sequence[str], *, now: int
) -> Fitted[HourlyDetector] | None:
    """The detector `name` on the days of `fit`; None when nothing was counted of it."""
    history = ripening.reference(traffic.inputs, fit, calendar=calendar, expected=traffic.expected, now=now)
    part = split.parts(task)[name]
    days, budget = split.threshold_days(task.drift.false_alarm_days, part)
    if not history.inputs.sum():
        return None
    baseline: InputBaseline = fit_inputs(history, families=[name])
    if name == split.NOVELTY:
        return Fitted(HourlyNovelty(baseline.novelty, calendar, days=days, budget=budget), fit)
    if name not in baseline.shares:
        return None
    shares = baseline.shares[name]
    return Fitted(HourlyShares(shares, calendar, family=name, days=days, budget=budget), fit, names=shares.watched)

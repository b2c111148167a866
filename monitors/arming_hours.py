"""The windowed detector of agreement, with the baseline that is due, or waiting for one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain.errors import ModelError
from monitors import hourly, ripening, split
from monitors.days import Days
from monitors.hour_book import HourBook
from monitors.hourly import Fitted
from monitors.hourly_pairs import HourlyPairs, inner_state
from monitors.reference import Reference
from monitors.traffic import pair_series, read_traffic
from monitors.windowed.arming import Subject
from monitors.windowed.calendar import Calendar
from monitors.windowed.fit import fit_pairs
from monitors.windowed.live import HourlyAgreement

if TYPE_CHECKING:
    from domain.records import Deployment, DetectorState
    from domain.settings import TaskSettings
    from monitors.past import Past
    from monitors.ripening import Fit, Traffic

_HOUR_S = 3600.0


async def arm_hours(
    store: Past, task: TaskSettings, deployment: Deployment, state: DetectorState | None, *, at: float
) -> HourlyPairs:
    """The detector as of `at`; `state` is its own, for the fit in it: its memory is restored by the caller.

    Raises:
        StoreError: the store cannot be read.
        ModelError: the reference of the deployment is missing or damaged.
    """
    days, series = Days(task.time_zone), pair_series(deployment)
    now, stored = days.first_hour(at), hourly.stored_fit(inner_state(None if state is None else state.state))
    traffic = await read_traffic(store, deployment, after=ripening.earliest([stored], now=now), at=at)
    book = HourBook(deployment.task, series, clusters=await _clusters(store, deployment))
    if traffic.pairs:
        (last,) = await store.tallies(deployment.task, series, after=max(traffic.pairs))
        book.restore(last)
        now = max(now, days.first_hour(last.hour * _HOUR_S))  # what comes late decides nothing again
    readings = await store.readings(deployment.task, after=deployment.at)
    fit = ripening.decide(
        Subject.AGREEMENT,
        stored,
        traffic,
        calendar=Calendar(task.time_zone),
        now=now,
        readings=[reading for reading in readings if reading.detector == split.AGREEMENT],
    )
    detector = _detector(task, traffic, fit, now=now) if fit.until else None
    return HourlyPairs(book, fit, None if detector is None else Fitted(detector, fit))


def _detector(task: TaskSettings, traffic: Traffic, fit: Fit, *, now: int) -> HourlyAgreement | None:
    """The detector on the days of `fit`; None when nothing was counted."""
    calendar = Calendar(task.time_zone)
    history = ripening.reference(traffic.pairs, fit, calendar=calendar, expected=traffic.expected, now=now)
    if not history.pairs.sum():
        return None
    part = split.parts(task)[split.AGREEMENT]
    days, budget = split.threshold_days(task.agreement.false_alarm_days, part)
    return HourlyAgreement(fit_pairs(history), calendar, days=days, budget=budget)


async def _clusters(store: Past, deployment: Deployment) -> int:
    """How many clusters the reference has; without one all inputs are of one."""
    if not deployment.reference_id:
        return 1
    body = await store.blob(deployment.reference_id)
    if body is None:
        raise ModelError(f"the store has no reference {deployment.reference_id}: build it again and promote with it")
    return len(Reference.from_bytes(body).centroids)

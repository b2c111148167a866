"""The product's windowed detectors over many streams at once: fitted on the reference days, then fed every hour."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.signals.scenarios import HOURS, REFERENCE_DAYS, WEEK
from monitors.windowed.agreement import Agreement, fit_agreement
from monitors.windowed.budget import budget_days
from monitors.windowed.calendar import Slot
from monitors.windowed.novelty import Novelty, fit_novelty
from monitors.windowed.shares import Shares, fit_shares

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from benchmarks.signals.simulator import Counts
    from monitors.windowed.arrays import Floats
    from monitors.windowed.sr import Reading

NOVELTY, SHARES, AGREEMENT = "novelty", "cluster shares", "agreement"
FAMILIES = (NOVELTY, SHARES, AGREEMENT)
BUDGET_DAYS = budget_days(len(FAMILIES))

Alarms = dict[str, "NDArray[np.bool_]"]  # of each family: (streams, monitored hours)


def monitor(counts: Counts, *, families: Sequence[str] = FAMILIES) -> Alarms:
    """The hours in which each family alarms, from the first after the reference."""
    return {family: _RUNS[family](counts) for family in families}


def slot(hour: int) -> Slot:
    """The slot of an hour of the simulation, which begins on a Monday."""
    day = hour // HOURS
    return Slot(day, hour % HOURS, day % WEEK >= 5)


def _reference(hourly: Floats) -> Floats:
    days = hourly[:, : REFERENCE_DAYS * HOURS]
    return days.reshape(len(days), REFERENCE_DAYS, HOURS, *days.shape[2:])


def _weekend() -> NDArray[np.bool_]:
    return np.arange(REFERENCE_DAYS) % WEEK >= 5


def _novelty(counts: Counts) -> NDArray[np.bool_]:
    inputs, exceeded = counts.inputs.astype(float), counts.exceeded.astype(float)
    baseline = fit_novelty(_reference(inputs), _reference(exceeded), _weekend())
    return _run(Novelty(baseline, days=BUDGET_DAYS), inputs, exceeded)


def _shares(counts: Counts) -> NDArray[np.bool_]:
    inputs = counts.inputs.astype(float)
    baseline = fit_shares(_reference(inputs), _weekend(), last_day=REFERENCE_DAYS - 1)
    return _run(Shares(baseline, days=BUDGET_DAYS), inputs)


def _agreement(counts: Counts) -> NDArray[np.bool_]:
    pairs, disagreed = counts.pairs.astype(float), counts.disagreed.astype(float)
    baseline = fit_agreement(_reference(pairs), _reference(disagreed))
    return _run(Agreement(baseline, days=BUDGET_DAYS), pairs, disagreed)


def _run(detector: Novelty | Shares | Agreement, *hourly: Floats) -> NDArray[np.bool_]:
    first, last = REFERENCE_DAYS * HOURS, hourly[0].shape[1]
    alarms = np.zeros((len(hourly[0]), last - first), bool)
    for hour in range(first, last):
        reading: Reading = detector.step(slot(hour), *(counts[:, hour] for counts in hourly))
        alarms[:, hour - first] = reading.alarm
    return alarms


_RUNS = {NOVELTY: _novelty, SHARES: _shares, AGREEMENT: _agreement}

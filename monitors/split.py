"""How the detectors of a task share its budget of false alarms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from monitors.descriptors import LABEL, Descriptors

if TYPE_CHECKING:
    from domain.settings import TaskSettings

AGREEMENT, NOVELTY, CLUSTER = "agreement", "novelty", "cluster"
LEAST_THRESHOLD = 10.0  # below it a single event would alarm
_LEAST_DAYS = 2.0  # of a windowed detector: its statistic grows by one a day, whatever happens
_WEIGHTS = {AGREEMENT: 3.0, NOVELTY: 3.0, CLUSTER: 2.0}
_OTHERS = 2.0  # for all shares of words together


def split(families: Sequence[str]) -> dict[str, float]:
    """The part of the budget of each family, summing to 1: what costs most to miss gets most.

    A test that may be wrong less often needs more evidence, though only by the logarithm.
    """
    others = [family for family in families if family not in _WEIGHTS]
    weights = {family: _WEIGHTS.get(family, _OTHERS / max(len(others), 1)) for family in families}
    total = sum(weights.values())
    return {family: weight / total for family, weight in weights.items()}


def families(task: TaskSettings) -> list[str]:
    """The detectors that share a task's budget."""
    pairs = [] if task.agreement.detector == "none" else [AGREEMENT]
    return pairs if task.drift.detector == "none" else [NOVELTY, CLUSTER, *words_of(task), *pairs]


def words_of(task: TaskSettings) -> list[str]:
    """The descriptors whose shares are watched: all of them by the hour, labels only one by one."""
    told = Descriptors(task.output).families
    return [word for word in told if task.drift.detector == "windowed" or word == LABEL]


def parts(task: TaskSettings) -> dict[str, float]:
    """The part of the budget of each detector of a task."""
    return split(families(task))


def threshold(days: float, part: float, per_day: float, what: str) -> tuple[float, str]:
    """The threshold A of a per-sample detector that has `part` of the budget, and the budget in words."""
    found = max(LEAST_THRESHOLD, per_day * days / part)
    return found, words(days, part, f"A = {found:,.0f} independent {what}, {per_day:,.0f} a day")


def threshold_days(days: float, part: float) -> tuple[float, str]:
    """The threshold A of a windowed detector that has `part` of the budget, and the budget in words."""
    found = max(_LEAST_DAYS, days / part)
    return found, words(days, part, f"A = {found:,.0f} days")


def words(days: float, part: float, threshold: str) -> str:
    """A detector's part of the budget, for the evidence of a signal."""
    return (
        f"one false alarm in {days:g} days over all detectors of the task; this one has {part:.0%} of it ({threshold})"
    )

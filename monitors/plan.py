"""What it takes to see a drop of agreement in time, and what the configured shadow rate sees."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from monitors.demand import Demand
from monitors.power import CHANCE, DAY_VARIATION, Need, needs, sensitivity, smallest_drop

if TYPE_CHECKING:
    from domain.records import Deployment
    from domain.settings import TaskSettings
    from monitors.sensitivity import Sensitivity

DROPS = (0.01, 0.02, 0.03, 0.04, 0.05, 0.07, 0.10, 0.15, 0.20)
_LONGER_D = (1.0, 2.0, 3.0, 5.0, 7.0, 14.0)


class Question(msgspec.Struct, frozen=True):
    """A drop, as a share, that shall be seen within so many days with some chance."""

    drop: float
    within_d: float
    chance: float = CHANCE
    day_variation: float = DAY_VARIATION

    def put_to(self, task: TaskSettings, deployment: Deployment) -> Sensitivity:
        """The task's detector, asked about this time.

        Raises:
            ConfigError: it has none, or nothing to hold against.
        """
        return sensitivity(task, deployment, within_d=self.within_d, day_variation=self.day_variation)


class Today(msgspec.Struct, frozen=True):
    """What the configured rate gives."""

    rate: float
    pairs_per_day: float
    usd_per_day: float
    max_usd_per_day: float
    smallest_drop: float | None  # that is seen within the time


class Longer(msgspec.Struct, frozen=True):
    """More time, in which the drop can be seen after all."""

    within_days: float
    need: Need


class Plan(msgspec.Struct, frozen=True):
    """The answer; drops, rates and chances are shares."""

    task: str
    model: str
    detector: str
    within_days: float
    chance: float
    demand: Demand
    need: Need
    longer: Longer | None
    today: Today
    table: list[Need]


def answer_of(question: Question, task: TaskSettings, deployment: Deployment, found: Demand) -> Plan:
    """What the drop takes at this traffic, and what other drops would take.

    Raises:
        ConfigError: the task has no detector of agreement, or nothing to hold against.
    """
    by = question.put_to(task, deployment)
    need, *table = needs(by, [question.drop, *DROPS], found, chance=question.chance)
    pairs = task.shadow.rate * found.pairs_per_day
    return Plan(
        task=deployment.task,
        model=deployment.model,
        detector=task.agreement.detector,
        within_days=question.within_d,
        chance=question.chance,
        demand=found,
        need=need,
        longer=_longer(question, task, deployment, found) if need.pairs_per_day is None else None,
        today=Today(
            rate=task.shadow.rate,
            pairs_per_day=pairs,
            usd_per_day=pairs * found.usd_per_pair,
            max_usd_per_day=task.shadow.max_usd_per_day,
            smallest_drop=smallest_drop(by, pairs, chance=question.chance),
        ),
        table=table,
    )


def _longer(question: Question, task: TaskSettings, deployment: Deployment, found: Demand) -> Longer | None:
    """The shortest time in which some number of pairs shows the drop."""
    for days in _LONGER_D:
        if days > question.within_d:
            by = msgspec.structs.replace(question, within_d=days).put_to(task, deployment)
            (need,) = needs(by, [question.drop], found, chance=question.chance)
            if need.pairs_per_day is not None:
                return Longer(days, need)
    return None

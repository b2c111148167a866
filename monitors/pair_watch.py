"""What a task's detectors make of its pairs, one after the other.  Pure: a replay gives the same signals."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from monitors import arming, parity
from monitors.aspect import AGREEMENT, SAFETY_PARITY
from monitors.follower import Followed, Follower, Surroundings, kept
from monitors.inputs import Harvest
from monitors.signals import REASONS

if TYPE_CHECKING:
    from domain.follow_up import Recheck
    from domain.records import Deployment, Exchange, Pair, Reading
    from domain.settings import TaskSettings
    from monitors.closing import Closed
    from monitors.course import Course
    from monitors.past import Past

DAY_S = 86400.0  # in which a drift score is not too old to explain a signal


class PairWatch:
    """Followers of agreement and of safety, and the course of the pairs that explains their signals."""

    def __init__(self, task: TaskSettings, course: Course, *, safety: bool) -> None:
        """`safety`: whether the answers of pairs are judged by safety checks."""
        self.agreement = Follower(AGREEMENT, task, window=task.agreement.window)
        self.parity = Follower(SAFETY_PARITY, task, window=parity.WINDOW)
        self.followers = (self.agreement, self.parity) if safety else (self.agreement,)
        self.deployment: Deployment | None = None
        self._task = task
        self._course = course

    async def arm(self, past: Past, deployment: Deployment | None, *, at: float) -> None:
        """Load the detectors of a deployment as of `at`, the time of the next pair's input.

        Raises:
            StoreError: the store cannot be read.
            ModelError: the reference of the deployment is missing or damaged.
        """
        for follower, arm in zip(self.followers, (arming.arm_pairing, arming.arm_parity), strict=False):
            follower.armed = None if deployment is None else await arm(past, self._task, deployment, at=at)
        self.deployment = deployment

    def remind(self, pairs: Sequence[tuple[Pair, Exchange]], rechecks: Iterable[Recheck]) -> None:
        """Begin with what the store has of this deployment, oldest first, without counting it again."""
        for follower in self.followers:
            follower.start(follower.armed, [pair for pair, _ in pairs])
        self._course.start(pairs, rechecks)

    def see(self, closed: Iterable[Closed], readings: Sequence[Reading]) -> Harvest:
        """Take samples in, in the order in which they end; `readings`: of the last day, oldest first."""
        found = [Followed([], []) for _ in self.followers]
        for each in closed:
            own = [(each.pair, each.exchange)] if self._counts(each.pair) else []
            self._course.take(own, [] if each.recheck is None else [each.recheck])
            for follower, so_far in zip(self.followers, found, strict=True):
                more = follower.follow(
                    [(exchange, pair) for pair, exchange in own], lambda at: self._surroundings(readings, at)
                )
                so_far.readings.extend(more.readings)
                so_far.signals.extend(more.signals)
        armed = [follower.armed for follower in self.followers if follower.armed is not None]
        return Harvest(
            readings=[reading for each in found for reading in kept(each.readings)],
            signals=[signal for each in found for signal in each.signals],
            states=[each.state() for each in armed],
            tallies=[tally for each in armed for tally in each.tallies()],
        )

    def _counts(self, pair: Pair) -> bool:
        """A challenger's pairs say nothing about the champion that is watched, nor do those from before it."""
        deployment = self.deployment
        return deployment is None or (pair.model == deployment.model and pair.opened_at >= deployment.at)

    def _surroundings(self, readings: Iterable[Reading], at: float) -> Surroundings:
        """What else is known at the time of an input.

        Scores of inputs only, as of that time: what detectors of pairs say depends on how the pairs fell into batches.
        """
        course = self._course
        course.compare()
        ceiling = course.ceiling
        return Surroundings(
            drift_scores={
                reading.detector: reading.score
                for reading in readings
                if reading.detector in REASONS and at - DAY_S <= reading.at <= at
            },
            slices=tuple(f"{each.dimension} {each.value}" for each in course.worse),
            ceiling=None if ceiling is None else ceiling.estimate,
        )

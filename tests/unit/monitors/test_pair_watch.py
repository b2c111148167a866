from __future__ import annotations

import pytest

from domain.follow_up import Recheck, RecheckKind
from domain.records import Reading
from monitors.closing import Closed
from monitors.course import Course
from monitors.pair_watch import PairWatch
from tests.unit.monitors.samples import DEPLOYED_AT, ORDINARY, TASK, deploy, exchange, paired, settings

DAY_S = 86400.0
TASK_SETTINGS = settings()


def closed(number: int, *, agreed: bool = False, second: bool | None = None, **fields) -> Closed:
    """A pair that has just ended; `second`: whether the teacher's second answer was the same."""
    row = exchange(number, ORDINARY[number % len(ORDINARY)], draw=0.1)
    recheck = None
    if second is not None:
        recheck = Recheck(
            id=f"self-{row.id}", task=TASK, kind=RecheckKind.SELF, key=row.id, at=row.at, teacher="gold", agreed=second
        )
    return Closed(row, paired(number, agreed=agreed, **fields), recheck)


def reading(detector: str, at: float, score: float) -> Reading:
    """What a detector said."""
    return Reading(task=TASK, detector=detector, model="v1", at=at, samples=1, score=score, evidence=0.1, alarm=False)


@pytest.fixture
async def watch(store):
    """Armed for v1."""
    await deploy(store)
    made = PairWatch(TASK_SETTINGS, Course(TASK_SETTINGS), safety=True)
    await made.arm(store, await store.deployment(TASK), at=DEPLOYED_AT)
    made.remind([], [])
    return made


async def test_a_signal_is_explained_by_what_was_known_at_its_time(watch):
    """Scores of inputs of the day before it, not later ones nor those of pairs; the ceiling with its own pair."""
    rows = [
        reading("novelty", DEPLOYED_AT - 2 * DAY_S, 0.1),
        reading("cluster", DEPLOYED_AT, 0.2),
        reading("safety", DEPLOYED_AT, 0.3),
        reading("novelty", DEPLOYED_AT, 0.4),
        reading("novelty", DEPLOYED_AT + DAY_S, 0.5),
    ]
    (signal,) = watch.see([closed(number, second=number % 2 == 0) for number in range(40)], rows).signals
    assert signal.drift_scores == {"cluster": 0.2, "novelty": 0.4}
    assert signal.ceiling == pytest.approx((signal.samples + 1) // 2 / signal.samples)


async def test_batches_change_nothing(watch, store):
    """One by one or all at once, the pairs give the same signals, states and alarms."""
    rows = [closed(number, agreed=number < 30, second=number % 3 > 0) for number in range(90)]
    whole = watch.see(rows, [])
    apart = PairWatch(TASK_SETTINGS, Course(TASK_SETTINGS), safety=True)
    await apart.arm(store, await store.deployment(TASK), at=DEPLOYED_AT)
    apart.remind([], [])
    parts = [apart.see([row], []) for row in rows]
    assert [signal for part in parts for signal in part.signals] == whole.signals != []
    assert parts[-1].states == whole.states
    assert [one for part in parts for one in part.readings if one.alarm] == [one for one in whole.readings if one.alarm]


@pytest.mark.parametrize("fields", [{"model": "v2"}, {"opened_at": DEPLOYED_AT - 1}])
async def test_others_say_nothing_about_the_champion(watch, fields):
    """Neither a challenger's pairs, nor those that were opened before it was deployed."""
    harvest = watch.see([closed(number, **fields) for number in range(60)], [])
    assert (harvest.signals, harvest.readings, len(watch.agreement.recent)) == ([], [], 0)


async def test_without_a_deployment_pairs_are_remembered(store):
    """There is an estimate, and nothing to hold it against."""
    watch = PairWatch(TASK_SETTINGS, Course(TASK_SETTINGS), safety=False)
    await watch.arm(store, None, at=DEPLOYED_AT)
    harvest = watch.see([closed(number) for number in range(30)], [])
    assert (harvest.states, harvest.signals, len(watch.agreement.recent)) == ([], [], 30)
    assert watch.followers == (watch.agreement,)


async def test_pairs_that_are_reminded_of_are_not_counted_again(watch):
    """They are in the estimate, and the detector knows them already."""
    rows = [closed(number) for number in range(60)]
    watch.remind([(row.pair, row.exchange) for row in rows], [])
    harvest = watch.see([], [])
    assert (harvest.signals, len(watch.agreement.recent)) == ([], TASK_SETTINGS.agreement.window)

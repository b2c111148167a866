from __future__ import annotations

import msgspec
import pytest

from domain.errors import ModelError
from domain.ports import Observation
from domain.records import DetectorState, Reading
from domain.settings import AgreementSettings
from domain.store import WorkBatch
from monitors.arming import state_key
from monitors.arming_hours import arm_hours
from monitors.hour_book import hours_of
from monitors.hourly_pairs import HourlyPairs, inner_state
from monitors.ripening import Fit
from monitors.traffic import pair_series
from tests.unit.monitors.samples import TASK, deploy, deployment, settings
from tests.unit.monitors.weeks import HOUR_S, START, at, expected, fit_of, hour_of, write_days

BUSY, QUIET = {"inputs": 60.0, "pairs": 6.0}, {"inputs": 20.0, "pairs": 2.0}
WINDOWED = settings(agreement=AgreementSettings(detector="windowed"))


class Pairs:
    """The pairs of a task, followed from the store and committed to it, as the worker does for each batch."""

    def __init__(self, store) -> None:
        self.store = store
        self._number = 0

    async def armed(self, when: float) -> HourlyPairs:
        """The detector as of a time, with what was committed of it."""
        served = await self.store.deployment(TASK)
        states = await self.store.detector_states(TASK, state_key(served))
        state = next((state for state in states if state.detector == "agreement"), None)
        detector = await arm_hours(self.store, WINDOWED, served, state, at=when)
        if state is not None:
            detector.restore(state.state)
        return detector

    async def follow(self, when: float, *, pairs: int = 1, disagreed: bool = False) -> list[bool]:
        """Some pairs of a time; whether each of them alarmed."""
        served, detector = await self.store.deployment(TASK), await self.armed(when)
        found = [detector.update(self._pair(when, disagreed)) for _ in range(pairs)]
        readings = [
            Reading(
                task=TASK, detector="agreement", model="v1", at=when, samples=one.samples, score=one.score,
                evidence=one.evidence, alarm=one.alarm,
            )
            for one in found if one.alarm
        ]  # fmt: skip
        state = DetectorState(task=TASK, detector="agreement", reference_id=state_key(served), state=detector.state())
        batch = WorkBatch(owner="w", at=when, states=[state], tallies=detector.tallies(), readings=readings)
        await self.store.commit(batch)
        return [one.alarm for one in found]

    async def fit(self) -> Fit:
        """The fit that is committed."""
        (state,) = await self.store.detector_states(TASK, state_key(await self.store.deployment(TASK)))
        return fit_of(inner_state(state.state))

    async def days(self, days: range, **volume: float) -> None:
        """Whole days as they would have been counted."""
        await write_days(self.store, await self.store.deployment(TASK), days, **volume)

    def _pair(self, when: float, disagreed: bool) -> Observation:
        self._number += 1
        return Observation(at=when, counts=(float(disagreed),), key=f"{self._number}", cluster=self._number % 4)


@pytest.fixture
async def pairs(store) -> Pairs:
    """Of a student that was deployed on a Monday at midnight."""
    await deploy(store, at=START)
    return Pairs(store)


@pytest.mark.slow
@pytest.mark.parametrize(("volume", "steps"), [(BUSY, [3, 7, 14, 28]), (QUIET, [3, 14, 28])])
async def test_agreement_is_frozen_and_learned_again_in_steps(pairs, volume, steps):
    """Listed after three days, armed after one week or two, learned again at 14 and 28 days, and then never."""
    learned = []
    for day in range(40):
        await pairs.follow(at(day, 0.2))
        fit = await pairs.fit()
        if fit.until and (not learned or learned[-1][0] != (fit.until - hour_of(0)) // 24):
            learned.append(((fit.until - hour_of(0)) // 24, fit.armed))
        await write_days(
            pairs.store, await pairs.store.deployment(TASK), range(day, day + 1), hours=range(1, 24), **volume
        )
    assert learned == [(step, step > 3) for step in steps]


@pytest.mark.parametrize(("mark", "learned"), [(False, False), (True, True)])
async def test_an_alarm_keeps_the_baseline_unless_its_day_was_expected(pairs, mark, learned):
    """What has begun to go wrong must not become normal; what was harmless may."""
    await pairs.days(range(8), **BUSY)
    alarms = [await pairs.follow(at(8, hour), pairs=20, disagreed=True) for hour in range(20)]
    assert any(map(any, alarms))
    await pairs.days(range(9, 15), **BUSY)
    if mark:
        await pairs.store.expect(expected(8, 8))
        await pairs.follow(at(14, 23))  # the mark is learned on a day of its own
    await pairs.follow(at(15))
    fit = await pairs.fit()
    assert fit.armed
    assert (fit.until == hour_of(15)) is learned


async def test_expected_days_are_learned(pairs):
    """Evidence starts afresh, and such a day no longer stands out."""
    await pairs.days(range(14), **BUSY)
    for hour in range(3):
        await pairs.follow(at(14, 20 + hour), pairs=12, disagreed=True)
    before = msgspec.json.decode((await pairs.armed(at(14, 23))).state())
    assert before["evidence"] > 0.1
    mark = msgspec.structs.replace(expected(0, 0), first_day="2023-12-04", last_day="2023-12-04")
    await pairs.store.expect(mark)
    again = await pairs.armed(at(15))
    assert fit_of(inner_state(again.state())).expected == 1
    after = msgspec.json.decode(again.state())
    assert (after["evidence"], after["samples"]) == (0.0, 36)


async def test_a_year_later_the_baseline_is_the_same(pairs):
    """Agreement is never rolled: hours that are read stay those that were learned from, however old they are."""
    await pairs.days(range(28), **BUSY)
    await pairs.follow(at(28))
    first = (await pairs.armed(at(28, 1)))._fitted.detector._agreement._baseline
    for day in (120, 365):
        await pairs.follow(at(day))
        later = await pairs.armed(at(day, 1))
        assert fit_of(inner_state(later.state())).until == hour_of(28)
        assert later._fitted.detector._agreement._baseline.by_cluster.tolist() == first.by_cluster.tolist()


@pytest.mark.slow
async def test_a_restart_at_any_point_changes_nothing(pairs):
    """One detector over a day, or another one for each pair: the same state and counts."""
    served = await pairs.store.deployment(TASK)
    await pairs.days(range(14), **BUSY)
    kept = await pairs.armed(at(14))
    for number in range(120):
        when, disagreed = at(14, number / 10), number % 3 == 0
        one = Observation(at=when, counts=(float(disagreed),), key=f"{number + 1}", cluster=(number + 1) % 4)
        kept.update(one)
        await pairs.follow(when, disagreed=disagreed)
    (state,) = await pairs.store.detector_states(TASK, state_key(served))
    assert state.state == kept.state()
    stored = hours_of(await pairs.store.tallies(TASK, pair_series(served), after=hour_of(13, 23)))
    assert stored == hours_of(kept.tallies())


async def test_a_pair_of_yesterday_decides_nothing_again(pairs):
    """Its hour is over; the baseline of today stays, and so does what it waits for."""
    await pairs.days(range(5), **BUSY)
    await pairs.follow(at(5))
    before = await pairs.fit()
    await pairs.follow(at(5) - 60)
    assert await pairs.fit() == before
    assert before.waiting == "needs 2 more days and a weekend"
    hours = hours_of(await pairs.store.tallies(TASK, pair_series(await pairs.store.deployment(TASK))))
    assert sum(hours[hour_of(5)].pairs) == 2


async def test_without_a_reference_all_pairs_are_of_one_cluster(store):
    """Agreement needs no embedder; but a reference that is named must be there."""
    await store.deploy(deployment(at=START))
    one = Pairs(store)
    detector = await one.armed(START)
    detector.update(Observation(at=START + HOUR_S, counts=(1.0,), key="k"))
    (hour,) = hours_of(detector.tallies()).values()
    assert (hour.pairs, hour.disagreed) == ([1], [1])
    with pytest.raises(ModelError, match="the store has no reference gone"):
        await arm_hours(store, WINDOWED, deployment("gone"), None, at=START)


async def test_the_budget_is_its_part_of_the_days(pairs):
    """Three tenths of one false alarm in thirty days, said in words; before it is armed what it waits for."""
    assert (await pairs.armed(START)).budget() == "not armed: needs 14 more days and a weekend"
    await pairs.days(range(14), **QUIET)
    told = (await pairs.armed(at(14))).budget()
    assert told.startswith("one false alarm in 30 days over all detectors of the task; this one has 30% of it")
    assert told.endswith("(A = 100 days)")

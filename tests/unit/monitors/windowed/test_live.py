from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from monitors.windowed.budget import budget_days
from monitors.windowed.calendar import Calendar
from monitors.windowed.fit import fit_inputs, fit_pairs
from monitors.windowed.history import gather
from monitors.windowed.hours import Hour
from monitors.windowed.live import HourlyAgreement, HourlyNovelty, HourlyShares, LiveDetector
from monitors.windowed.novelty import Novelty
from monitors.windowed.shares import RARE

MONDAY = 4 * 24  # 5 January 1970
START = MONDAY + 14 * 24
DAYS, WORDS = budget_days(), "one false alarm in 30 days"
KINDS = ["novelty", "cluster", "label", "agreement"]


def recorded(traffic: Any) -> dict[int, Hour]:
    """The first stream of drawn traffic as a live task counts it, with labels that follow the clusters."""
    return {
        MONDAY + h: Hour(
            inputs=traffic.inputs[0, h].tolist(),
            exceeded=traffic.exceeded[0, h].tolist(),
            shares={"label": {f"l{k}": int(n) for k, n in enumerate(traffic.inputs[0, h]) if n}},
            pairs=traffic.pairs[0, h].tolist(),
            disagreed=traffic.disagreed[0, h].tolist(),
        )
        for h in range(traffic.hours)
    }


def much_changed(hour: Hour) -> Hour:
    """The same hour with a cluster that has grown, its label too, and with more novelty and disagreement."""
    grown = [n * (1 + 5 * (k == 3)) for k, n in enumerate(hour.inputs)]
    return Hour(
        inputs=grown,
        exceeded=[[n // 2] * 4 for n in grown],
        shares={"label": {f"l{k}": n for k, n in enumerate(grown)}},
        pairs=hour.pairs,
        disagreed=[(n + 1) // 2 for n in hour.pairs],
    )


@pytest.fixture(scope="module")
def hours(draw: Any) -> dict[int, Hour]:
    """20 days of a task, of which 14 are its reference."""
    return recorded(draw(np.random.default_rng(1), 1, 20))


@pytest.fixture(scope="module")
def make(hours: dict[int, Hour]) -> Any:
    """Makes a fresh detector of a kind."""
    history = gather(hours, Calendar(), until=START)
    inputs, pairs = fit_inputs(history, families=["label"]), fit_pairs(history)

    def detector(kind: str) -> LiveDetector:
        if kind == "novelty":
            return HourlyNovelty(inputs.novelty, Calendar(), days=DAYS, budget=WORDS)
        if kind == "agreement":
            return HourlyAgreement(pairs, Calendar(), days=DAYS, budget=WORDS)
        return HourlyShares(inputs.shares[kind], Calendar(), family=kind, days=DAYS, budget=WORDS)

    return detector


@pytest.mark.parametrize("kind", KINDS)
def test_continues_from_json_at_every_hour(kind: str, hours: dict[int, Hour], make: Any) -> None:
    """A worker that starts again after each hour says exactly what one says that never stopped."""
    kept, body = make(kind), make(kind).state()
    for number in range(START, START + 72):
        again = make(kind)
        again.restore(body)
        assert kept.hour(number, hours[number]) == again.hour(number, hours[number])
        body = again.state()
    assert body == kept.state()


@pytest.mark.parametrize("kind", KINDS)
def test_an_hour_is_taken_in_once(kind: str, hours: dict[int, Hour], make: Any) -> None:
    """An hour that comes again, or too late, changes nothing and does not alarm twice."""
    detector = make(kind)
    for number in range(START, START + 10):
        standing = detector.hour(number, hours[number])
    before = detector.state()
    for number in (START + 9, START + 3):
        assert detector.hour(number, hours[number]) == standing
    assert detector.state() == before


@pytest.mark.parametrize("kind", KINDS)
def test_missing_hours_were_silent(kind: str, hours: dict[int, Hour], make: Any) -> None:
    """Leaving hours out, or telling that nothing happened in them, is the same."""
    left_out, told = make(kind), make(kind)
    for number in (*range(START, START + 12), *range(START + 60, START + 90)):
        ours = left_out.hour(number, hours[number])
        if number == START + 60:
            for silent in range(START + 12, START + 60):
                told.hour(silent, Hour())
        assert ours == told.hour(number, hours[number])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("gap_h", "remembers"), [(14 * 24, True), (14 * 24 + 1, False)])
def test_evidence_outlives_two_weeks_of_silence(
    kind: str, gap_h: int, remembers: bool, hours: dict[int, Hour], make: Any
) -> None:
    """After 14 days without traffic the evidence is what it was, after longer ones it starts afresh."""
    detector, number = make(kind), START
    while detector.hour(number, much_changed(hours[number])).evidence < 0.2:
        number += 1
    found = detector.hour(number + gap_h, Hour())
    assert (found.evidence > 0.1) is remembers
    assert not found.alarm


def test_an_alarm_is_told_once(hours: dict[int, Hour], make: Any) -> None:
    """A flood of novel inputs alarms; the same hour told again does not, and the evidence begins anew."""
    detector = make("novelty")
    alarmed = None
    for number in range(START, START + 24):
        inputs = hours[number].inputs
        novel = Hour(inputs=inputs, exceeded=[[n] * 4 for n in inputs])
        found = detector.hour(number, novel)
        if found.alarm:
            alarmed = number
            break
    assert alarmed is not None
    assert found.evidence > 1
    assert 2 < found.score < 20
    assert not detector.hour(alarmed, novel).alarm
    assert detector.hour(alarmed + 1, hours[alarmed + 1]).evidence < 1


def test_an_alarm_of_a_silent_hour_is_not_lost(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the evidence crosses A in an hour that was left out, the next hour tells."""
    detector = make("novelty")
    detector.hour(START, Hour())
    step, silent = Novelty.step, []

    def alarm_first(self: Novelty, *counts: Any) -> Any:
        silent.append(counts)
        return step(self, *counts)._replace(alarm=np.array(len(silent) == 1))

    monkeypatch.setattr(Novelty, "step", alarm_first)
    assert detector.hour(START + 3, Hour()).alarm
    assert len(silent) == 3


@pytest.mark.parametrize(("kind", "worst"), [("cluster", "3"), ("label", "l3"), ("label", "unseen")])
def test_names_the_category(kind: str, worst: str, hours: dict[int, Hour], make: Any) -> None:
    """What grew is named as it was counted, and categories that nobody knew as unseen."""
    detector = make(kind)
    for number in range(START, START + 96):
        hour = hours[number]
        inputs = [n * (1 + 5 * (k == 3)) for k, n in enumerate(hour.inputs)]
        labels = {f"l{k}": n for k, n in enumerate(hour.inputs)}
        labels["novel" if worst == "unseen" else "l3"] = 5 * hour.inputs[3]
        found = detector.hour(number, Hour(inputs=inputs, shares={"label": labels}))
        if found.alarm:
            break
    assert found.alarm
    assert found.worst == worst


def test_names_rare_categories_together(hours: dict[int, Hour]) -> None:
    """Labels that the reference hardly had, and one that it never had, are one when they grow."""
    seldom = Hour(inputs=[3], shares={"label": {"once": 1, "twice": 2}})
    known = hours | dict.fromkeys(range(MONDAY + 9, START, 24), seldom)
    shares = fit_inputs(gather(known, Calendar(), until=START), families=["label"]).shares["label"]
    detector = HourlyShares(shares, Calendar(), family="label", days=DAYS, budget=WORDS)
    for number in range(START, START + 96):
        labels = hours[number].shares["label"] | {"once": 3, "never": 4}
        found = detector.hour(number, Hour(shares={"label": labels}))
        if found.alarm:
            break
    assert found.alarm
    assert found.worst == RARE
    assert found.samples == sum(sum(hours[n].shares["label"].values()) + 7 for n in range(START, number + 1))


def test_samples_are_what_was_heard(hours: dict[int, Hour], make: Any) -> None:
    """Inputs are counted for the detectors of inputs, pairs for agreement."""
    span = range(START, START + 5)
    for kind, field in (("novelty", "inputs"), ("cluster", "inputs"), ("label", "inputs"), ("agreement", "pairs")):
        detector = make(kind)
        for number in span:
            found = detector.hour(number, hours[number])
        assert found.samples == sum(sum(getattr(hours[number], field)) for number in span)


def test_says_its_name_and_budget(make: Any) -> None:
    """Detectors are called as their families, and say how often they may be wrong."""
    assert [make(kind).name for kind in KINDS] == KINDS
    assert all(make(kind).budget() == WORDS for kind in KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_refuses_what_belongs_to_another_baseline(kind: str, make: Any) -> None:
    """A state of another family, and an hour with more clusters, are ValueErrors."""
    detector = make(kind)
    for body in (make("novelty" if kind != "novelty" else "cluster").state(), b"{}", b"["):
        with pytest.raises(ValueError, match=r"."):
            detector.restore(body)
    if kind != "label":
        with pytest.raises(ValueError, match="7 clusters"):
            detector.hour(START, Hour(inputs=[1] * 7, pairs=[1] * 7))

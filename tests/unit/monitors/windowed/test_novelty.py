from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from monitors.windowed import arrays
from monitors.windowed.budget import budget_days
from monitors.windowed.calendar import Slot
from monitors.windowed.novelty import Novelty, NoveltyBaseline, NoveltyState, fit_novelty

REFERENCE = 14
DAYS = budget_days()


def fitted(traffic: Any, weekends: Any, days: int = REFERENCE) -> NoveltyBaseline:
    """The baseline of the first days."""
    return fit_novelty(traffic.days("inputs", 0, days), traffic.days("exceeded", 0, days), weekends(days))


def run(novelty: Novelty, traffic: Any, first: int = REFERENCE * 24) -> Any:
    """Alarms of every stream in every hour from `first` on: (H, B)."""
    return np.array(
        [novelty.step(slot(h), traffic.inputs[:, h], traffic.exceeded[:, h]).alarm for h in hours(traffic, first)]
    )


def hours(traffic: Any, first: int) -> range:
    """The hours from `first` to the last."""
    return range(first, traffic.hours)


def slot(hour: int) -> Slot:
    """The slot of an hour of drawn traffic."""
    return Slot(hour // 24, hour % 24, hour // 24 % 7 >= 5)


def with_topic(traffic: Any, share: float, onset: int, rng: np.random.Generator) -> None:
    """Replace a share of the inputs from an hour on by inputs of which most are unlike the reference."""
    old = traffic.inputs[:, onset:]
    new = rng.binomial(old, share)
    kept = rng.binomial(traffic.exceeded[:, onset:], 1 - share)
    levels = np.minimum.accumulate(rng.binomial(new[..., None], [0.85, 0.8, 0.7, 0.45]), axis=-1)
    traffic.exceeded[:, onset:] = kept + levels


def test_each_hour_equals_the_formulas(draw: Any, weekends: Any, literal: Any) -> None:
    """Expected counts, ratios, weights and lanes are those of the report, at a busy and at a quiet task."""
    for per_day, share in ((2000, 0.1), (200, 0.0)):
        traffic = draw(np.random.default_rng(1), 1, 17, per_day=per_day)
        base = fitted(traffic, weekends)
        novelty = Novelty(base, days=DAYS)
        span = hours(traffic, REFERENCE * 24)
        found = [novelty.step(slot(h), traffic.inputs[:, h], traffic.exceeded[:, h]).evidence[0] for h in span]
        expected = np.array(
            [
                [
                    sum(traffic.inputs[0, h, k] * base.by_cluster[0, k, level] for k in range(6))
                    * base.rate[0, int(slot(h).weekend), h % 24, level]
                    * base.upper[0, level]
                    for level in range(4)
                ]
                for h in span
            ]
        )
        observed = traffic.exceeded[0, span.start :].sum(1)
        q = base.overall[0]
        ratios = [
            [min((q[level] + lift) / q[level], 60) for lift in (0.005, 0.015, 0.04, 0.1, 0.3)] for level in range(4)
        ]
        common = {"weights": np.full((4, 5), 1 / 20), "phases": 4}
        clip, eps = ((2.5, 2.0), 0.002) if per_day >= 1000 else ((2.0, 3.0), 0.02)
        clipped = literal(observed, expected, base.phi[0], ratios, clip=clip, eps=eps, **common)
        plain = literal(observed, expected, base.phi[0], ratios, clip=(0.0, np.inf), eps=0.05, **common)
        statistic = (1 - share) * np.array(clipped) + share * np.array(plain)
        np.testing.assert_allclose(found, np.log(np.maximum(statistic, 1)) / np.log(DAYS), rtol=1e-9, atol=1e-12)


def test_the_baseline_equals_the_formulas(draw: Any, weekends: Any) -> None:
    """Rates per cluster are shrunk by 20 inputs to those of all; volume decides whether a task is busy."""
    traffic = draw(np.random.default_rng(2), 2, REFERENCE, per_day=900)
    traffic.inputs[1] *= 2
    traffic.exceeded[1] *= 2
    base = fitted(traffic, weekends)
    n, above = traffic.inputs[0].sum(0), traffic.exceeded[0].sum(0)
    overall = (above.sum(0) + 0.5) / (n.sum() + 1)
    np.testing.assert_allclose(base.overall[0], overall)
    np.testing.assert_allclose(base.by_cluster[0], (above + 20 * overall) / (n[:, None] + 20))
    assert base.busy.tolist() == [0.0, 1.0]


def test_a_batch_is_many_tasks(draw: Any, weekends: Any) -> None:
    """Tasks that are computed at once, busy and quiet ones, have the evidence that each has alone."""
    traffic = draw(np.random.default_rng(3), 3, 16, per_day=700)
    traffic.inputs[0] *= 3
    traffic.exceeded[0] *= 3
    together = Novelty(fitted(traffic, weekends), days=DAYS)
    alone = [
        Novelty(
            fit_novelty(traffic.days("inputs", 0, 14)[b], traffic.days("exceeded", 0, 14)[b], weekends(14)), days=DAYS
        )
        for b in range(3)
    ]
    for h in hours(traffic, 14 * 24):
        both = together.step(slot(h), traffic.inputs[:, h], traffic.exceeded[:, h])
        ones = [one.step(slot(h), traffic.inputs[b, h], traffic.exceeded[b, h]) for b, one in enumerate(alone)]
        np.testing.assert_allclose(both.evidence, [one.evidence for one in ones], rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(both.score, [one.score for one in ones])


def test_continues_from_json(draw: Any, weekends: Any) -> None:
    """Both lanes survive storage exactly."""
    traffic = draw(np.random.default_rng(4), 1, 16)
    base = arrays.decode(arrays.encode(fitted(traffic, weekends)), NoveltyBaseline)
    kept = Novelty(base, days=DAYS)
    for h in hours(traffic, 14 * 24):
        again = Novelty(base, days=DAYS)
        again.restore(arrays.decode(arrays.encode(kept.state()), NoveltyState))
        ours = kept.step(slot(h), traffic.inputs[:, h], traffic.exceeded[:, h])
        theirs = again.step(slot(h), traffic.inputs[:, h], traffic.exceeded[:, h])
        assert ours.evidence[0] == theirs.evidence[0]


def test_an_alarm_forgets_the_evidence_of_its_stream_only(draw: Any, weekends: Any) -> None:
    """After an alarm a stream begins again; its neighbours go on."""
    rng = np.random.default_rng(5)
    traffic = draw(rng, 2, 18)
    novel = draw(rng, 2, 18)
    novel.inputs[:], novel.exceeded[:] = traffic.inputs, traffic.exceeded
    with_topic(novel, 0.5, 14 * 24, rng)
    traffic.exceeded[0] = novel.exceeded[0]
    novelty = Novelty(fitted(traffic, weekends), days=DAYS)
    readings = [novelty.step(slot(h), traffic.inputs[:, h], traffic.exceeded[:, h]) for h in hours(traffic, 14 * 24)]
    first = next(number for number, reading in enumerate(readings) if reading.alarm[0])
    assert readings[first].evidence[0] > 1 > readings[first + 1].evidence[0]
    assert not any(reading.alarm[1] for reading in readings)


def test_refuses_a_reference_without_inputs(weekends: Any) -> None:
    """A baseline of nothing would expect nothing: it is refused."""
    with pytest.raises(ValueError, match="no inputs"):
        fit_novelty(np.zeros((7, 24, 3)), np.zeros((7, 24, 3, 4)), weekends(7))


@pytest.mark.slow
def test_keeps_its_budget_without_drift(draw: Any, weekends: Any) -> None:
    """50 tasks, 90 days each: at most as many alarms as the family's third of one in 30 days."""
    traffic = draw(np.random.default_rng(60), 50, REFERENCE + 90)
    alarms = run(Novelty(fitted(traffic, weekends), days=DAYS), traffic)
    assert alarms.sum() <= 50 * 90 / DAYS / 3


@pytest.mark.slow
@pytest.mark.parametrize(("share", "limit_h"), [(0.2, 12), (0.1, 24)])
def test_finds_a_new_topic_within_hours(draw: Any, weekends: Any, share: float, limit_h: int) -> None:
    """A tenth or a fifth of the traffic that is new is found within a day, at 2,000 inputs a day, in most tasks."""
    rng = np.random.default_rng(61)
    traffic = draw(rng, 50, REFERENCE + 6)
    onset = (REFERENCE + 3) * 24 + 10
    with_topic(traffic, share, onset, rng)
    alarms = run(Novelty(fitted(traffic, weekends), days=DAYS), traffic)
    found = alarms[onset - REFERENCE * 24 :]
    delays = np.where(found.any(0), found.argmax(0) + 1, 999)
    assert np.median(delays) <= limit_h
    assert (delays < 3 * 24).all()


@pytest.mark.slow
def test_finds_what_comes_in_one_hour_only(draw: Any, weekends: Any) -> None:
    """A topic that has one hour of every day for itself is found in days although the clip hides it."""
    rng = np.random.default_rng(62)
    traffic, all_day = (draw(np.random.default_rng(62), 20, REFERENCE + 14) for _ in range(2))
    with_topic(all_day, 0.9, REFERENCE * 24, rng)
    night = np.arange(traffic.hours) % 24 == 4
    traffic.exceeded[:, night] = all_day.exceeded[:, night]
    alarms = run(Novelty(fitted(traffic, weekends), days=DAYS), traffic)
    assert alarms.any(0).mean() >= 0.9

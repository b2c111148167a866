from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from monitors.windowed import arrays
from monitors.windowed.budget import budget_days
from monitors.windowed.calendar import Slot
from monitors.windowed.dispersion import dispersion, upper_factor
from monitors.windowed.seasons import seasonal_rate
from monitors.windowed.shares import RARE, Shares, SharesBaseline, SharesState, fit_shares

REFERENCE = 14
DAYS = budget_days()


def fitted(traffic: Any, weekends: Any) -> SharesBaseline:
    """The baseline of the first 14 days."""
    return fit_shares(traffic.days("inputs", 0, REFERENCE), weekends(REFERENCE), last_day=REFERENCE - 1)


def slot(hour: int) -> Slot:
    """The slot of an hour of drawn traffic."""
    return Slot(hour // 24, hour % 24, hour // 24 % 7 >= 5)


def run(shares: Shares, traffic: Any) -> list[Any]:
    """A reading for each hour after the reference."""
    return [shares.step(slot(h), traffic.inputs[:, h]) for h in range(REFERENCE * 24, traffic.hours)]


def literal_levels(observed: Any, expected: Any, reference: int) -> list[tuple[Any, float]]:
    """The local level before every day, by the report's recursion."""
    keep, m0 = 0.5 ** (1 / 7), 2 * expected[:reference].mean(0)
    so = se = np.zeros_like(m0)
    sw = sw2 = 0.0
    out = []
    for day in range(len(observed) + 1):
        if day >= 2:
            so, se = keep * so + observed[day - 2], keep * se + expected[day - 2]
            sw, sw2 = keep * sw + 1, keep**2 * sw2 + 1
        out.append((np.clip((so + m0) / (se + m0), 1 / 2, 2), (sw + 2) ** 2 / (sw2 + 2)))
    return out


def literal_categories(counts: Any) -> Any:
    """Only those with 5 counts a reference day, and the sum of all others after them when there are any: (H, <= J)."""
    watched = [j for j in range(counts.shape[1]) if counts[: REFERENCE * 24, j].sum() / REFERENCE >= 5]
    rare = [counts[:, j] for j in range(counts.shape[1]) if j not in watched]
    return np.column_stack([counts[:, watched], *([sum(rare)] if rare else [])])


@pytest.mark.parametrize(("per_day", "columns"), [(2000, 6), (60, 5), (20, 2), (5, 1)])
def test_each_hour_equals_the_formulas(per_day: float, columns: int, draw: Any, weekends: Any, literal: Any) -> None:
    """Rare ones as one, season, local level, phi from its forecasts, bound from its days: as the report has them."""
    traffic = draw(np.random.default_rng(1), 1, 19, per_day=per_day)
    counts = literal_categories(traffic.inputs[0])
    assert counts.shape[1] == columns
    reference = counts[: 14 * 24].reshape(14, 24, columns)
    rate = seasonal_rate(reference, reference.sum(-1, keepdims=True), weekends(14))
    plain = np.array([counts[h].sum() * rate[int(slot(h).weekend), h % 24] for h in range(traffic.hours)])
    by_day, plain_by_day = (a.reshape(19, 24, columns).sum(1) for a in (counts, plain))
    levels = literal_levels(by_day, plain_by_day, 14)
    forecast = np.array([plain_by_day[d] * levels[d][0] for d in range(14)])
    phi = dispersion(by_day[5:14].astype(float), forecast[5:], lost=2, prior=0.1, pool=6)
    daily = plain_by_day[:14].mean(0)
    expected = []
    for h in range(14 * 24, traffic.hours):
        factor, days = levels[h // 24]
        effective = daily * factor * days / (1 + phi * daily * factor)
        expected.append(plain[h] * factor * upper_factor(effective, level=0.9))
    statistic = literal(
        counts[14 * 24 :],
        np.array(expected),
        phi,
        [[1.5, 2.5, 5.0]] * columns,
        np.full((columns, 3), 1 / (3 * columns)),
        phases=1,
        clip=(4.0, 4.0),
        eps=0.1,
        whole=0.01,
    )
    found = [reading.evidence[0] for reading in run(Shares(fitted(traffic, weekends), days=DAYS), traffic)]
    np.testing.assert_allclose(found, np.log(np.maximum(statistic, 1)) / np.log(DAYS), rtol=1e-9, atol=1e-12)


def test_a_batch_is_many_tasks(draw: Any, weekends: Any) -> None:
    """Tasks computed at once, each with other rare categories, have the evidence that each has alone."""
    rng = np.random.default_rng(2)
    traffic = draw(rng, 3, 18)
    traffic.inputs[1:] = rng.binomial(traffic.inputs[1:], [[[0.03]], [[0.01]]])
    assert fitted(traffic, weekends).own.sum(-1).tolist() == [6, 4, 1]
    together = Shares(fitted(traffic, weekends), days=DAYS)
    alone = [
        Shares(fit_shares(traffic.days("inputs", 0, 14)[b], weekends(14), last_day=13), days=DAYS) for b in range(3)
    ]
    for h in range(14 * 24, traffic.hours):
        both = together.step(slot(h), traffic.inputs[:, h])
        ones = [one.step(slot(h), traffic.inputs[b, h]) for b, one in enumerate(alone)]
        np.testing.assert_allclose(both.evidence, [one.evidence for one in ones], rtol=1e-9, atol=1e-12)
        assert both.worst.tolist() == [int(one.worst) for one in ones]


@pytest.mark.parametrize("per_day", [2000, 60])
def test_continues_from_json_at_every_hour(per_day: float, draw: Any, weekends: Any) -> None:
    """Evidence, level and the day that is not over survive storage exactly, rare categories or not."""
    traffic = draw(np.random.default_rng(3), 1, 18, per_day=per_day)
    base = arrays.decode(arrays.encode(fitted(traffic, weekends)), SharesBaseline)
    kept = Shares(base, days=DAYS)
    for h in range(14 * 24, traffic.hours):
        again = Shares(base, days=DAYS)
        again.restore(arrays.decode(arrays.encode(kept.state()), SharesState))
        assert kept.step(slot(h), traffic.inputs[:, h]).evidence == again.step(slot(h), traffic.inputs[:, h]).evidence


def test_names_the_category_that_grew(draw: Any, weekends: Any) -> None:
    """A cluster with five times its traffic alarms within days, is named, and its score is about what it grew by."""
    traffic = draw(np.random.default_rng(4), 8, 14 + 7)
    traffic.inputs[:, 14 * 24 :, 4] *= 5
    readings = run(Shares(fitted(traffic, weekends), days=DAYS), traffic)
    alarms = np.array([reading.alarm for reading in readings])
    assert alarms.any(0).all()
    for stream, first in enumerate(alarms.argmax(0)):
        assert 24 < first < 5 * 24, "by design not on the first day, for that may be a campaign"
        assert readings[first].worst[stream] == 4
        assert 2 < readings[first].score[stream] < 5


@pytest.mark.parametrize(
    ("a_day", "watched", "last"),
    [
        ((9, 9, 9), "abc", RARE),
        ((9, 4, 9), "ac", "b"),
        ((9, 4, 4), "a", RARE),
        ((9, 9, 0), "ab", "c"),
        ((5, 5 - 1 / 7, 5), "ac", "b"),
        ((1, 1, 1), "", RARE),
    ],
)
def test_categories_with_less_than_five_a_day_are_one(
    a_day: tuple[float, ...], watched: str, last: str, weekends: Any
) -> None:
    """The others are watched on their own; a single rare one keeps its name, several are called rare."""
    counts = np.zeros((7, 24, 3))
    counts[:, 12] = a_day
    base = fit_shares(counts, weekends(7), last_day=6, names="abc")
    assert "".join(base.watched) == watched
    assert [base.column_name(column) for column in range(4)] == ["a", "b", "c", last]
    np.testing.assert_allclose(base.daily > 0, [name in watched for name in "abc"] + [len(watched) < 3])


def test_rare_categories_that_grow_together_are_named(draw: Any, weekends: Any) -> None:
    """When all that is rare has five times its traffic, it alarms within days, and its column is named."""
    traffic = draw(np.random.default_rng(6), 6, 14 + 7, clusters=12, per_day=100)
    base = fitted(traffic, weekends)
    traffic.inputs[:, 14 * 24 :] *= np.where(base.own, 1, 5)[:, None].astype(int)
    readings = run(Shares(base, days=DAYS), traffic)
    alarms = np.array([reading.alarm for reading in readings])
    assert alarms.any(0).all()
    for stream, first in enumerate(alarms.argmax(0)):
        assert readings[first].worst[stream] == 12
        assert readings[first].score[stream] > 1.5


def test_where_all_are_rare_there_is_nothing_to_compare(draw: Any, weekends: Any) -> None:
    """One column that holds everything is always what is expected, whatever changes inside it."""
    traffic = draw(np.random.default_rng(7), 2, 21, per_day=8)
    traffic.inputs[:, 14 * 24 :, 5] = 3
    base = fitted(traffic, weekends)
    assert not base.own.any()
    assert max(reading.evidence.max() for reading in run(Shares(base, days=DAYS), traffic)) < 0.8


def test_refuses_a_state_of_other_categories(draw: Any, weekends: Any) -> None:
    """A memory of another number of categories is a ValueError."""
    counts = draw(np.random.default_rng(8), 1, 14).days("inputs", 0, 14)
    other = fit_shares(counts[..., :5], weekends(14), last_day=13)
    shares = Shares(fit_shares(counts, weekends(14), last_day=13), days=DAYS)
    with pytest.raises(ValueError, match="shape"):
        shares.restore(Shares(other, days=DAYS).state())


def test_days_that_were_skipped_count_as_silent(draw: Any, weekends: Any) -> None:
    """A detector that starts days after its reference knows as little of them as one that heard their silence."""
    traffic = draw(np.random.default_rng(5), 1, 20)
    base = fitted(traffic, weekends)
    heard, skipped = Shares(base, days=DAYS), Shares(base, days=DAYS)
    for h in range(14 * 24, 18 * 24):
        heard.step(slot(h), np.zeros((1, 6)))
    heard.reset(np.array([True]))
    for h in range(18 * 24, traffic.hours):
        one, other = (shares.step(slot(h), traffic.inputs[:, h]) for shares in (heard, skipped))
        np.testing.assert_allclose(one.evidence, other.evidence)


def test_refuses_a_reference_without_counts(weekends: Any) -> None:
    """A baseline of nothing would expect nothing: it is refused."""
    with pytest.raises(ValueError, match="no inputs"):
        fit_shares(np.zeros((7, 24, 3)), weekends(7), last_day=6)


@pytest.mark.slow
def test_keeps_its_budget_while_shares_wander(draw: Any, weekends: Any) -> None:
    """50 tasks, 90 days each, log-shares that walk .02 a day: at most a third of one alarm in 30 days."""
    rng = np.random.default_rng(70)
    traffic = draw(rng, 50, REFERENCE + 90)
    walk = np.cumsum(rng.normal(0, 0.02, (50, REFERENCE + 90, 6)), axis=1)
    thinned = np.exp(walk - walk.max(axis=(1, 2), keepdims=True))
    traffic.inputs = rng.binomial(traffic.inputs, np.repeat(thinned, 24, axis=1))
    readings = run(Shares(fitted(traffic, weekends), days=DAYS), traffic)
    assert sum(reading.alarm.sum() for reading in readings) <= 50 * 90 / DAYS / 3


@pytest.mark.slow
def test_many_quiet_clusters_keep_the_budget(draw: Any, weekends: Any) -> None:
    """16 tasks, 90 days each, 100 clusters at 200 inputs a day: at most a third of one alarm in 30 days."""
    traffic = draw(np.random.default_rng(71), 16, REFERENCE + 90, clusters=100, per_day=200, phi=0.3)
    readings = run(Shares(fitted(traffic, weekends), days=DAYS), traffic)
    assert sum(reading.alarm.sum() for reading in readings) <= 16 * 90 / DAYS / 3

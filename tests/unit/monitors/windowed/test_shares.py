from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from monitors.windowed import arrays
from monitors.windowed.budget import budget_days
from monitors.windowed.calendar import Slot
from monitors.windowed.dispersion import dispersion, upper_factor
from monitors.windowed.seasons import seasonal_rate
from monitors.windowed.shares import Shares, SharesBaseline, SharesState, fit_shares

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
        out.append((np.clip((so + m0) / (se + m0), 1 / 3, 3), (sw + 2) ** 2 / (sw2 + 2)))
    return out


def test_each_hour_equals_the_formulas(draw: Any, weekends: Any, literal: Any) -> None:
    """Season, local level, phi from its forecasts, bound from its days: all as the report has them."""
    traffic = draw(np.random.default_rng(1), 1, 19)
    counts = traffic.inputs[0]
    reference = counts[: 14 * 24].reshape(14, 24, 6)
    rate = seasonal_rate(reference, reference.sum(-1, keepdims=True), weekends(14))
    plain = np.array([counts[h].sum() * rate[int(slot(h).weekend), h % 24] for h in range(traffic.hours)])
    by_day, plain_by_day = (a.reshape(19, 24, 6).sum(1) for a in (counts, plain))
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
        [[1.5, 2.5, 5.0]] * 6,
        np.full((6, 3), 1 / 18),
        phases=1,
        clip=(4.0, 4.0),
        eps=0.1,
        whole=0.01,
    )
    found = [reading.evidence[0] for reading in run(Shares(fitted(traffic, weekends), days=DAYS), traffic)]
    np.testing.assert_allclose(found, np.log(np.maximum(statistic, 1)) / np.log(DAYS), rtol=1e-9, atol=1e-12)


def test_a_batch_is_many_tasks(draw: Any, weekends: Any) -> None:
    """Tasks that are computed at once have the evidence that each has alone, from the same alone-learned baseline."""
    traffic = draw(np.random.default_rng(2), 3, 18)
    together = Shares(fitted(traffic, weekends), days=DAYS)
    alone = [
        Shares(fit_shares(traffic.days("inputs", 0, 14)[b], weekends(14), last_day=13), days=DAYS) for b in range(3)
    ]
    for h in range(14 * 24, traffic.hours):
        both = together.step(slot(h), traffic.inputs[:, h])
        ones = [one.step(slot(h), traffic.inputs[b, h]) for b, one in enumerate(alone)]
        np.testing.assert_allclose(both.evidence, [one.evidence for one in ones], rtol=1e-9, atol=1e-12)
        assert both.worst.tolist() == [int(one.worst) for one in ones]


def test_continues_from_json_at_every_hour(draw: Any, weekends: Any) -> None:
    """Evidence, level and the day that is not over survive storage exactly."""
    traffic = draw(np.random.default_rng(3), 1, 18)
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

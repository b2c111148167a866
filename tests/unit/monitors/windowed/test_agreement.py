from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.stats import chi2

from monitors.windowed import arrays
from monitors.windowed.agreement import Agreement, AgreementBaseline, fit_agreement
from monitors.windowed.budget import budget_days
from monitors.windowed.calendar import Slot
from monitors.windowed.dispersion import dispersion, upper_factor
from monitors.windowed.sr import SRState

REFERENCE = 14
DAYS = budget_days()
ANY = Slot(0, 0, False)


def fitted(traffic: Any) -> AgreementBaseline:
    """The baseline of the first 14 days."""
    return fit_agreement(traffic.days("pairs", 0, REFERENCE), traffic.days("disagreed", 0, REFERENCE))


def run(agreement: Agreement, traffic: Any) -> list[Any]:
    """A reading for each hour after the reference."""
    return [
        agreement.step(ANY, traffic.pairs[:, h], traffic.disagreed[:, h]) for h in range(REFERENCE * 24, traffic.hours)
    ]


def with_errors(traffic: Any, share: float, onset: int, rng: np.random.Generator, clusters: Any = slice(None)) -> None:
    """Let a share of the pairs that agreed disagree, from an hour on."""
    agreed = (traffic.pairs - traffic.disagreed)[:, onset:, clusters]
    traffic.disagreed[:, onset:, clusters] += rng.binomial(agreed, share)


def test_each_hour_equals_the_formulas(draw: Any, literal: Any) -> None:
    """Rates, bounds, ratios and the two halves of the weight are those of the report."""
    traffic = draw(np.random.default_rng(1), 1, 16)
    pairs, wrong = traffic.pairs[0], traffic.disagreed[0]
    n, events = pairs[: 14 * 24].sum(0), wrong[: 14 * 24].sum(0)
    d = (events.sum() + 0.5) / (n.sum() + 1)
    rate = (events + 2) / (n + 2 / d)
    by_day, expected_by_day = (a[: 14 * 24].reshape(14, 24, 6).sum(1) for a in (wrong, pairs * rate))
    moments = ((by_day - expected_by_day) ** 2).sum(0) * 14 / 12 - expected_by_day.sum(0)
    moments = np.maximum(moments / (expected_by_day**2).sum(0), 0)
    alike = (4 * 0.05 + 12 * np.average(moments, weights=expected_by_day.sum(0))) / chi2.ppf(0.2, 16)
    flat = (events.sum() + 0.5) / (expected_by_day.sum() + 0.5)
    total = expected_by_day.sum(1, keepdims=True) * flat
    phi = float(dispersion(by_day.sum(1, keepdims=True).astype(float), total, lost=2, prior=0.05)[0])
    factor = upper_factor(total.sum() / (1 + phi * total.sum() / 14), level=0.85)
    base = fitted(traffic)
    assert base.phi[0] == pytest.approx([phi, *[alike] * 6], rel=0.01)
    own = n * rate / (1 + base.phi[0, 1:] * n * rate / 14)
    factors = upper_factor(own + 2, level=0.9)
    observed = np.column_stack([wrong.sum(1), wrong])[14 * 24 :]
    expected = np.column_stack([pairs @ rate * flat * factor, pairs * rate * factors])[14 * 24 :]
    ratios = [[(d + lift) / d for lift in (0.02, 0.05, 0.1, 0.2)], *[[1.5, 2, 3, 6]] * 6]
    weights = [[0.8 * w for w in (0.15, 0.3, 0.3, 0.25)], *[[0.2 / 24] * 4] * 6]
    options = {"phases": 4, "clip": (3.0, 3.0), "eps": 0.0, "whole": 0.01}
    statistic = literal(observed, expected, base.phi[0], ratios, weights, **options)
    found = [reading.evidence[0] for reading in run(Agreement(base, days=DAYS), traffic)]
    np.testing.assert_allclose(found, np.log(np.maximum(statistic, 1)) / np.log(DAYS), rtol=1e-9, atol=1e-12)


def test_a_batch_is_many_tasks(draw: Any) -> None:
    """Tasks that are computed at once have the evidence that each has alone."""
    traffic = draw(np.random.default_rng(2), 3, 16)
    together = run(Agreement(fitted(traffic), days=DAYS), traffic)
    for b in range(3):
        base = fit_agreement(traffic.days("pairs", 0, 14)[b], traffic.days("disagreed", 0, 14)[b])
        alone = Agreement(base, days=DAYS)
        for h, both in zip(range(14 * 24, traffic.hours), together, strict=True):
            one = alone.step(ANY, traffic.pairs[b, h], traffic.disagreed[b, h])
            assert both.evidence[b] == pytest.approx(one.evidence, rel=1e-9, abs=1e-12)
            assert both.worst[b] == one.worst


def test_continues_from_json_at_every_hour(draw: Any) -> None:
    """The evidence survives storage exactly."""
    traffic = draw(np.random.default_rng(3), 1, 16)
    base = arrays.decode(arrays.encode(fitted(traffic)), AgreementBaseline)
    kept = Agreement(base, days=DAYS)
    for h in range(14 * 24, traffic.hours):
        again = Agreement(base, days=DAYS)
        again.restore(arrays.decode(arrays.encode(kept.state()), SRState))
        hour = (ANY, traffic.pairs[:, h], traffic.disagreed[:, h])
        assert kept.step(*hour).evidence == again.step(*hour).evidence


def test_names_the_cluster_that_went_wrong(draw: Any) -> None:
    """When one small cluster disagrees it is that cluster which adds most."""
    rng = np.random.default_rng(4)
    traffic = draw(rng, 8, REFERENCE + 14)
    with_errors(traffic, 0.4, REFERENCE * 24, rng, clusters=[5])
    readings = run(Agreement(fitted(traffic), days=DAYS), traffic)
    alarms = np.array([reading.alarm for reading in readings])
    assert alarms.any(0).all()
    named = [readings[first].worst[stream] for stream, first in enumerate(alarms.argmax(0))]
    assert named.count(6) >= 7


def test_a_change_of_mix_is_no_loss(draw: Any) -> None:
    """When the cluster that agrees least grows five times, agreement inside every cluster as before, nothing alarms."""
    rng = np.random.default_rng(5)
    traffic = draw(rng, 20, REFERENCE + 20)
    raw = draw(np.random.default_rng(5), 20, REFERENCE + 20)
    for one in (traffic, raw):
        before = one.pairs[:, REFERENCE * 24 :, 5]
        extra = rng.poisson(4 * before.mean(), before.shape)
        one.pairs[:, REFERENCE * 24 :, 5] += extra
        one.disagreed[:, REFERENCE * 24 :, 5] += rng.binomial(extra, 0.09)
    raw.pairs, raw.disagreed = (counts.sum(-1, keepdims=True) for counts in (raw.pairs, raw.disagreed))
    conditioned, pooled = (run(Agreement(fitted(one), days=DAYS), one) for one in (traffic, raw))
    assert sum(reading.alarm.sum() for reading in conditioned) == 0
    assert sum(reading.score.mean() for reading in pooled) > 1.05 * sum(reading.score.mean() for reading in conditioned)


def test_refuses_a_reference_without_pairs() -> None:
    """A baseline of nothing would expect nothing: it is refused."""
    with pytest.raises(ValueError, match="no pairs"):
        fit_agreement(np.zeros((14, 24, 3)), np.zeros((14, 24, 3)))


@pytest.mark.slow
def test_keeps_its_budget_without_loss(draw: Any) -> None:
    """50 tasks, 90 days each: at most a third of one alarm in 30 days."""
    traffic = draw(np.random.default_rng(80), 50, REFERENCE + 90)
    readings = run(Agreement(fitted(traffic), days=DAYS), traffic)
    assert sum(reading.alarm.sum() for reading in readings) <= 50 * 90 / DAYS / 3


@pytest.mark.slow
@pytest.mark.parametrize(("points", "limit_h"), [(0.15, 14), (0.10, 30)])
def test_finds_a_loss_within_hours(draw: Any, points: float, limit_h: int) -> None:
    """With 200 pairs a day a loss of 10 or 15 points is found within hours, in most tasks."""
    rng = np.random.default_rng(81)
    traffic = draw(rng, 50, REFERENCE + 10)
    onset = (REFERENCE + 3) * 24 + 10
    with_errors(traffic, points / 0.94, onset, rng)
    alarms = np.array([reading.alarm for reading in run(Agreement(fitted(traffic), days=DAYS), traffic)])
    found = alarms[onset - REFERENCE * 24 :]
    delays = np.where(found.any(0), found.argmax(0) + 1, 999)
    assert np.median(delays) <= limit_h

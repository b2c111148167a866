from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from monitors.windowed import arrays
from monitors.windowed.sr import NO_CLIP, SRState, WindowSR, evidence

RATIOS = np.array([[1.3, 2.0], [1.5, 4.0], [1.2, 8.0]])
WEIGHTS = np.full((3, 2), 1 / 6)
PHI, UPPER = np.array([0.02, 0.1, 0.3]), np.array([1.0, 1.1, 1.3])
SETTINGS = [
    {"phases": 4, "clip": (2.0, 2.0), "eps": 0.002},
    {"phases": 1, "clip": (4.0, 4.0), "eps": 0.1},
    {"phases": 4, "clip": NO_CLIP, "eps": 0.05},
    {"phases": 4, "clip": (2.0, 2.0), "eps": 0.0},
    {"phases": 2, "clip": (3.0, 3.0), "eps": 0.0, "whole": 60.0},
]


def hours(n: int, *, seed: int = 3, growth: float = 1.5, batch: tuple[int, ...] = ()) -> tuple[Any, Any]:
    """Observed and expected counts of n hours, (*b, n, 3), a fifth of them without traffic."""
    rng = np.random.default_rng(seed)
    expected = rng.gamma(2.0, 2.0, (*batch, n, 3)) * (rng.random((*batch, n, 1)) > 0.2)
    return rng.poisson(expected * growth), expected


@pytest.mark.parametrize("settings", SETTINGS)
def test_equals_the_sum_over_whole_windows(settings: dict[str, Any], literal: Any) -> None:
    """Hour by hour the statistic is what a literal transcription of the formulas gives."""
    observed, expected = hours(101)
    sr = WindowSR(RATIOS, WEIGHTS, **settings)
    ours = [float(sr.hour(o, e, PHI, UPPER).statistic) for o, e in zip(observed, expected, strict=True)]
    assert ours == pytest.approx(literal(observed, expected * UPPER, PHI, RATIOS, WEIGHTS, **settings), rel=1e-9)


def test_a_reset_forgets_evidence_and_counts(literal: Any) -> None:
    """After a reset only the hours after it count, also in windows that had begun before."""
    observed, expected = hours(80)
    sr = WindowSR(RATIOS, WEIGHTS, eps=0.002)
    ours = []
    for number, (o, e) in enumerate(zip(observed, expected, strict=True)):
        ours.append(float(sr.hour(o, e, PHI, UPPER).statistic))
        if number in (23, 40):
            sr.reset(np.array(True))
    options = {"phases": 4, "clip": (2.0, 2.0), "eps": 0.002, "resets": (23, 40)}
    assert ours == pytest.approx(literal(observed, expected * UPPER, PHI, RATIOS, WEIGHTS, **options), rel=1e-9)


def test_continues_from_json_at_every_hour() -> None:
    """A detector that is stored and restored after each hour gives exactly the same numbers."""
    observed, expected = hours(60)
    kept = WindowSR(RATIOS, WEIGHTS, eps=0.002)
    body = arrays.encode(kept.state())
    for o, e in zip(observed, expected, strict=True):
        again = WindowSR(RATIOS, WEIGHTS, eps=0.002)
        again.restore(arrays.decode(body, SRState))
        ours, theirs = kept.hour(o, e, PHI, UPPER), again.hour(o, e, PHI, UPPER)
        assert ours.statistic == theirs.statistic
        np.testing.assert_array_equal(ours.parts, theirs.parts)
        body = arrays.encode(again.state())


def test_a_batch_is_many_streams() -> None:
    """Streams that are computed at once, each with its own cap, are what each is alone; so is a reset of some."""
    observed, expected = hours(50, batch=(3, 2))
    eps = np.array([[0.0, 0.002], [0.05, 0.1], [0.01, 0.0]])
    slope = np.array([[1.0, 2.0], [2.0, 3.0], [0.5, 9.0]])
    ratios = np.broadcast_to(RATIOS, (3, 2, *RATIOS.shape))
    together = WindowSR(ratios, WEIGHTS, clip=(slope, 2.0), eps=eps)
    alone = {
        index: WindowSR(RATIOS, WEIGHTS, clip=(float(slope[index]), 2.0), eps=float(eps[index]))
        for index in np.ndindex(3, 2)
    }
    for number in range(50):
        both = together.hour(observed[..., number, :], expected[..., number, :], PHI, UPPER)
        for index, sr in alone.items():
            one = sr.hour(observed[index][number], expected[index][number], PHI, UPPER)
            assert both.statistic[index] == pytest.approx(one.statistic, rel=1e-12)
            np.testing.assert_allclose(both.ratio[index], one.ratio)
        if number == 30:
            together.reset(np.array([[True, False], [False, False], [False, True]]))
            alone[0, 0].reset(np.array(True))
            alone[2, 1].reset(np.array(True))


def test_the_parts_add_up_and_name_what_grew() -> None:
    """The categories' parts sum to the statistic, and the one that grew has the largest."""
    _, expected = hours(30)
    sr = WindowSR(RATIOS, WEIGHTS)
    for e in 10 * expected + 20:
        standing = sr.hour(np.round(e * [1, 1, 1.8]), e, PHI, np.ones(3))
    assert standing.parts.sum() == pytest.approx(standing.statistic)
    assert standing.parts.argmax() == 2
    assert standing.ratio[2] == pytest.approx(1.8, rel=0.02)
    assert standing.ratio[0] == pytest.approx(1, rel=0.02)


@pytest.mark.parametrize(("an_hour", "added"), [(0.0, 0.0), (1e-7, 24e-7), (0.01, 0.24), (1.0, 1.0)])
def test_a_window_adds_what_it_expects_but_at_most_one(an_hour: float, added: float) -> None:
    """Without evidence a day adds its expected events, or one: a task without traffic never alarms of silence."""
    sr = WindowSR(1 + RATIOS * 1e-12, WEIGHTS, phases=1)  # ratios that nothing speaks for or against
    e = np.full(3, an_hour)
    found = [float(sr.hour(e, e, PHI, np.ones(3)).statistic) for _ in range(72)]
    assert found[23::24] == pytest.approx([added, 2 * added, 3 * added])


def test_one_hour_cannot_count_more_than_the_clip() -> None:
    """However many events come in one hour, the evidence is that of the clipped count."""
    e = np.full(3, 4.0)
    flood, clipped = WindowSR(RATIOS, WEIGHTS), WindowSR(RATIOS, WEIGHTS)
    most = flood.hour(np.full(3, 1e6), e, PHI, np.ones(3)).statistic
    assert most == pytest.approx(clipped.hour(np.full(3, 10.0), e, PHI, np.ones(3)).statistic)


def test_one_window_cannot_add_more_than_its_cap() -> None:
    """With a soft cap eps the statistic of the first window is at most 1 / eps."""
    sr = WindowSR(RATIOS, WEIGHTS, phases=1, clip=NO_CLIP, eps=0.05)
    for _ in range(24):
        found = sr.hour(np.full(3, 1e5), np.full(3, 1.0), PHI, UPPER).statistic
    assert 19.9 < found <= 20.0


@pytest.mark.parametrize(("days", "hour"), [(1, 24), (3, 24), (3, 7)])
def test_mean_evidence_is_the_number_of_days(days: int, hour: int) -> None:
    """Under the model the mean is exactly one a window without clip and cap, and less with either."""
    rng = np.random.default_rng(11)
    streams, phi = 15_000, np.array([0.05])
    ratios, weights = np.array([[1.15, 1.3]]), np.array([[0.5, 0.5]])
    shape = (streams, 1, 2)
    free = WindowSR(np.broadcast_to(ratios, shape), weights, phases=1, clip=NO_CLIP)
    bound = {
        "clip": WindowSR(np.broadcast_to(ratios, shape), weights, phases=1, clip=(1.5, 1.0)),
        "cap": WindowSR(np.broadcast_to(ratios, shape), weights, phases=1, clip=NO_CLIP, eps=0.1),
    }
    for day in range(days):
        level = rng.gamma(1 / phi[0], phi[0], (streams, 1))
        for at in range(24 if day < days - 1 else hour):
            expected = np.full((streams, 1), 0.5 + at % 3)
            observed = rng.poisson(level * expected)
            found = free.hour(observed, expected, phi, np.ones(1)).statistic
            less = {name: sr.hour(observed, expected, phi, np.ones(1)).statistic for name, sr in bound.items()}
    error = 4 * found.std() / np.sqrt(streams)
    assert found.mean() == pytest.approx(days, abs=error)
    assert all(statistic.mean() < days for statistic in less.values())


def test_refuses_a_state_of_another_shape() -> None:
    """A state with other ratios or phases belongs to another detector."""
    with pytest.raises(ValueError, match="shape"):
        WindowSR(RATIOS, WEIGHTS).restore(WindowSR(RATIOS, WEIGHTS, phases=1).state())


@pytest.mark.parametrize(("statistic", "expected"), [(0.0, 0.0), (1.0, 0.0), (30.0, 0.5), (900.0, 1.0)])
def test_evidence_is_a_share_of_the_orders_of_magnitude(statistic: float, expected: float) -> None:
    """Evidence runs from nothing to one at A = 900."""
    assert float(evidence(np.asarray(statistic), 900.0)) == pytest.approx(expected)

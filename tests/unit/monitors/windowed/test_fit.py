from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from monitors.windowed import arrays
from monitors.windowed.agreement import AgreementBaseline
from monitors.windowed.calendar import Calendar
from monitors.windowed.fit import CLUSTER, InputBaseline, fit_inputs, fit_pairs
from monitors.windowed.history import gather
from monitors.windowed.hours import UNSEEN, Hour
from monitors.windowed.novelty import fit_novelty
from monitors.windowed.shares import fit_shares

MONDAY = 4 * 24  # 5 January 1970


def recorded(traffic: Any) -> dict[int, Hour]:
    """The first stream of drawn traffic as a live task counts it, with labels that follow the clusters."""
    return {
        MONDAY + h: Hour(
            inputs=traffic.inputs[0, h].tolist(),
            exceeded=traffic.exceeded[0, h].tolist(),
            shares={
                "label": {"even": int(traffic.inputs[0, h, ::2].sum()), "odd": int(traffic.inputs[0, h, 1::2].sum())}
            },
            pairs=traffic.pairs[0, h].tolist(),
            disagreed=traffic.disagreed[0, h].tolist(),
        )
        for h in range(traffic.hours)
    }


def test_a_live_history_gives_the_baselines_of_its_arrays(draw: Any, weekends: Any) -> None:
    """Fitting recorded hours and fitting arrays are the same thing."""
    traffic = draw(np.random.default_rng(1), 1, 14)
    history = gather(recorded(traffic), Calendar())
    baseline = fit_inputs(history, families=["label", "language"])
    inputs, exceeded = (traffic.days(name, 0, 14)[0] for name in ("inputs", "exceeded"))
    expected = fit_novelty(inputs, exceeded, weekends(14))
    np.testing.assert_allclose(baseline.novelty.rate, expected.rate)
    np.testing.assert_allclose(baseline.novelty.phi, expected.phi)
    shares = fit_shares(inputs, weekends(14), last_day=0)
    np.testing.assert_allclose(baseline.shares[CLUSTER].phi, shares.phi)
    assert baseline.shares[CLUSTER].names == ("0", "1", "2", "3", "4", "5")
    assert baseline.shares[CLUSTER].last_day == Calendar().slot(MONDAY + 14 * 24 - 1).day
    assert baseline.shares["label"].names == ("even", "odd", UNSEEN)
    assert set(baseline.shares) == {CLUSTER, "label"}, "a family that was never counted has no baseline"


def test_baselines_survive_storage_exactly(draw: Any) -> None:
    """What is stored is what was learned, to the last bit."""
    history = gather(recorded(draw(np.random.default_rng(2), 1, 14)), Calendar())
    baseline = fit_inputs(history, families=["label"])
    again = InputBaseline.from_bytes(baseline.to_bytes())
    assert again.to_bytes() == baseline.to_bytes()
    np.testing.assert_array_equal(again.shares["label"].level.factor, baseline.shares["label"].level.factor)
    pairs = fit_pairs(history)
    stored = arrays.decode(arrays.encode(pairs), AgreementBaseline)
    np.testing.assert_array_equal(stored.upper, pairs.upper)


def test_refuses_what_is_no_baseline() -> None:
    """Bytes of another kind are a ValueError."""
    with pytest.raises(ValueError, match="novelty"):
        InputBaseline.from_bytes(b"{}")


def test_refuses_a_history_without_days() -> None:
    """Nothing can be learned from less than a whole day."""
    history = gather({MONDAY: Hour(inputs=[1], pairs=[1])}, Calendar())
    with pytest.raises(ValueError, match="no inputs"):
        fit_inputs(history)
    with pytest.raises(ValueError, match="no pairs"):
        fit_pairs(history)

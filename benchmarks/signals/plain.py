"""The plain detectors on the same traffic: what the windowed ones are measured against.

`per-sample` is the e-process of `monitors.sr` over single requests, against bounds from the reference; `rolling` is the
share of the last 24 hours against the reference plus three standard deviations; `always` and `never` do what they say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from benchmarks.signals.monitored import AGREEMENT, BUDGET_DAYS, NOVELTY, SHARES, Alarms
from benchmarks.signals.scenarios import HOURS, REFERENCE_DAYS
from monitors.sr import ExceedanceSR, upper_bound

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from benchmarks.signals.simulator import Counts

_CUT = REFERENCE_DAYS * HOURS
_SIGMAS = 3.0


def per_sample(counts: Counts, rng: np.random.Generator) -> Alarms:
    """Three e-processes over single requests or pairs, in random order within the hour; alarms by hour."""
    found: dict[str, list[NDArray[np.int64]]] = {NOVELTY: [], SHARES: [], AGREEMENT: []}
    for inputs, exceeded, pairs, disagreed in zip(
        counts.inputs, counts.exceeded, counts.pairs, counts.disagreed, strict=True
    ):
        total, levels = inputs.sum(1), exceeded.sum(1)
        above = np.concatenate([total[:, None] - levels[:, :1], -np.diff(levels, axis=1), levels[:, -1:]], axis=1)
        nested = np.tri(levels.shape[1] + 1, levels.shape[1], -1, dtype=bool)  # which levels a request exceeds
        found[NOVELTY].append(_alarms(above, nested, rng))
        found[SHARES].append(_alarms(inputs, np.eye(inputs.shape[1], dtype=bool), rng))
        errors = np.stack([(pairs - disagreed).sum(1), disagreed.sum(1)], axis=1)
        found[AGREEMENT].append(_alarms(errors, np.array([[False], [True]]), rng))
    return {family: np.stack(rows) for family, rows in found.items()}


def _alarms(kinds: NDArray[np.int32], events: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.int64]:
    """Alarms by monitored hour of a stream; `kinds`: requests (hours, kinds), `events`: of a request of each kind."""
    reference = kinds[:_CUT].sum(0)
    n = int(reference.sum())
    process = ExceedanceSR(upper_bound(reference @ events, n).tolist())
    threshold = BUDGET_DAYS * n / REFERENCE_DAYS
    alarms = np.zeros(len(kinds) - _CUT, int)
    for hour, row in enumerate(kinds[_CUT:]):
        for kind in rng.permutation(np.repeat(np.arange(len(row)), row)):
            process.update(events[kind])
            if process.statistic > threshold:
                alarms[hour] += 1
                process.reset()
    return alarms


def rolling(counts: Counts) -> Alarms:
    """Hours in which a share of the last day goes above its limit, having been below."""
    inputs, pairs = counts.inputs.sum(2), counts.pairs.sum(2)
    return {
        NOVELTY: _crossings(counts.exceeded[..., 2].sum(2), inputs),
        SHARES: np.asarray(
            np.any([_crossings(counts.inputs[..., k], inputs) for k in range(counts.inputs.shape[2])], axis=0)
        ),
        AGREEMENT: _crossings(counts.disagreed.sum(2), pairs),
    }


def _crossings(events: NDArray[np.int32], exposure: NDArray[np.int32]) -> NDArray[np.bool_]:
    share = events[:, :_CUT].sum(1) / np.maximum(exposure[:, :_CUT].sum(1), 1)
    window = [np.cumsum(array, axis=1) for array in (events, exposure)]
    k, n = (total[:, _CUT - 1 :] - total[:, _CUT - 1 - HOURS : -HOURS] for total in window)
    rate = share[:, None]
    above = k > n * rate + _SIGMAS * np.sqrt(n * rate * (1 - rate))
    return np.asarray(above[:, 1:] & ~above[:, :-1])


def always(counts: Counts) -> Alarms:
    """An alarm every hour."""
    return {"always": np.ones((len(counts.inputs), counts.inputs.shape[1] - _CUT), bool)}


def never(counts: Counts) -> Alarms:
    """No alarm."""
    return {"never": np.zeros((len(counts.inputs), counts.inputs.shape[1] - _CUT), bool)}

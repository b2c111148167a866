"""What each hour of a weekday and of a weekend day can expect, learned from reference days."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from monitors.windowed.arrays import Floats

HOURS = 24
_SMOOTHING = (1, 2, 3, 2, 1)  # weights of an hour and its neighbours; the day is a circle
_LEAST_RATE = 0.02  # of the prior of half an event: nothing that was never seen is held impossible


def flat_rate(observed: Floats, exposure: Floats) -> Floats:
    """Events per exposure over all reference days: (*b, D, 24, J) each (or broadcasting) to (*b, J)."""
    events, seen = observed.sum((-3, -2)), exposure.sum((-3, -2))
    plain = events / np.maximum(seen, 1e-9)
    return np.asarray((events + 0.5) / (seen + 0.5 / np.maximum(plain, _LEAST_RATE)))


def seasonal_rate(observed: Floats, exposure: Floats, weekend: NDArray[np.bool_]) -> Floats:
    """Events per exposure by kind of day and hour: (*b, D, 24, J) each and (D,) to (*b, 2, 24, J); weekends last.

    Neighbouring hours are smoothed together, and each rate is shrunk by one day's worth towards the rate of all hours.
    """
    flat = flat_rate(observed, exposure)[..., None, :]
    kinds = []
    for kind in (False, True):
        events, seen = (_smooth(counts[..., weekend == kind, :, :].sum(-3)) for counts in (observed, exposure))
        days = float((weekend == kind).sum())
        own = np.where(seen > 0, events / np.maximum(seen, 1e-9), flat)
        kinds.append((days * own + flat) / (days + 1))
    return np.stack(kinds, axis=-3)


def expected_by_day(exposure: Floats, rate: Floats, weekend: NDArray[np.bool_]) -> Floats:
    """Expected events of whole days: exposure (*b, D, 24, J or 1), rate (*b, 2, 24, J), weekend (D,) to (*b, D, J)."""
    return np.asarray((exposure * rate[..., weekend.astype(int), :, :]).sum(-2))


def _smooth(by_hour: Floats) -> Floats:
    """Weighted sums over neighbouring hours, axis -2."""
    reach = len(_SMOOTHING) // 2
    return np.asarray(sum(w * np.roll(by_hour, i - reach, axis=-2) for i, w in enumerate(_SMOOTHING)))

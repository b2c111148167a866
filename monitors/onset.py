"""Since when has an event been more frequent?  The likeliest moment, looking back over a sequence.  Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LEAST = 20  # observations on either side
_SURE = 20.0  # twice the log-likelihood ratio: by chance in fewer than one of a thousand sequences without a change


def onset(events: Sequence[bool]) -> int | None:
    """The place from which on events are more frequent than before it; None where nothing speaks for one.

    The maximum of the likelihood ratio of one change in a Bernoulli rate (Hinkley & Hinkley 1970), upwards only.  It
    looks back at what an alarm or a reader already doubts; it is no alarm.
    """
    total, n = sum(events), len(events)
    if n < 2 * _LEAST or not total:
        return None
    split = np.arange(_LEAST, n - _LEAST + 1)
    before = np.cumsum(np.asarray(events, float))[split - 1]
    ratios = _fit(before, split) + _fit(total - before, n - split) - _fit(np.array([total]), np.array([n]))
    rising = before / split < (total - before) / (n - split)
    best = int(np.argmax(np.where(rising, ratios, -np.inf)))
    return int(split[best]) if rising[best] and 2 * ratios[best] > _SURE else None


def _fit(events: NDArray[np.float64], of: NDArray[np.int64]) -> NDArray[np.float64]:
    """The log-likelihood of a rate that is the share itself."""
    others = of - events
    fitted: NDArray[np.float64] = events * np.log(np.maximum(events, 1) / of) + others * np.log(
        np.maximum(others, 1) / of
    )
    return fitted

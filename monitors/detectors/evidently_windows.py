"""The baselines of Evidently: its four tests of embedding drift, on windows of vectors.

The Detector port carries counts, so these stand beside it: one window in, one verdict out.  The tests are Evidently's
own classes, called without its report, which would compute a t-SNE each time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import msgspec

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Method = Literal["model", "distance", "ratio", "mmd"]
METHODS: tuple[Method, ...] = ("model", "distance", "ratio", "mmd")


class Verdict(msgspec.Struct, frozen=True):
    """What a test says of a window: its score, in its own unit, and whether it calls that drift."""

    score: float
    alarm: bool


class EvidentlyWindows:
    """Compares windows with one reference by one of the methods, with Evidently's default thresholds.

    `bootstrap` asks for a threshold from the reference instead.  For `mmd` Evidently then alarms above the 5 % quantile
    of the null, so nearly always; for the others above the 95 % quantile.
    """

    def __init__(self, reference: NDArray[np.float32], method: Method, *, bootstrap: bool = False) -> None:
        """`reference`: vectors, shape (n, dimensions)."""
        self.name = f"evidently_{method}{'_bootstrap' if bootstrap else ''}"
        self._reference = reference
        self._method = _test(method, bootstrap)

    def look(self, window: NDArray[np.float32]) -> Verdict:
        """The verdict on one window, shape (m, dimensions); takes a millisecond to a second."""
        import pandas as pd

        # Evidently writes into the frames that it is given.
        score, alarm, _ = self._method(pd.DataFrame(window), pd.DataFrame(self._reference))
        return Verdict(float(score), bool(alarm))


def _test(method: Method, bootstrap: bool) -> Any:
    from evidently.legacy.metrics.data_drift import embedding_drift_methods as tests

    if method == "ratio":
        return tests.RatioDriftMethod()
    made = {"model": tests.ModelDriftMethod, "distance": tests.DistanceDriftMethod, "mmd": tests.MMDDriftMethod}
    return made[method](bootstrap=bootstrap)

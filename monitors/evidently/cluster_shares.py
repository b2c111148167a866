"""Shares of the clusters as an Evidently metric."""

# (Evidently is not followed by mypy: its 353 modules import each other.)

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go
from evidently.core.metric_types import SingleValue, SingleValueCalculation, SingleValueMetric
from evidently.core.report import Context
from evidently.tests import lt

from monitors import shares
from monitors.evidently.drawing import drawn


class ClusterShares(SingleValueMetric):
    """How many clusters have at least `times` their share of the reference, for sure; fails with the first.

    For sure: the lower end of the ratio's 95 % interval is above `times`, and the growth is none of the one in twenty
    that chance would show.  `clusters` is how many there are; `column` holds the number of the cluster of each input.
    """

    clusters: int
    column: str = "cluster"
    times: float = 2.0

    def _default_tests_with_reference(self, context: Context) -> list[Any]:
        return [lt(1).bind_single(self.get_fingerprint())]


class ClusterSharesCalculation(SingleValueCalculation[ClusterShares]):
    """Computes `ClusterShares` and draws both mixes."""

    def calculate(self, context: Context, current_data: Any, reference_data: Any) -> SingleValue:
        """See Evidently."""
        now, before = (self._counted(data.as_dataframe()) for data in (current_data, reference_data))
        changes = [shares.change(*both) for both in zip(now, before, strict=True)]
        more = shares.grown(now, before)
        found = sum(
            grew and change is not None and change.lower > self.metric.times
            for grew, change in zip(more, changes, strict=True)
        )
        names = [str(number) for number in range(self.metric.clusters)]
        figure = go.Figure()
        for name, rows in (("reference", before), ("current", now)):
            upper, lower = [row.upper - row.share for row in rows], [row.share - row.lower for row in rows]
            bars = {"type": "data", "array": upper, "arrayminus": lower, "thickness": 1}
            figure.add_bar(x=names, y=[row.share for row in rows], name=name, error_y=bars)
        figure.update_layout(
            barmode="group", xaxis={"title": "cluster", "type": "category"}, yaxis_title="share, 95 % interval"
        )
        label = f"clusters that are at least {self.metric.times:g} times as large"
        return drawn(self, float(found), label, str(found), figure)

    def display_name(self) -> str:
        """See Evidently."""
        return "What inputs are about: share of each cluster"

    def _counted(self, frame: Any) -> list[shares.Counted]:
        numbers = frame[self.metric.column].dropna().to_numpy(int)
        sizes = np.bincount(numbers, minlength=self.metric.clusters)
        return [shares.counted(int(size), len(numbers)) for size in sizes]

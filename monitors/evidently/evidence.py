"""Evidence of a sequential detector as an Evidently metric."""

# (Evidently is not followed by mypy: its 353 modules import each other.)

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go
from evidently.core.metric_types import SingleValue, SingleValueCalculation, SingleValueMetric
from evidently.core.report import Context
from evidently.tests import lt

from monitors.evidently.drawing import drawn, times


class DetectorEvidence(SingleValueMetric):
    """The largest evidence of a sequential detector: log(e-value) over log(threshold), an alarm at 1.

    Times in seconds since the epoch.
    """

    detector: str
    times: list[float]
    evidences: list[float]

    def _default_tests(self, context: Context) -> list[Any]:
        return [lt(1.0).bind_single(self.get_fingerprint())]

    def _default_tests_with_reference(self, context: Context) -> list[Any]:
        return self._default_tests(context)


class DetectorEvidenceCalculation(SingleValueCalculation[DetectorEvidence]):
    """Shows `DetectorEvidence`."""

    def calculate(self, context: Context, current_data: Any, reference_data: Any) -> SingleValue:
        """See Evidently."""
        metric = self.metric
        figure = go.Figure()
        figure.add_scatter(x=times(metric.times), y=metric.evidences, mode="lines+markers")
        figure.add_hline(y=1.0, line_color="crimson", annotation_text="alarm")
        figure.update_layout(yaxis_title="log(e-value) / log(threshold)")
        largest = max(metric.evidences, default=0.0)
        return drawn(self, largest, f"{metric.detector}: largest evidence", f"{largest:.2f}", figure)

    def display_name(self) -> str:
        """See Evidently."""
        return f"Evidence of the {self.metric.detector} detector"

"""Agreement of student and teacher as an Evidently metric."""

# (Evidently is not followed by mypy: its 353 modules import each other.)

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go
from evidently.core.metric_types import SingleValue, SingleValueCalculation, SingleValueMetric
from evidently.core.report import Context
from evidently.tests import gte

from monitors.evidently.drawing import drawn, times


class StudentAgreement(SingleValueMetric):
    """The last estimate of agreement, with the curve to it; fails below what was promised at promotion.

    Times in seconds since the epoch; all four lists are equally long.
    """

    times: list[float]
    estimates: list[float]
    lowers: list[float]
    uppers: list[float]
    floor: float

    def _default_tests(self, context: Context) -> list[Any]:
        return [gte(self.floor).bind_single(self.get_fingerprint())]

    def _default_tests_with_reference(self, context: Context) -> list[Any]:
        return self._default_tests(context)


class StudentAgreementCalculation(SingleValueCalculation[StudentAgreement]):
    """Shows `StudentAgreement`."""

    def calculate(self, context: Context, current_data: Any, reference_data: Any) -> SingleValue:
        """See Evidently."""
        metric = self.metric
        axis = times(metric.times)
        band = {"mode": "lines", "line": {"width": 0}, "showlegend": False}
        figure = go.Figure()
        figure.add_scatter(x=axis, y=metric.uppers, **band)
        figure.add_scatter(x=axis, y=metric.lowers, fill="tonexty", fillcolor="rgba(65,105,225,0.2)", **band)
        figure.add_scatter(x=axis, y=metric.estimates, mode="lines", name="agreement")
        figure.add_hline(y=metric.floor, line_dash="dash", annotation_text="lower bound at promotion")
        figure.update_layout(yaxis_title="agreement over the last pairs, 95 % interval", yaxis_range=[0, 1.02])
        last = metric.estimates[-1] if metric.estimates else 0.0
        text = f"{last:.3f} [{metric.lowers[-1]:.3f}, {metric.uppers[-1]:.3f}]" if metric.estimates else "no pairs"
        return drawn(self, last, "agreement", text, figure)

    def display_name(self) -> str:
        """See Evidently."""
        return "Agreement of student and teacher"

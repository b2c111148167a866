"""Our statistics as Evidently metrics: they appear in its reports, with tests, beside any of its own.

Evidently's embedding drift has no test and computes a t-SNE at every call, so novelty is judged here.
"""

# mypy: disallow-subclassing-any=False
# (Evidently is not followed by mypy: its 353 modules import each other.)

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go
from evidently.core.metric_types import SingleValue, SingleValueCalculation, SingleValueMetric
from evidently.core.report import Context
from evidently.legacy.renderers.html_widgets import CounterData, WidgetSize, counter, plotly_figure
from evidently.tests import gt, gte, lt
from scipy.stats import mannwhitneyu


class NoveltyPValue(SingleValueMetric):
    """One-sided Mann-Whitney test: is current novelty larger than the reference's own (leave-one-out)?

    A look at one window.  Repeated looks would alarm too often: alarms come from the sequential detectors.
    """

    column: str = "novelty"
    model: str = ""
    alpha: float = 0.01

    def _default_tests_with_reference(self, context: Context) -> list[Any]:
        return [gt(self.alpha).bind_single(self.get_fingerprint())]


class NoveltyPValueCalculation(SingleValueCalculation[NoveltyPValue]):
    """Computes `NoveltyPValue` and draws both distributions."""

    def calculate(self, context: Context, current_data: Any, reference_data: Any) -> SingleValue:
        """See Evidently."""
        current = current_data.as_dataframe()[self.metric.column].dropna().to_numpy(float)
        reference = reference_data.as_dataframe()[self.metric.column].dropna().to_numpy(float)
        p = float(mannwhitneyu(current, reference, alternative="greater").pvalue) if len(current) else 1.0
        figure = go.Figure()
        for name, values in (("reference", reference), ("current", current)):
            figure.add_histogram(x=values, name=name, histnorm="probability", opacity=0.6, nbinsx=50)
        figure.update_layout(barmode="overlay", xaxis_title="cosine distance to the 5 nearest reference inputs")
        return _drawn(self, p, "p-value of novelty", f"{p:.2g}", figure)

    def display_name(self) -> str:
        """See Evidently."""
        return " ".join(["Novelty of inputs", *(["while", self.metric.model, "served"] if self.metric.model else [])])


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
        times = _times(metric.times)
        band = {"mode": "lines", "line": {"width": 0}, "showlegend": False}
        figure = go.Figure()
        figure.add_scatter(x=times, y=metric.uppers, **band)
        figure.add_scatter(x=times, y=metric.lowers, fill="tonexty", fillcolor="rgba(65,105,225,0.2)", **band)
        figure.add_scatter(x=times, y=metric.estimates, mode="lines", name="agreement")
        figure.add_hline(y=metric.floor, line_dash="dash", annotation_text="lower bound at promotion")
        figure.update_layout(yaxis_title="agreement over the last pairs, 95 % interval", yaxis_range=[0, 1.02])
        last = metric.estimates[-1] if metric.estimates else 0.0
        text = f"{last:.3f} [{metric.lowers[-1]:.3f}, {metric.uppers[-1]:.3f}]" if metric.estimates else "no pairs"
        return _drawn(self, last, "agreement", text, figure)

    def display_name(self) -> str:
        """See Evidently."""
        return "Agreement of student and teacher"


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
        figure.add_scatter(x=_times(metric.times), y=metric.evidences, mode="lines+markers")
        figure.add_hline(y=1.0, line_color="crimson", annotation_text="alarm")
        figure.update_layout(yaxis_title="log(e-value) / log(threshold)")
        largest = max(metric.evidences, default=0.0)
        return _drawn(self, largest, f"{metric.detector}: largest evidence", f"{largest:.2f}", figure)

    def display_name(self) -> str:
        """See Evidently."""
        return f"Evidence of the {self.metric.detector} detector"


def _times(seconds: list[float]) -> Any:
    return (np.asarray(seconds, float) * 1000).astype("datetime64[ms]")


def _drawn(
    calculation: SingleValueCalculation[Any], value: float, label: str, text: str, figure: go.Figure
) -> SingleValue:
    result: SingleValue = calculation.result(value)
    figure.update_layout(template="plotly_white", margin={"t": 30, "b": 40})
    result.widget = [
        counter(title=calculation.display_name(), counters=[CounterData(label, text)]),
        plotly_figure(title="", figure=figure, size=WidgetSize.FULL),
    ]
    return result
